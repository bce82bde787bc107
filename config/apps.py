from django.apps import AppConfig


class ConfigApp(AppConfig):
    name = "config"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from config import celery, forks
        from config import checks as checks  # registers them
        from config.accounts import sessions
        from kb import facts
        from notifications import mail_templates

        celery.app.set_default()  # tasks that any thread enqueues go to this app's broker
        forks.guard()
        user_logged_in.connect(sessions.begin, dispatch_uid="preempt.desk_session")
        facts.ELSEWHERE["notifications"] = mail_templates.places_of_facts
