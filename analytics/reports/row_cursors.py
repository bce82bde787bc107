"""What leads from one page of a list's rows to the next: signed, so that nobody makes one up, and good for that list as
it was narrowed, and for who began it, alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

from django.utils.translation import gettext as _

from analytics.reports.asking import Asked
from analytics.reports.row_pages import Place
from core import crypto

PARAMETERS = ("limit", "cursor")  # of an address of rows, beside the words of its list
GOOD_FOR = timedelta(days=7)
_PURPOSE = "rows"


class BadCursor(Exception):
    """It cannot be used; the text says what to do."""


@dataclass(frozen=True)
class Cursor:
    """`began`: when the first page was asked for. What a list is of by itself (its last day, which windows are over) is
    as of then on all its pages."""

    began: datetime
    place: Place
    digest: str

    def check(self, asked: Asked) -> None:
        if _digest(asked) != self.digest:
            raise BadCursor(
                _("This cursor is of other days or another narrowing. Send what its page was asked with, or no cursor.")
            )


def write(name: str, asked: Asked, place: Place, *, began: datetime, by: str) -> str:
    digest = _digest(asked)
    return crypto.sign(_PURPOSE, [name, by, began.isoformat(), place.at.isoformat(), _plain(place.id), digest])


def read(text: str, *, name: str, by: str) -> Cursor:
    try:
        of, whose, began, at, row, digest = crypto.unsign(_PURPOSE, text, max_age=GOOD_FOR)
    except crypto.ExpiredLink as error:
        raise BadCursor(_("This cursor is older than 7 days. Leave it out to begin anew.")) from error
    except crypto.BadLink as error:
        raise BadCursor(
            _("This is no cursor of ours. Send the one of the page before as it was, or none to begin anew.")
        ) from error
    if of != name:
        raise BadCursor(_("This cursor is of the list “%(name)s”. Leave it out to begin this one.") % {"name": of})
    if whose != by:
        raise BadCursor(_("This cursor was given to another key. Leave it out to begin with yours."))
    place = Place(datetime.fromisoformat(at), row if isinstance(row, int) else UUID(row))
    return Cursor(datetime.fromisoformat(began), place, digest)


def _plain(row: int | UUID) -> int | str:
    return row if isinstance(row, int) else str(row)


def _digest(asked: Asked) -> str:
    return hashlib.sha256(urlencode(sorted(asked.pairs)).encode()).hexdigest()[:32]
