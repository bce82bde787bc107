"""The search log: what was asked and shown, what was opened of it, and when to forget it.

A log that cannot be written harms no page: it is said in the program's own log, and the page is shown.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import uuid_utils.compat
from django import db
from django.conf import settings

from core import clock, crypto
from kb import search
from kb.models import SearchClick, SearchKind, SearchLog
from kb.search.keys import LONGEST, key_of

if TYPE_CHECKING:
    from kb.search.query import Found

logger = logging.getLogger("preempt.search")

MASK = "•••"  # no word, so it is part of no key
REFORMULATED_WITHIN = timedelta(seconds=60)
_EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)*")
# Telephone, card and order numbers: six digits or more, however they are set apart.
_NUMBER = re.compile(r"\+?\(?\d(?:[\s().\-–/]{0,2}\d){5,}")
_CLICKED_WITHIN = timedelta(days=1)  # of a suggestion: a page left open overnight still counts
_SUGGESTION = "s."  # how the token of a suggestion begins
_PURPOSE = "search-suggestion"
_PRUNED_AT_ONCE = 5_000

# The visitor's last search, where it came shortly before, asked something else, and nothing of it was opened.
_REFORMULATED = """(
    SELECT last.id FROM (
        SELECT id, key FROM kb_searchlog
        WHERE visitor = %(visitor)s AND at > %(since)s AND at <= %(at)s AND kind IN ('page', 'suggest')
        ORDER BY at DESC LIMIT 1
    ) AS last
    WHERE last.key <> %(key)s AND NOT EXISTS (SELECT FROM kb_searchclick WHERE search_id = last.id)
)"""


def record(
    found: Found,
    *,
    kind: str,
    visitor: str,
    locale: str,
    categories: Iterable[int] = (),
    is_verbatim: bool = False,
) -> uuid.UUID | None:
    """Log a search, failed ones too; one INSERT. `visitor` is empty where it is not counted.

    Returns the search's id for via(); None where there was nothing to search for or the log cannot be written.
    """
    if not found.text:
        return None
    if found.took_ms > settings.SEARCH_SLOW_MS:
        logger.warning("slow search", extra={"ms": round(found.took_ms, 1), "engine": found.engine})
    now = clock.now()
    text = masked(found.text)
    key = key_of(text, locale)
    # What was masked in the query must not come back through its correction.
    corrected = found.corrected[:LONGEST] if text == found.text else ""
    made: dict[str, Any] = {
        "id": uuid_utils.compat.uuid7(),
        "at": now,
        "visitor": visitor,
        "kind": str(kind),
        "text": text[:LONGEST],
        "key": key,
        "locale": locale,
        "categories": sorted(categories),
        "corrected": corrected,
        "is_verbatim": is_verbatim,
        "total": found.total,
        "shown": [result.article_id for result in found.results],
        "featured": found.featured.article_id if found.featured else None,
        "other_locale": found.other_locale,
        "engine": found.engine[:40],
        "is_fallback": found.is_fallback,
        "took_ms": found.took_ms,
        "error": found.error[:200],
        "ranking": found.ranking,
    }
    return made["id"] if _is_written(made) else None


def via(search_id: uuid.UUID, position: int) -> str:
    """What a result's link carries as `via`: which search led there, and from where on the page (0: featured)."""
    return f"{base64.urlsafe_b64encode(search_id.bytes).decode().rstrip('=')}.{position}"


def suggestion_vias(prefix: str, *, locale: str, shown: Sequence[int]) -> list[str]:
    """The same for each of the articles suggested while somebody types; the search is logged once one is opened."""
    token = crypto.sign(_PURPOSE, [masked(prefix)[:LONGEST], locale, list(shown)])
    return [f"{_SUGGESTION}{token}.{position}" for position in range(1, len(shown) + 1)]


