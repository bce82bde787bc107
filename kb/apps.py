from django.apps import AppConfig


class KbApp(AppConfig):
    name = "kb"

    def ready(self) -> None:
        from core import erasure
        from kb import erasing

        erasure.register(erasing.PART)
