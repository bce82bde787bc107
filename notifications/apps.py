from django.apps import AppConfig


class NotificationsApp(AppConfig):
    name = "notifications"

    def ready(self) -> None:
        from core import erasure
        from notifications import erasing, erasing_payloads

        erasure.register(erasing.PART)
        erasure.register(erasing_payloads.PART)
