"""Addresses of pages: for machines absolute, in any language, outside of any shop's page; and many of them cheaply."""

from __future__ import annotations

import functools
from urllib.parse import quote

from django.conf import settings
from django.urls import get_script_prefix, reverse
from django.utils import translation


def absolute(view: str, *args: str, locale: str) -> str:
    """The address of this view's page in `locale`."""
    return settings.SITE_URL + _path(view, *args, locale=locale)


def of_article(locale: str, slug: str) -> str:
    return settings.SITE_URL + _before_slug("help:article", locale) + quote(slug) + "/"


def of_category(locale: str, slug: str) -> str:
    return settings.SITE_URL + _before_slug("help:category", locale) + quote(slug) + "/"


def here(view: str) -> str:
    """reverse() of an address without arguments, where this request is: in its language, in a shop's page or not."""
    return _here(view, translation.get_language(), get_script_prefix())


@functools.lru_cache(maxsize=256)
def _here(view: str, locale: str, prefix: str) -> str:
    with translation.override(locale):
        return reverse(view)


@functools.cache
def _before_slug(view: str, locale: str) -> str:
    # Thousands of addresses stand in a sitemap, and reverse() takes 20 µs for each.
    return _path(view, "x", locale=locale).removesuffix("x/")


def _path(view: str, *args: str, locale: str) -> str:
    with translation.override(locale):
        # A page may be shown below another path too (in a shop's page); SITE_URL holds the one that counts.
        return "/" + reverse(view, args=args).removeprefix(get_script_prefix())
