"""gunicorn's own settings (`--config python:config.web_master`): what workers need is imported once, before they fork.

The application itself is made in each of them, with threads and connections of its own (config/wsgi.py).
"""

from __future__ import annotations

import gc
import importlib
import os


def on_starting(server: object) -> None:
    """Called by gunicorn, once, before the first worker is forked."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    importlib.import_module("config.urls")
    gc.collect()
    gc.freeze()  # or the first look for garbage would copy every page of memory that they share
