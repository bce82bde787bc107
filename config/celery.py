"""The Celery app. Tasks are doorways of three lines; see CELERY_* in settings for why each is set."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("preempt")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
