"""The frequency cap: how many messages one person gets on one day. Counted by the database, however many workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction

from core.lookups import array


def take(person: str, day: date, *, most: int) -> bool:
    """Count one message more for a person's day, in the transaction that decides to send it. False: enough already.

    It is not given back when the mail is refused later: the cap is what we never go over, not what we aim at.
    """
    return take_all([(person, day)], most=most)[0]


def take_all(wanted: Sequence[tuple[str, date]], *, most: int) -> list[bool]:
    """take() for each of these, the first first, in three statements.

    Everybody makes and locks rows in the same order: two who want the same ones wait, and never in a ring.
    """
    days = sorted(set(wanted))
    if not days or most <= 0:
        return [False] * len(wanted)
    people = array([person for person, _ in days])
    places: dict[str, Any] = {"people": people, "days": array([day.isoformat() for _, day in days]), "most": most}
    taken: Counter[tuple[str, date]] = Counter()
    granted: list[bool] = []
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_personday (person, day, count, most)
            SELECT person, day, 0, %(most)s FROM unnest(%(people)s::text[], %(days)s::date[]) AS p (person, day)
            ON CONFLICT (person, day) DO NOTHING
            """,
            places,
        )
        cursor.execute(
            """
            SELECT d.person, d.day, d.most - d.count
              FROM notifications_personday d
              JOIN unnest(%(people)s::text[], %(days)s::date[]) AS p (person, day) USING (person, day)
             ORDER BY d.person COLLATE "C", d.day FOR UPDATE OF d
            """,
            places,
        )
        left = {(person, day): places_left for person, day, places_left in cursor.fetchall()}
        for one in wanted:
            granted.append(taken[one] < left[one])
            taken[one] += granted[-1]
        counts = {"counts": array([taken[one] for one in days]), **places}
        cursor.execute(
            """
            UPDATE notifications_personday d SET count = d.count + p.count
              FROM unnest(%(people)s::text[], %(days)s::date[], %(counts)s::int[]) AS p (person, day, count)
             WHERE d.person = p.person AND d.day = p.day AND p.count > 0
            """,
            counts,
        )
    return granted
