"""The kinds of facts: how a value is written on the desk, kept in the database, and shown in each language.

A value is written in English in one line ("2–4 working days", "14:00, Mon–Fri", "£3.95", "2026-12-24"), kept as plain
JSON, and shown with the reader's own words, order and signs. Words are kept and shown as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from typing import Any

from django.utils import formats, translation
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kb.models import PieceKind

LONGEST_TEXT = 200
LONGEST_BLOCK = 20_000

_DURATION = re.compile(
    r"(\d{1,5})(?:\s*(?:-|–|to)\s*(\d{1,5}))?\s*(minute|hour|day|(?:working|business)\s+day|week|month|year)s?", re.I
)
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(
    r"(\d{1,2})(?:[:.](\d{2}))?\s*(am|pm)?(?:[\s,]+(mon|tue|wed|thu|fri|sat|sun)\w*(?:\s*(?:-|–|to)\s*"
    r"(mon|tue|wed|thu|fri|sat|sun)\w*)?)?",
    re.I,
)
_SIGNS = {"€": "EUR", "£": "GBP", "$": "USD", "¥": "JPY"}
_SIGN_OF = {code: sign for sign, code in _SIGNS.items()}
_MONEY = re.compile(r"(?P<before>[€£$¥]|[A-Z]{3})?\s*(?P<amount>\d{1,9}(?:\.\d{1,2})?)\s*(?P<after>[€£$¥]|[A-Z]{3})?")
# Languages that write the sign before the amount; others after it. CLDR's standard patterns of currencies.
_SIGN_FIRST = {"en", "ja", "ko", "zh", "th", "tr", "hi", "id", "ms"}


class BadValue(Exception):
    """The text is no value of this kind. The message says how to write one."""


def read(kind: str, written: str) -> Any:
    """The value, as it is kept, that somebody wrote. Raises BadValue."""
    return _KINDS[PieceKind(kind)].read(written.strip() if kind != PieceKind.MARKDOWN else written.strip("\r\n"))


def write(kind: str, value: Any) -> str:
    """The value as somebody would write it: what read() takes."""
    return _KINDS[PieceKind(kind)].write(value)


def show(kind: str, value: Any, locale: str) -> str:
    """The value as customers read it in `locale`. Plain text, of a block its Markdown."""
    with translation.override(locale):
        return _KINDS[PieceKind(kind)].show(value)


def example(kind: str) -> str:
    return _KINDS[PieceKind(kind)].example


@dataclass(frozen=True)
class _Kind:
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    show: Callable[[Any], str]
    example: str


def _read_duration(written: str) -> dict[str, Any]:
    found = _DURATION.fullmatch(written)
    if found is None:
        raise BadValue("Write a number and a unit: 30 days, 2–4 working days, 24 hours.")
    low, high = int(found[1]), int(found[2] or found[1])
    if not low:
        raise BadValue("A length of time begins at 1.")
    if high < low or (found[2] and high == low):
        raise BadValue("The second number must be larger than the first: 2–4 working days.")
    return {"from": low, "to": high, "unit": " ".join(found[3].lower().replace("business", "working").split())}


def _write_duration(value: dict[str, Any]) -> str:
    low, high, unit = value["from"], value["to"], value["unit"]
    return f"{low if low == high else f'{low}–{high}'} {unit}{'' if high == 1 else 's'}"


def _show_duration(value: dict[str, Any]) -> str:
    low, high, unit = int(value["from"]), int(value["to"]), value["unit"]
    words = _words(unit, high)
    if low != high and "%(num)" not in words:
        words = _words(unit, 3)  # a language whose form for two holds no number
    return words.replace("%(num)d", "%(num)s") % {"num": str(low) if low == high else f"{low}–{high}"}


def _words(unit: str, number: int) -> str:
    """In the words of Django's own catalogues, where those have the unit."""
    match unit:
        case "minute":
            return ngettext("%(num)d minute", "%(num)d minutes", number)
        case "hour":
            return ngettext("%(num)d hour", "%(num)d hours", number)
        case "day":
            return ngettext("%(num)d day", "%(num)d days", number)
        case "working day":
            return ngettext("%(num)d working day", "%(num)d working days", number)
        case "week":
            return ngettext("%(num)d week", "%(num)d weeks", number)
        case "month":
            return ngettext("%(num)d month", "%(num)d months", number)
        case "year":
            return ngettext("%(num)d year", "%(num)d years", number)
    raise ValueError(f"no such unit: {unit}")


