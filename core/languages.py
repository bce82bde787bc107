"""Which language a request is answered in, and how we find out about languages that we do not have."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest
from django.middleware.locale import LocaleMiddleware
from django.utils import translation

STAFF_LANGUAGE = "en"
PARAMETER = "lang"  # asks for a language where the address has none
_STAFF_PAGES = ("/desk/", "/api/")
_PREFIX = re.compile(r"/([a-zA-Z]{2,3}(?:[-_][a-zA-Z0-9]{2,8})*)(?=/|$)")


class LanguageMiddleware(LocaleMiddleware):
    """Customers' pages in the language of their address; the desk and the API always in English."""

    def process_request(self, request: HttpRequest) -> None:
        if request.path_info.startswith(_STAFF_PAGES):
            translation.activate(STAFF_LANGUAGE)
            request.LANGUAGE_CODE = STAFF_LANGUAGE
            return
        super().process_request(request)


def split(path: str) -> tuple[str, str]:
    """The language in front of a path as it is written there, and the rest from its slash on; ("", path) if none.

    It need not be one that we have: /xx/help/ gives ("xx", "/help/").
    """
    found = _PREFIX.match(path)
    return (found[1], path[found.end() :] or "/") if found else ("", path)


def nearest(code: str) -> str:
    """The served language that is nearest to `code` (as "pt" or "EN-gb"); empty where none is near."""
    try:
        return translation.get_supported_language_variant(code.replace("_", "-").lower())
    except LookupError:
        return ""


def asked(request: HttpRequest) -> str:
    """The served language that a page without one in its address was asked for in; empty where none."""
    return nearest(request.GET.get(PARAMETER, "")[:20])


def served() -> list[str]:
    """The codes of the languages of this shop, the default one first."""
    return [code for code, _name in settings.LANGUAGES]
