"""Addresses that lead elsewhere: stable links between articles, old addresses, and dead ones."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from kb import old_addresses, selectors
from kb.search import query
from kb.views import languages

_OFFERED = 3
_ARCHIVED_SECONDS = 3600
_MOST_READ = 2_000  # characters of an address; what follows no person wrote
_LANGUAGE = re.compile(r"^/[a-z]{2,3}(-[a-z]{2,4})?(?=/|$)", re.IGNORECASE)
_ENDING = re.compile(r"\.(html?|xhtml|php\d?|aspx?|jsp|cgi|md|pdf|txt)$", re.IGNORECASE)
# Files that pages and robots ask for: their names are no words of a reader.
_FILE = re.compile(r"\.(png|jpe?g|gif|svg|webp|ico|css|js|map|json|xml|woff2?|env|zip|gz|sql|bak)$", re.IGNORECASE)
# What help centres put before the name of an article; no reader is looking for it.
_SIGNPOSTS = {"a", "c", "hc", "kb", "faq", "help", "support", "article", "articles", "category", "categories", "docs"}
_SIGNPOSTS |= {"section", "sections", "topic", "topics", "index", "search"}


@require_safe
def to_article(request: HttpRequest, reference: str) -> HttpResponse:
    """From the stable link in frozen HTML to the article as it is now, in the reader's language."""
    article = selectors.by_reference(reference, get_language())
    # What it names may have another address since, or be archived and lead elsewhere.
    return redirect(article) if article else moved_or_not_found(request, reference)


def moved_or_not_found(request: HttpRequest, slug: str) -> HttpResponse:
    """301 to where the article of this old address is now, or to where its readers are led since it is archived; 302
    from its address in another language; else the page for dead addresses.
    """
    if moved := selectors.moved_to(slug, get_language()):
        response = redirect(moved.view, moved.slug, permanent=moved.is_for_good)
        if moved.is_archived:
            # Publishing brings the article back, and browsers keep a 301 for as long as nobody says otherwise.
            response["Cache-Control"] = f"max-age={_ARCHIVED_SECONDS}"
        return response
    if translated := selectors.translation_by_slug(slug, get_language()):
        return redirect(translated)
    return not_found(request, slug)


def category_moved_or_not_found(request: HttpRequest, slug: str) -> HttpResponse:
    """The same for a category."""
    if new := selectors.category_moved_to(slug, get_language()):
        return redirect("help:category", new, permanent=True)
    if translated := selectors.category_slug_in(slug, get_language()):
        return redirect("help:category", translated)
    return not_found(request, slug)


def not_found(request: HttpRequest, dead: str) -> HttpResponse:
    """404 with a search for the words of the dead address, and the best answers to it at once."""
    words = words_of(dead)
    found = query.find(words, locale=get_language(), k=_OFFERED)
    return render(request, "404.html", {"query": words, "results": found.results}, status=404)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: any address that nothing answers to. An earlier help centre may have had it, and its first
    part may be a language.
    """
    if now := old_addresses.find(request.path_info, request.META.get("QUERY_STRING", "")):
        return redirect(now, permanent=True)
    if elsewhere := languages.in_a_language_of_ours(request):
        return elsewhere
    return not_found(request, _LANGUAGE.sub("", request.path_info))


def words_of(dead: str) -> str:
    """What somebody who asked for this address may be looking for: its words without signposts, numbers, ending."""
    # Links that were encoded twice arrive with their percent signs.
    address = unquote(dead[:_MOST_READ]).replace("\0", " ").rstrip("/")
    if _FILE.search(address):
        return ""
    parts = [part for part in _ENDING.sub("", address).split("/") if part]
    # Signposts are whole parts of the address: in "parcel-help" the word is the reader's.
    words = _words(part for part in parts if part.lower() not in _SIGNPOSTS)
    # Other help centres put the number of an article before its name.
    kept = [word for word in words if not (word.isdigit() and len(word) > 5)]
    # Where nothing but signposts is left, they are what is searched for, but a bare letter finds everything.
    signposts = [word for word in _words(parts) if len(word) > 1]
    return " ".join(kept or words or signposts)[: query.MAX_QUERY].strip()


def _words(parts: Iterable[str]) -> list[str]:
    return [word for part in parts for word in re.split(r"[\W_]+", part) if word]
