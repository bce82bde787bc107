"""Which column of a shop's file is what: guessed from the names in several languages and from the values. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from notifications.intake.sheets import moments
from notifications.intake.sheets.fields import FIELDS, REQUIRED, Field, Kind, Sort


@dataclass(frozen=True)
class Guess:
    """A column taken for a field, and why."""

    column: int
    why: str


class UnusableMapping(Exception):
    """What was said about columns cannot be. The text says what and how to say it."""


_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_COUNT = re.compile(r"\d{1,4}(?:[.,]0+)?")
_TRACKING = re.compile(r"(?=.*\d)[A-Za-z0-9 ./_-]{3,60}")
_MATCHES = {Sort.EMAIL: _EMAIL, Sort.COUNT: _COUNT, Sort.TRACKING_NO: _TRACKING}


def normalise(name: str) -> str:
    """A column's name as the lists of fields.py write it: small letters, no accents, words parted by one space."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)  # camelCase
    bare = "".join(char for char in unicodedata.normalize("NFKD", apart) if not unicodedata.combining(char))
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare.casefold()).split())


def guess(kind: Kind, header: Sequence[str], sample: Sequence[Sequence[str]]) -> dict[str, Guess]:
    """The likeliest column of each field, each column once. `sample`: the first rows' cells."""
    columns = [[row[place] for row in sample] for place in range(len(header))]
    names = [normalise(name) for name in header]
    # Each column is looked through once for each sort of value.
    dates = [moments.share_of_dates(values[:100]) for values in columns]
    addresses = [_share(Sort.EMAIL, values) or 0.0 for values in columns]
    scored: list[tuple[float, int, int, Field, str]] = []
    for order, field in enumerate(FIELDS[kind]):
        for place, values in enumerate(columns):
            by_name, why = _by_name(field, names[place])
            share = dates[place] if field.sort is Sort.MOMENT else _share(field.sort, values)
            if addresses[place] > 0.9 and field.sort is not Sort.EMAIL and by_name < 0.9:
                continue  # "Customer mail" is no customer's name
            is_empty = not any(values)
            if by_name and not is_empty and share is not None and share < 0.5:
                continue  # the name says so, the values do not
            if not by_name and field.sort is Sort.EMAIL and (share or 0) > 0.9:
                by_name, why = 0.3, "the values are e-mail addresses"
            if by_name:
                # An empty column is taken only where no other has the name.
                scored.append((by_name - (0.2 if is_empty else 0.0), -order, place, field, why))
    found: dict[str, Guess] = {}
    taken: set[int] = set()
    for _score, _order, place, field, why in sorted(scored, key=lambda one: (-one[0], -one[1], one[2])):
        if field.name not in found and place not in taken:
            found[field.name] = Guess(place, why)
            taken.add(place)
    _the_only_date(kind, found, taken, dates)
    return found


def _the_only_date(kind: Kind, found: dict[str, Guess], taken: set[int], dates: Sequence[float]) -> None:
    needed = "placed_at" if kind is Kind.ORDERS else "event_at"
    left = [place for place, share in enumerate(dates) if share > 0.9 and place not in taken]
    if needed not in found and len(left) == 1:
        found[needed] = Guess(left[0], "the only column of dates left")


def _by_name(field: Field, name: str) -> tuple[float, str]:
    """How well a column's name fits a field, 0 to 1, and why."""
    for place, known in enumerate(field.names):
        if name == known:
            return 1.0 - place / 1000, f"its name, “{known}”"
    words = set(name.split())
    best = max((known for known in field.names if set(known.split()) <= words), key=len, default="")
    # One common word among many others proves little.
    if best and len(words) <= len(best.split()) + (2 if " " in best else 1):
        return 0.4 + 0.3 * len(best) / max(len(name), 1), f"its name has “{best}” in it"
    return 0.0, ""


def _share(sort: Sort, values: Sequence[str]) -> float | None:
    """How many of the values look like it, 0 to 1; None where any value may be one."""
    if (pattern := _MATCHES.get(sort)) is None:
        return None
    filled = [value for value in values if value]
    return sum(bool(pattern.fullmatch(value)) for value in filled) / len(filled) if filled else 0.0


def override(
    kind: Kind, header: Sequence[str], guessed: Mapping[str, Guess], said: Mapping[str, str]
) -> dict[str, Guess]:
    """`guessed` with what a person said, {column's name: field's name, or "-" for none}. Raises UnusableMapping."""
    found = dict(guessed)
    known = {field.name for field in FIELDS[kind]}
    for name, field in said.items():
        place = next((place for place, own in enumerate(header) if own.casefold() == name.strip().casefold()), None)
        if place is None:
            raise UnusableMapping(f"There is no column {name!r}. The columns are: {', '.join(header)}.")
        if field not in known and field != "-":
            raise UnusableMapping(
                f"{field!r} is nothing that a column can be. Use one of {', '.join(sorted(known))}, or - for none."
            )
        found = {own: one for own, one in found.items() if one.column != place}
        if field != "-":
            found[field] = Guess(place, "you said so")
    return found


def missing(kind: Kind, found: Mapping[str, Guess]) -> list[str]:
    """Sentences about what has no column and must."""
    titles = {field.name: field.title for field in FIELDS[kind]}
    return [
        f"No column is known to be “{'” or “'.join(titles[name] for name in group)}”."
        for group in REQUIRED[kind]
        if not any(name in found for name in group)
    ]
