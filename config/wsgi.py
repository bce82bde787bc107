"""The web server's door."""

import os

from django.core.wsgi import get_wsgi_application

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.ensure_for_checkout()  # and keeps it while this process lives
application = get_wsgi_application()
