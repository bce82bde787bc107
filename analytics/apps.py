from django.apps import AppConfig


class AnalyticsApp(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import receivers

        receivers.connect()
