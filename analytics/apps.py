from django.apps import AppConfig


class AnalyticsApp(AppConfig):
    name = "analytics"

    def ready(self) -> None:
        from analytics import erasing, receivers
        from core import erasure

        receivers.connect()
        erasure.register(erasing.PART)
