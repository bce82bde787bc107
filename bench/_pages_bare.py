"""The bare Django view that our article page is held against: the product's settings and middleware, and a view that
returns the bytes of the file BENCH_BARE_PAGE names, with the type and encoding that BENCH_BARE_HEADERS says.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from django.conf.urls.i18n import i18n_patterns
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

_body = Path(os.environ["BENCH_BARE_PAGE"]).read_bytes()
_headers = json.loads(os.environ["BENCH_BARE_HEADERS"])


def page(request: HttpRequest, slug: str) -> HttpResponse:
    return HttpResponse(_body, headers=_headers)


urlpatterns = i18n_patterns(path("a/<str:slug>/", page, name="article"))
application = get_wsgi_application()
