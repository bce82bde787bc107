"""The frequency cap: how many messages one person gets on one day. Counted by the database, however many workers."""

from __future__ import annotations

from datetime import date

from django.db import connection


def take(person: str, day: date, *, most: int) -> bool:
    """Count one message more for a person's day, in the transaction that decides to send it. False: enough already.

    It is not given back when the mail is refused later: the cap is what we never go over, not what we aim at.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO notifications_personday AS d (person, day, count, most)
            SELECT %(person)s, %(day)s, 1, %(most)s WHERE %(most)s > 0
            ON CONFLICT (person, day) DO UPDATE SET count = d.count + 1 WHERE d.count < d.most
            """,
            {"person": person, "day": day, "most": most},
        )
        return bool(cursor.rowcount)
