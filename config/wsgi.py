"""The web server's door."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.ensure_for_checkout()  # and keeps it while this process lives
application = get_wsgi_application()

if settings.SEARCH_MEANING:
    from kb.search import semantic

    semantic.loaded()  # begins to load, beside the first requests
