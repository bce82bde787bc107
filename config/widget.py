"""The widget: its one script, the way into its panel, and the desk's page about it."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config import widget_texts
from core import brand, csp
from core.roles import OPS, desk

_LONGEST = 200  # characters of one part of the context
_PLACE = "/* CONFIG */ null"


@dataclass(frozen=True)
class Script:
    """What /widget.js answers with."""

    body: bytes
    packed: bytes  # the same, compressed
    etag: str


@require_safe
def script(request: HttpRequest) -> HttpResponse:
    """The widget, with the words of every language in it: one file, the same for everybody."""
    look = brand.current()
    made = script_for(
        look.name,
        look.accent,
        hosts=tuple(settings.WIDGET_HOSTS),
        site=settings.SITE_URL,
        languages=tuple(code for code, _name in settings.LANGUAGES),
    )
    is_packed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(made.packed if is_packed else made.body, content_type="text/javascript; charset=utf-8")
    if is_packed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ("Accept-Encoding",))
    etag = f'"{made.etag}{"-gz" if is_packed else ""}"'
    response["ETag"] = etag
    # Asked again after an hour, and mostly answered with 304: within that time a new colour is everywhere.
    response["Cache-Control"] = "public, max-age=3600, stale-while-revalidate=86400"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Access-Control-Allow-Origin"] = "*"  # it holds nothing of anybody's; crossorigin= on the tag works
    return get_conditional_response(request, etag=etag, response=response) or response


@lru_cache(maxsize=8)
def script_for(shop_name: str, colour: str, *, hosts: tuple[str, ...], site: str, languages: tuple[str, ...]) -> Script:
    """The script for these settings."""
    given = {
        "site": site,
        "hosts": hosts,
        "colour": colour,
        "locale": settings.LANGUAGE_CODE,
        "texts": {code: widget_texts.of(code, shop_name) for code in languages},
    }
    source = (settings.BASE_DIR / "templates" / "widget" / "widget.js").read_text(encoding="utf-8")
    if _PLACE not in source:
        raise ValueError(f"templates/widget/widget.js has no {_PLACE}")
    body = source.replace(_PLACE, json.dumps(given, separators=(",", ":"))).encode()
    return Script(body, gzip.compress(body, 9, mtime=0), hashlib.sha256(body).hexdigest()[:20])


@never_cache
@require_safe
def way_in(request: HttpRequest) -> HttpResponse:
    """From what the shop's page knows (order, topic, article, query, page, locale) to the page that fits it.

    Also where an embedded visitor's cookie is set, so that the page itself sees whether the browser keeps it.
    """
    given = {name: request.GET.get(name, "").replace("\0", "").strip()[:_LONGEST] for name in request.GET}
    # What the reader has chosen in the menu goes before what the shop's page is written in.
    chosen = _language(request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, ""))
    with translation.override(chosen or _language(given.get("locale", "")) or translation.get_language()):
        return redirect(_address(given))


def _address(given: dict[str, str]) -> str:
    carried = {name: given[name] for name in ("topic", "order") if given.get(name)}
    query = f"?{urlencode(carried)}" if carried else ""
    if article := given.get("article"):
        try:
            return reverse("help:article", args=[article])
        except NoReverseMatch:  # no address of an article looks like this: search for its words
            return f"{reverse('help:search')}?{urlencode({'q': article})}"
    if words := given.get("query"):
        return f"{reverse('help:search')}?{urlencode({'q': words})}"
    pages = {"contact": "contacts:form", "order": "orders:lookup"}
    return reverse(pages.get(given.get("page", ""), "help:home")) + query


def _language(wish: str) -> str:
    """The language of ours that is nearest to the wish; empty where none is."""
    try:
        return translation.get_supported_language_variant(wish)
    except LookupError:
        return ""


class OptionsForm(forms.Form):
    """What the snippet on the desk's page is made with."""

    label = forms.CharField(label=gettext_lazy("Text of the button"), max_length=40, required=False)
    position = forms.ChoiceField(
        label=gettext_lazy("Corner"),
        choices=[
            ("end", gettext_lazy("bottom right")),
            ("start", gettext_lazy("bottom left")),
            ("none", gettext_lazy("no button of ours")),
        ],
        required=False,
    )
    colour = forms.RegexField(
        r"^#[0-9a-fA-F]{6}$",
        label=gettext_lazy("Colour"),
        required=False,
        widget=forms.TextInput(attrs={"type": "color"}),
        error_messages={"invalid": gettext_lazy("Write the colour as # and six digits, such as #1d5c42.")},
    )
    locale = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=[("", gettext_lazy("the page's own")), *settings.LANGUAGES],
        required=False,
    )
    topic = forms.CharField(label=gettext_lazy("Topic"), max_length=60, required=False)
    order = forms.CharField(label=gettext_lazy("Order number"), max_length=60, required=False)
    fallback = forms.CharField(
        label=gettext_lazy("Contact address"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("E-mail or web address to offer while our server does not answer."),
    )


@desk(OPS)
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """The snippet to copy, who may show it, what their policy needs; the widget itself runs on this page."""
    usual = {"position": "end", "colour": brand.current().accent.lower()}
    form = OptionsForm(request.GET or None, initial=usual)
    chosen = form.cleaned_data if form.is_bound and form.is_valid() else {}
    options = [
        (f"data-{name}", value) for name, value in chosen.items() if value and value.lower() != usual.get(name, "")
    ]
    context = {
        "section": "widget",
        "filter_form": form,
        "options": options,
        "script_url": f"{settings.SITE_URL}{reverse('widget')}",
        "hosts": settings.WIDGET_HOSTS,
        "site": settings.SITE_URL,
    }
    response = render(request, "desk/widget.html", context, status=400 if form.errors else 200)
    response["Content-Security-Policy"] = csp.policy(frame_src="'self'")
    return response