def opened(token: str, article_id: int, visitor: str) -> None:
    """Note that an article was opened from a search's answers; once, however often it is.

    Does nothing where the token is not ours, the search was somebody else's, or the article was not shown there.
    """
    if not visitor:
        return
    try:
        if token.startswith(_SUGGESTION):
            _opened_suggestion(token.removeprefix(_SUGGESTION), article_id, visitor)
        else:
            _opened_result(token, article_id, visitor)
    except db.Error:
        logger.exception("a click was not logged")


def masked(text: str) -> str:
    """The text without e-mail addresses and without numbers of six digits or more."""
    return _NUMBER.sub(MASK, _EMAIL.sub(MASK, text))


def prune() -> int:
    """Forget searches older than SEARCH_LOG_DAYS, their clicks too; returns how many."""
    before = clock.now() - timedelta(days=settings.SEARCH_LOG_DAYS)
    gone = 0
    while ids := list(
        SearchLog.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:_PRUNED_AT_ONCE]
    ):
        SearchLog.objects.filter(pk__in=ids).delete()
        gone += len(ids)
    return gone


def _opened_result(token: str, article_id: int, visitor: str) -> None:
    name, _, place = token.rpartition(".")
    try:
        search_id = uuid.UUID(bytes=base64.urlsafe_b64decode(name.encode() + b"=" * (-len(name) % 4)))
    except (ValueError, binascii.Error):
        return
    made = SearchLog.objects.filter(pk=search_id, visitor=visitor).only("shown", "featured").first()
    if made is None:
        return
    if place == "0" and made.featured == article_id:
        _click(search_id, article_id, 0)
    elif article_id in made.shown:
        _click(search_id, article_id, made.shown.index(article_id) + 1)
    elif place.isascii() and place.isdigit() and len(made.shown) < int(place) < 1000:
        _click(search_id, article_id, int(place))  # from "more answers", which log nothing of their own


def _opened_suggestion(token: str, article_id: int, visitor: str) -> None:
    signed, _, _place = token.rpartition(".")
    try:
        prefix, locale, shown = crypto.unsign(_PURPOSE, signed, max_age=_CLICKED_WITHIN)
    except crypto.BadLink:
        return
    if article_id not in shown:
        return
    made = SearchLog(
        id=uuid.uuid5(uuid.NAMESPACE_OID, f"{visitor}:{signed}"),  # the same however often the link is followed
        at=clock.now(),
        visitor=visitor,
        kind=SearchKind.SUGGEST,
        text=prefix,
        key=key_of(prefix, locale),
        locale=locale,
        total=len(shown),
        shown=shown,
        engine=search.engine().name,
        took_ms=0.0,
    )
    SearchLog.objects.bulk_create([made], ignore_conflicts=True)
    _click(made.id, article_id, shown.index(article_id) + 1)


def _click(search_id: uuid.UUID, article_id: int, position: int) -> None:
    click = SearchClick(search_id=search_id, article_id=article_id, position=position, at=clock.now())
    SearchClick.objects.bulk_create([click], ignore_conflicts=True)


def _is_written(made: dict[str, Any]) -> bool:
    # In SQL: the page waits for it, and to build it from the model takes longer than to run it.
    is_late = "WITH late AS (SELECT set_config('synchronous_commit', 'off', true))" if _is_alone() else ""
    values = ", ".join(f"%({name})s" for name in made)
    before = _REFORMULATED if made["visitor"] else "NULL"
    sql = (
        f"{is_late} INSERT INTO kb_searchlog ({', '.join(made)}, reformulates_id)"  # noqa: S608  names of ours
        f" SELECT {values}, {before}" + (" FROM late" if is_late else "")
    )
    try:
        with db.connection.cursor() as cursor:
            cursor.execute(sql, made | {"since": made["at"] - REFORMULATED_WITHIN})
    except db.Error:
        logger.exception("a search was not logged")
        return False
    return True


def _is_alone() -> bool:
    """Whether a statement is its own transaction. Then it need not wait for the disk: who kills this process loses
    nothing, and a server that loses power loses the searches of its last moment.
    """
    return not db.connection.in_atomic_block
