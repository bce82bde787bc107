from django.apps import AppConfig


class KbApp(AppConfig):
    name = "kb"
