"""django-helpdesk as its own documentation sets it up: one file, run in an environment of its own.

    python -P bench/_pages_helpdesk.py ARTICLES.json     make its tables, fill one category, print its address
    gunicorn --chdir bench _pages_helpdesk:application   serve it

BENCH_HELPDESK_DATABASE names its database as JSON (Django's NAME, USER, HOST …). It knows nothing of the product.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django
from django.conf import settings

if not settings.configured:
    settings.configure(
        SECRET_KEY="only for this bench",
        ALLOWED_HOSTS=["*"],
        ROOT_URLCONF="_pages_helpdesk",
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        LANGUAGE_CODE="en",
        STATIC_URL="/static/",
        LOGIN_URL="/login/",
        SITE_ID=1,
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "CONN_HEALTH_CHECKS": True,
                "OPTIONS": {"pool": {"min_size": 1, "max_size": 8}},  # as we have it
                **json.loads(os.environ["BENCH_HELPDESK_DATABASE"]),
            }
        },
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.sites",
            "django.contrib.messages",
            "django.contrib.staticfiles",
            "django.contrib.admin",
            "django.contrib.humanize",
            "django_cleanup.apps.CleanupConfig",
            "rest_framework",
            "helpdesk",
        ],
        HELPDESK_TEAMS_MODE_ENABLED=False,
        HELPDESK_TEAMS_MODEL="auth.Group",
        HELPDESK_TEAMS_MIGRATION_DEPENDENCIES=[],
        HELPDESK_KBITEM_TEAM_GETTER=lambda item: None,
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.debug",
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
    )
    django.setup()

from django.contrib.auth.views import LoginView
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    path("", include("helpdesk.urls", namespace="helpdesk")),
]
application = get_wsgi_application()


def fill(articles: list[dict[str, str]]) -> None:
    from django.core.management import call_command
    from helpdesk.models import KBCategory, KBItem

    call_command("migrate", verbosity=0)
    shelf = KBCategory.objects.create(name="Help", title="Help", slug="help", description="Answers.", public=True)
    for order, article in enumerate(articles):
        KBItem.objects.create(
            category=shelf, title=article["title"][:100], question=article["title"], answer=article["body"], order=order
        )


if __name__ == "__main__":
    fill(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    print("/kb/help/")
