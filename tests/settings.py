"""The product's settings, with a server, a data folder and a hasher of the tests' own."""

import os
from pathlib import Path

# A machine's own settings (a .env sourced in the shell) must not reach the tests; CI may give another server.
os.environ.setdefault("PREEMPT_DATA_DIR", str(Path(__file__).resolve().parent.parent / ".data" / "test"))
if "DATABASE_URL" in os.environ:
    os.environ.setdefault("SECRET_KEY", "only for tests")

from config.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # cheap on purpose
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},  # no collectstatic first
}
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True  # serve the sources, without collectstatic first
SEARCH_MEANING = False  # the tests of it switch it on
SUGGESTIONS_OFF_SHARE = 0.0  # chance decides nothing here; the tests of it give a share
QUIET_HOURS = None  # a test that ends with "sent" must not depend on the hour; the tests of it give some
CELERY_WORKER_LOST_WAIT = 0.5  # seconds that a dead child's last word is waited for: ten at work