def _read_time(written: str) -> dict[str, Any]:
    found = _TIME.fullmatch(written)
    if found is None or (found[2] is None and found[3] is None):
        raise BadValue("Write a time, and the days if it holds on some only: 14:00, or 14:00 Mon–Fri.")
    hour, minute, half = int(found[1]), int(found[2] or 0), (found[3] or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0) if 1 <= hour <= 12 else 99
    if hour > 23 or minute > 59:
        raise BadValue("There is no such time. Write it from 00:00 to 23:59.")
    days = [_DAYS.index(day.lower()[:3]) for day in found.group(4, 5) if day]
    if len(days) == 2 and days[0] >= days[1]:
        raise BadValue("The second day must come after the first, in a week that begins on Monday.")
    return {"time": f"{hour:02}:{minute:02}", "days": days}


def _write_time(value: dict[str, Any]) -> str:
    days = "–".join(_DAYS[day].title() for day in value["days"])
    return f"{value['time']}, {days}" if days else str(value["time"])


def _show_time(value: dict[str, Any]) -> str:
    at = formats.time_format(time.fromisoformat(value["time"]), "TIME_FORMAT")
    days = "–".join(str(WEEKDAYS_ABBR[day]) for day in value["days"])
    return _("%(time)s, %(days)s") % {"time": at, "days": days} if days else at


def _read_money(written: str) -> dict[str, str]:
    found = _MONEY.fullmatch(written.replace(",", "."))
    signs = [sign for sign in found.group("before", "after") if sign] if found else []
    if found is None or len(signs) != 1:
        raise BadValue("Write an amount with its currency: £3.95, €49, or 49 CHF.")
    return {"amount": found["amount"], "currency": _SIGNS.get(signs[0], signs[0])}


def _write_money(value: dict[str, str]) -> str:
    sign = _SIGN_OF.get(value["currency"])
    return f"{sign}{value['amount']}" if sign else f"{value['amount']} {value['currency']}"


def _show_money(value: dict[str, str]) -> str:
    amount = Decimal(value["amount"])
    places = 0 if amount == amount.to_integral_value() else 2
    number = formats.number_format(amount, decimal_pos=places, use_l10n=True, force_grouping=amount >= 10_000)
    sign = _SIGN_OF.get(value["currency"], value["currency"])
    if (translation.get_language() or "en").partition("-")[0] not in _SIGN_FIRST:
        return f"{number}\N{NO-BREAK SPACE}{sign}"
    return f"{sign}{number}" if len(sign) == 1 else f"{sign}\N{NO-BREAK SPACE}{number}"


def _read_date(written: str) -> str:
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        raise BadValue("Write the date as year, month and day: 2026-12-24.") from None


def _show_date(value: str) -> str:
    return formats.date_format(date.fromisoformat(value), "DATE_FORMAT")


def _read_text(written: str) -> str:
    text = " ".join(written.split())
    if not text:
        raise BadValue("Write something.")
    if len(text) > LONGEST_TEXT:
        raise BadValue(f"It has {len(text)} characters; at most {LONGEST_TEXT} fit into a sentence.")
    if "{{" in text or "\0" in text:
        raise BadValue("A fact cannot hold another one. Write it without {{ }}.")
    return text


def _read_markdown(written: str) -> str:
    text = written.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").rstrip()
    if not text.strip():
        raise BadValue("Write something.")
    if len(text) > LONGEST_BLOCK:
        raise BadValue(f"It has {len(text)} characters; a block has at most {LONGEST_BLOCK}.")
    return text


def _same(value: Any) -> str:
    return str(value)


_KINDS = {
    PieceKind.DURATION: _Kind(_read_duration, _write_duration, _show_duration, "30 days, 2–4 working days"),
    PieceKind.TIME: _Kind(_read_time, _write_time, _show_time, "14:00, or 14:00 Mon–Fri"),
    PieceKind.MONEY: _Kind(_read_money, _write_money, _show_money, "£3.95, €49"),
    PieceKind.DATE: _Kind(_read_date, _same, _show_date, "2026-12-24"),
    PieceKind.TEXT: _Kind(_read_text, _same, _same, "by parcel post"),
    PieceKind.MARKDOWN: _Kind(_read_markdown, _same, _same, "Markdown"),
}
