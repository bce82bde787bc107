"""Who has an article open in the editor: a soft lock. It keeps nobody out; it tells the second person who is there.

Held by a heartbeat, and over LEASE_SECONDS after the last one, by the database's clock: a browser that is gone cannot
let go. What really guards a text is the draft's version (publishing.save_draft).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection

from kb.models import Article

LEASE_SECONDS = 40

_CLAIM = """
    INSERT INTO kb_editinglock AS held (article_id, user_id, since, seen_at)
    VALUES (%(article)s, %(user)s, statement_timestamp(), statement_timestamp())
    ON CONFLICT (article_id) DO UPDATE SET
        user_id = EXCLUDED.user_id,
        since = CASE WHEN held.user_id = EXCLUDED.user_id
                          AND held.seen_at > EXCLUDED.seen_at - %(lease)s * interval '1 s'
                     THEN held.since ELSE EXCLUDED.since END,
        seen_at = EXCLUDED.seen_at
    WHERE held.user_id = EXCLUDED.user_id OR %(take_over)s
       OR held.seen_at <= EXCLUDED.seen_at - %(lease)s * interval '1 s'
"""
_HOLDER = """
    SELECT held.user_id, u.username, held.since, draft.version
    FROM kb_draft draft
    LEFT JOIN kb_editinglock held ON held.article_id = draft.article_id
         AND held.seen_at > statement_timestamp() - %(lease)s * interval '1 s'
    LEFT JOIN auth_user u ON u.id = held.user_id
    WHERE draft.article_id = %(article)s
"""


@dataclass(frozen=True)
class Presence:
    """Who holds the article since when (nobody: name and since are empty), and the version of its draft."""

    name: str
    since: datetime | None
    is_me: bool
    version: int


def beat(article: Article, user: User, *, take_over: bool = False) -> Presence:
    """This person's editor is open: the lock is theirs where it is free, or where they take it over."""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"article": article.pk, "user": user.pk, "lease": LEASE_SECONDS, "take_over": take_over})
    return look(article, user)


def look(article: Article, user: User) -> Presence:
    """One query."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDER, {"article": article.pk, "lease": LEASE_SECONDS})
        user_id, name, since, version = cursor.fetchone()
    return Presence(name or "", since, user_id == user.pk, version)


def leave(article: Article, user: User) -> None:
    """This person's editor is closed."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM kb_editinglock WHERE article_id = %s AND user_id = %s", [article.pk, user.pk])
