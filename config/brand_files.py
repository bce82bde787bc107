"""What a brand is made of, from our own origin: its style sheet, its logo, its icon. Each address never changes what
it answers, so that browsers keep it for a year.
"""

from __future__ import annotations

import gzip
from functools import lru_cache

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from core import brand, brand_images
from core.brand_look import Look, letter_icon
from core.models import Brand, BrandImage

FOR_EVER = "public, max-age=31536000, immutable"
_SHORTLY = "public, max-age=60"  # a version of another release of ours: what it looks like now, for now
_PNG = "image/png"


@require_safe
def sheet(request: HttpRequest, version: str) -> HttpResponse:
    """The custom properties of one version."""
    look = _look(version)
    response = HttpResponse(content_type="text/css; charset=utf-8")
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.content, response["Content-Encoding"] = _compressed(look.css), "gzip"
    else:
        response.content = look.css
    patch_vary_headers(response, ["Accept-Encoding"])
    return _kept(response, is_same=look.version == version)


@require_safe
def letter(request: HttpRequest, version: str) -> HttpResponse:
    """The icon of a shop that has no logo, or one too wide for a browser's tab."""
    look = _look(version)
    return _kept(HttpResponse(letter_icon(look), content_type="image/svg+xml"), is_same=look.version == version)


@require_safe
def letter_picture(request: HttpRequest, version: str) -> HttpResponse:
    """The same for a phone's home screen, which takes no SVG."""
    look = _look(version)
    if not look.initial.isascii():
        raise Http404("no picture of this letter")
    data = brand_images.letter(look.initial, look.accent)
    return _kept(HttpResponse(data, content_type=_PNG), is_same=look.version == version)


@require_safe
def image(request: HttpRequest, kind: str, digest: str, ending: str) -> HttpResponse:
    """A logo's file by the digest of the logo."""
    field = {"logo.webp": "webp", "logo.png": "png", "icon.png": "icon", "touch.png": "touch_icon"}.get(
        f"{kind}.{ending}"
    )
    data = BrandImage.objects.filter(pk=digest).values_list(field, flat=True).first() if field else None
    if not data:
        raise Http404("no such picture")
    content_type = "image/webp" if ending == "webp" else _PNG
    return _kept(HttpResponse(bytes(data), content_type=content_type), is_same=True)


def _look(version: str) -> Look:
    now = brand.current()
    if now.version == version:
        return now
    number = int(version.partition("-")[0])
    if number == 0:
        return brand.default()
    row = Brand.objects.filter(pk=number).first() if number < 2**63 else None
    if row is None:
        raise Http404("no such version")
    return brand.look_of(brand.draft_of(row), number=row.pk)


def _kept(response: HttpResponse, *, is_same: bool) -> HttpResponse:
    response["Cache-Control"] = FOR_EVER if is_same else _SHORTLY
    response["X-Content-Type-Options"] = "nosniff"
    return response


@lru_cache(maxsize=8)
def _compressed(text: str) -> bytes:
    return gzip.compress(text.encode(), 9, mtime=0)
