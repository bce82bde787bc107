from django.apps import AppConfig


class ConfigApp(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import celery, forks
        from config import checks as checks  # registers them

        celery.app.set_default()  # tasks that any thread enqueues go to this app's broker
        forks.guard()
