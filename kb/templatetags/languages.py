"""What templates ask about languages: where a page is in the others, and which way a text runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import template
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString

from core import languages
from kb import addresses
from kb.models import Article

register = template.Library()

# Pages with the contact form, which this address shows again with all that was typed.
_WITH_FORM = {"contacts:form", "contacts:suggest", "contacts:files"}
_FORM, _FORM_AGAIN = "contact-form", "contacts:suggest"
# Characters of this page's address that go along, as many as are read (kb/views/languages.py): the menu names it ten
# times over.
_LONGEST = 4_000


@dataclass(frozen=True)
class Choice:
    """A language in the menu, named in itself. `url` leads to what is shown now, in it; where `form` names a form on
    the page, by sending that form there, so that nothing typed is lost.
    """

    code: str
    name: str
    url: str
    is_current: bool
    form: str = ""


@register.simple_tag(takes_context=True)
def language_menu(context: dict[str, Any]) -> SafeString | str:
    """The menu, rendered once for the top and the foot of a page. Nothing where there is nothing to choose."""
    request: HttpRequest | None = context.get("request")
    if request is None or len(settings.LANGUAGES) < 2:
        return ""
    made: SafeString | None = request.__dict__.get("_language_menu")
    if made is None:
        values = {"choices": _choices(request), "current": _name(translation.get_language())}
        made = request.__dict__["_language_menu"] = render_to_string("help/_partials/language_switcher.html", values)
    return made


def _choices(request: HttpRequest) -> list[Choice]:
    """The menu's rows: links that find the page's counterpart when they are followed (kb/views/languages.py)."""
    match = request.resolver_match
    form = _FORM if match is not None and match.view_name in _WITH_FORM else ""
    here = urlencode({"from": request.get_full_path_info()[:_LONGEST]})
    now = translation.get_language()
    found = []
    for code in languages.served():
        with translation.override(code):
            url = addresses.here(_FORM_AGAIN) if form else f"{addresses.here('help:switch-language')}?{here}"
        found.append(Choice(code, _name(code), url, code == now, form))
    return found


def _name(code: str) -> str:
    name = str(translation.get_language_info(code)["name_local"])
    return name[:1].upper() + name[1:]


@register.simple_tag
def original_of(article: Article) -> dict[str, str]:
    """Where the public original of a translation is, {locale, url}; empty where it is not public."""
    for other in article.translations:  # type: ignore[attr-defined]  # at_address adds it
        if other["locale"] == settings.LANGUAGE_CODE != article.locale:
            with translation.override(other["locale"]):
                return {"locale": other["locale"], "url": reverse("help:article", args=[other["slug"]])}
    return {}


@register.filter
def direction(locale: str) -> str:
    """The `dir` of a text in this language."""
    return "rtl" if locale.partition("-")[0] in settings.LANGUAGES_BIDI else "ltr"
