"""JSON of others read safely: every value by its place, so that an Unreadable says which field is wrong and how.

`At(payload)` is the whole of it; `order.object("billing").text("email")` reads "billing.email". A field that is left
out, null or empty text is nothing ("" or None) where it may be; a field of another type never is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from notifications.intake.facts import Region
from notifications.intake.source import Unreadable

EARLIEST, LATEST = 1990, 2100  # a year outside is a slip of the pen
LARGEST = 2**31 - 1  # what the database takes for a number of pieces

# What PostgreSQL takes in no text, and UTF-8 does not have.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONGEST_PLACE = 200
_SHOWN = 60  # characters of a wrong value that its error repeats
_COUNTRY = re.compile(r"[A-Za-z]{2}")


@dataclass(frozen=True)
class At:
    """A JSON value and its place in the payload ("" is the whole payload)."""

    value: Any
    place: str = ""

    def unreadable(self, problem: str) -> Unreadable:
        """The error that this value has a problem: to be raised."""
        where = _UNSTORABLE.sub("?", self.place[:_LONGEST_PLACE]) or "the payload"  # keys are theirs too
        return Unreadable(f"{where}: {problem}, found {_shown(self.value)}")

    @property
    def is_missing(self) -> bool:
        """Left out, null or empty text."""
        return self.value is None or self.value == ""

    def at(self, name: str) -> At:
        """The field of an object; its value is None where it is left out. Raises Unreadable where this is no object."""
        if not isinstance(self.value, dict):
            raise self.unreadable("an object is needed")
        return At(self.value.get(name), f"{self.place}.{name}" if self.place else name)

    def object(self, name: str) -> At:
        """An object in a field; an empty one where the field is missing."""
        found = self.at(name)
        if found.is_missing:
            return At({}, found.place)
        if not isinstance(found.value, dict):
            raise found.unreadable("an object is needed")
        return found

    def each(self, name: str) -> Iterator[At]:
        """The entries of a list in a field; none where the field is missing."""
        found = self.at(name)
        if found.is_missing:
            return
        if not isinstance(found.value, list):
            raise found.unreadable("a list is needed")
        for place, value in enumerate(found.value):
            yield At(value, f"{found.place}[{place}]")

    def text(self, name: str, *, longest: int = 0) -> str:
        """A text without spaces around it, "" where it is missing; cut at `longest` characters (0: never)."""
        found = self.at(name)
        if found.value is None:
            return ""
        if not isinstance(found.value, str):
            raise found.unreadable("a text is needed")
        text = _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", found.value).strip()
        return text[:longest].rstrip() if longest else text

    def name(self, name: str, *, longest: int = 200) -> str:
        """A text that stands for something (a number, a code): never cut, "" where it is missing. May be a number."""
        found = self.at(name)
        if isinstance(found.value, int) and not isinstance(found.value, bool) and abs(found.value) < 2**63:
            return str(found.value)
        text = self.text(name)
        if len(text) > longest:
            raise found.unreadable(f"at most {longest} characters can be right")
        if text and (not text.isprintable() or "\N{REPLACEMENT CHARACTER}" in text):
            raise found.unreadable("it has characters that nobody can read")
        return text

    def needed(self, name: str, *, longest: int = 200) -> str:
        """As name(), and it must be there."""
        if not (text := self.name(name, longest=longest)):
            raise self.at(name).unreadable("it is needed")
        return text

    def count(self, name: str) -> int:
        """A number of pieces, 0 or more; a broken one counts as the next whole one, a missing one as 0."""
        found = self.at(name)
        if found.is_missing:
            return 0
        value = found.value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LARGEST:
            raise found.unreadable("a number of pieces is needed")
        return int(value) + (value > int(value))

    def moment(self, name: str, *, zone: tzinfo = UTC) -> datetime | None:
        """A moment in ISO 8601, aware; one without an offset is in `zone`. None where it is missing."""
        text = self.text(name)
        if not text:
            return None
        found = self.at(name)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise found.unreadable("a moment is needed, like 2026-11-22T18:30:00Z") from None
        if not EARLIEST <= moment.year <= LATEST:
            raise found.unreadable(f"the year must be from {EARLIEST} to {LATEST}")
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)

    def needed_moment(self, name: str, *, zone: tzinfo = UTC) -> datetime:
        """As moment(), and it must be there."""
        if (moment := self.moment(name, zone=zone)) is None:
            raise self.at(name).unreadable("it is needed")
        return moment

    def day_end(self, name: str) -> datetime | None:
        """When something named by its day is over: the end of the day in the shop's zone where the moment is a bare day
        or its midnight, as carriers write it; else the moment itself. None where it is missing.
        """
        moment = self.moment(name)
        if moment is None or moment.time() != time():
            return moment
        return end_of_day(moment.date())


def end_of_day(day: date) -> datetime:
    """The last second of a day in the shop's zone."""
    return datetime.combine(day, time(23, 59, 59), tzinfo=ZoneInfo(settings.SHOP_TIME_ZONE))


def place(*parts: str) -> str:
    """Where a scan was made: what is known of it, smallest first."""
    return ", ".join(part for part in parts if part)[:120]


def region(country: str, state: str, postcode: str) -> Region:
    """An address as far as it says where carriers go: of a postcode without a state the part that names an area."""
    if not _COUNTRY.fullmatch(country):
        return Region()
    area = re.split(r"[\s-]", postcode, maxsplit=1)[0]
    if area.isdigit():
        area = area[:2]  # of 10115 Berlin; what letters come in, as of SW1A 1AA, is an area up to the space
    return Region(country.upper(), (state or area)[:40])


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value if not isinstance(value, str) else _UNSTORABLE.sub("?", value[: _SHOWN + 1]))
    return text[:_SHOWN] + ("…" if len(text) > _SHOWN else "")
