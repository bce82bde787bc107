from django.apps import AppConfig


class ContactsApp(AppConfig):
    name = "contacts"

    def ready(self) -> None:
        from core import erasure
        from contacts import erasing

        erasure.register(erasing.PART)
