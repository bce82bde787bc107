from django.apps import AppConfig


class ContactsApp(AppConfig):
    name = "contacts"
