from django.apps import AppConfig


class ContactsApp(AppConfig):
    name = "contacts"

    def ready(self) -> None:
        from contacts import erasing
        from core import erasure

        erasure.register(erasing.PART)
