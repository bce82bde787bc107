"""A mail's days in words: Django's date filter, for days and moments that many mails of one hour name alike."""

from __future__ import annotations

import functools
import inspect
import re
from datetime import date, datetime, tzinfo
from typing import Any

from django.conf import settings
from django.template import Library
from django.template.defaultfilters import date as date_filter
from django.utils import timezone
from django.utils.translation import get_language

register = Library()

# Forms that say nothing finer than a minute, and nothing of a zone.
_TO_THE_MINUTE = re.compile(r"(?:\\.|[dDjlSwzmnMNFbytYoLAaHhGgi ,.:'’()/-])*")


@register.filter("date", expects_localtime=True, is_safe=False)
def date_in_words(value: Any, form: str | None = None) -> Any:
    """Django's own filter; a day or a minute is put into words once, and not for each mail that names it."""
    if type(value) is date:
        return _day(value, form, get_language())
    if type(value) is datetime and form and _is_to_the_minute(form):
        return _minute(value.replace(second=0, microsecond=0, tzinfo=None), value.tzinfo, form, get_language())
    return date_filter(value, form)


def is_date_filter(function: Any) -> bool:
    return inspect.unwrap(function) is inspect.unwrap(date_in_words)


def local(value: date) -> date:
    """A moment in the active zone, as the filter expects it; a day is a day."""
    if isinstance(value, datetime) and settings.USE_TZ and not timezone.is_naive(value):
        return timezone.localtime(value)
    return value


@functools.lru_cache(maxsize=1024)
def _day(value: date, form: str | None, _language: str) -> Any:
    return date_filter(value, form)


@functools.lru_cache(maxsize=4096)
def _minute(value: datetime, zone: tzinfo | None, form: str, _language: str) -> Any:
    return date_filter(value.replace(tzinfo=zone), form)


@functools.lru_cache(maxsize=256)
def _is_to_the_minute(form: str) -> bool:
    return _TO_THE_MINUTE.fullmatch(form) is not None
