"""The web server's door."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from config import embedded

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.ensure_for_checkout()  # and keeps it while this process lives
application = get_wsgi_application()

from analytics import left_out, writing  # noqa: E402  needs the apps

writing.gather()  # that a page was looked at is written beside the requests
left_out.gather()

if settings.SEARCH_ENGINE == "whoosh":
    from kb import search
    from kb.search import warming

    warming.warm_up()
    search.engine().generation()  # opens the index

if settings.SEARCH_MEANING:
    from kb.search import semantic

    semantic.loaded()  # begins to load, beside the first requests

gc.collect()
gc.freeze()  # what is here now stays: to look through it for garbage would take a tenth of a second amid a request
