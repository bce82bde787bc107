"""From a page to the same in another language; from an address in a language that we do not have to one that we have.

Nobody who changes the language may land on a dead end: where the page has no counterpart, a search for its words
answers, and where it has no words, the home page.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlencode, urlsplit

from django.conf import settings
from django.conf.locale import LANG_INFO
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.urls import Resolver404, ResolverMatch, get_script_prefix, resolve, reverse
from django.utils import translation
from django.utils.encoding import escape_uri_path
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core import languages, visitors
from kb import selectors
from kb.search import query

_LONGEST = 4_000  # characters of an address; a search of 200 letters in Arabic has some 1,800
# What belongs to one visit of the page, not to the page.
_NOT_KEPT = ("via", "voted", "s", "page", languages.PARAMETER)
_NO_PAGES = ("help:vote", "help:switch-language", "help:search-suggest")
_NOT_CUSTOMERS = ("/desk/", "/api/")
_KNOWN = {code.partition("-")[0] for code in LANG_INFO}  # of the world's languages, not of ours


@never_cache
@require_safe
def switch(request: HttpRequest) -> HttpResponse:
    """To the counterpart of the page `from` in the language of this address; the browser remembers the language."""
    language = get_language()
    response = HttpResponseRedirect(_counterpart(request.GET.get("from", "")[:_LONGEST], language))
    visitors.remember(response, settings.LANGUAGE_COOKIE_NAME, language, request=request)
    return response


def in_a_language_of_ours(request: HttpRequest) -> HttpResponse | None:
    """For an address that nothing answers to: where its first part is a language that is written otherwise here (/EN/,
    /pt/) or not at all (/xx/), the same in the nearest one or the reader's. None where that leads nowhere either.
    """
    code, rest = languages.split(request.path_info)
    if not code or code in languages.served() or request.method not in ("GET", "HEAD"):
        return None
    if code.lower().replace("_", "-").partition("-")[0] not in _KNOWN and not rest.strip("/"):
        return None  # /faq/ is no language's home page, and its word may be searched for
    language = languages.nearest(code) or languages.nearest(get_language() or "") or settings.LANGUAGE_CODE
    path = f"/{language}{rest}"
    with translation.override(language):
        if _match(path) is None and _match(path := f"{path}/") is None:
            return None
    return redirect(_with(path, request.GET))


def _counterpart(address: str, language: str) -> str:
    """The address in `language`, which is active, for a page of ours at `address`; the home page for anything else."""
    parts = urlsplit(address if address.startswith("/") and not re.match(r"/[/\\]", address) else "/")
    path, kept = unquote(parts.path).replace("\0", ""), QueryDict(parts.query, mutable=True)
    for name in _NOT_KEPT:
        kept.pop(name, None)
    source, rest = languages.split(path)
    if source not in languages.served():
        return _of_no_language(path, kept, language)
    with translation.override(source):
        match = _match(path)
    if match is None:
        return _search(rest)
    if match.view_name == "help:article":
        # Without its query: a page of an article is the same for all.
        slug = selectors.slug_in(match.kwargs["slug"], source, language)
        return reverse("help:article", args=[slug]) if slug else _search(match.kwargs["slug"])
    if match.view_name == "help:category":
        slug = selectors.category_slug_for(match.kwargs["slug"], language)
        return reverse("help:category", args=[slug]) if slug else reverse("help:home")
    if match.view_name in _NO_PAGES:
        return reverse("help:home")
    return _with(f"/{language}{rest}", kept)


def _of_no_language(path: str, kept: QueryDict, language: str) -> str:
    """A page whose language is not in its address, but in a link that we signed, is told by a parameter."""
    if not path.strip("/") or path.startswith(_NOT_CUSTOMERS):
        return reverse("help:home")
    if _match(path) is None:
        return _search(path)
    kept[languages.PARAMETER] = language
    return _with(path, kept)


def _match(path: str) -> ResolverMatch | None:
    """In the language that is active."""
    try:
        return resolve(path)
    except Resolver404:
        return None


def _search(dead: str) -> str:
    """A search for the words of an address that leads nowhere."""
    words = " ".join(re.findall(r"[^\W_]+", dead))[: query.MAX_QUERY]
    return f"{reverse('help:search')}?{urlencode({'q': words})}" if words else reverse("help:home")


def _with(path: str, kept: QueryDict) -> str:
    address = get_script_prefix().rstrip("/") + escape_uri_path(path)
    return f"{address}?{kept.urlencode()}" if kept else address
