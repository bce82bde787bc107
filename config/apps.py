from django.apps import AppConfig


class ConfigApp(AppConfig):
    name = "config"

    def ready(self) -> None:
        from config import celery, forks

        celery.app.set_default()  # tasks that any thread enqueues go to this app's broker
        forks.guard()
