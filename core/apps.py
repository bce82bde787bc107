from django.apps import AppConfig


class CoreApp(AppConfig):
    name = "core"

    def ready(self) -> None:
        from core import lookups  # noqa: F401 - registers any_of
