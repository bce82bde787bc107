"""Addresses that lead elsewhere: stable links between articles, old addresses, and dead ones."""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from kb import selectors
from kb.search import query

_OFFERED = 3


@require_safe
def to_article(request: HttpRequest, reference: str) -> HttpResponse:
    """From the stable link in frozen HTML to the article as it is now, in the reader's language."""
    article = selectors.by_reference(reference, get_language())
    return redirect(article) if article else not_found(request, reference)


def moved_or_not_found(request: HttpRequest, slug: str) -> HttpResponse:
    """301 to where the article of this old address is now; 302 from its address in another language; else the page for
    dead addresses.
    """
    if new := selectors.moved_to(slug, get_language()):
        return redirect("help:article", new, permanent=True)
    if translated := selectors.translation_by_slug(slug, get_language()):
        return redirect(translated)
    return not_found(request, slug)


def not_found(request: HttpRequest, dead: str) -> HttpResponse:
    """404 with a search for the words of the dead address, and the best answers to it at once."""
    words = " ".join(re.findall(r"[^\W_]+", dead))[: query.MAX_QUERY]
    found = query.find(words, locale=get_language(), k=_OFFERED)
    return render(request, "404.html", {"query": words, "results": found.results}, status=404)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: any address that nothing answers to. Its first part may be a language."""
    return not_found(request, re.sub(r"^/[a-z]{2}(-[a-z]+)?(?=/)", "", request.path))
