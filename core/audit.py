"""The audit log: who did what on the desk, and to what.

An entry is written in the transaction of what it tells, so that neither is there without the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db import connection, transaction
from django.db.models import BooleanField, Model, Q, QuerySet
from django.db.models.expressions import RawSQL

from core import clock
from core.models import AuditEntry


def record(
    by: User | AnonymousUser | None, action: str, target: Model | None = None, *, label: str = "", **detail: Any
) -> AuditEntry:
    """Write down that `by` (None: the product itself) did `action` ("article.published") to `target`.

    `label` is what a person calls the target, str(target) where it is left out. `detail` must go into JSON; it holds no
    secrets and no customers' data, for it is kept and exported.
    """
    user = by if isinstance(by, User) and by.pk else None
    return AuditEntry.objects.create(
        at=clock.now(),
        by=user,
        by_name=user.get_username() if user else "",
        action=action,
        target_type=target._meta.label_lower if target is not None else "",
        target_id=str(target.pk) if target is not None else "",
        label=(label or (str(target) if target is not None else ""))[:200],
        detail=detail,
    )


@dataclass(frozen=True)
class Asked:
    """Which entries somebody wants to see; what is empty does not narrow."""

    person: str = ""  # a user name, as it was then; PRODUCT for what nobody did
    action: str = ""  # "article.published", or "article" for all that begin so
    target_type: str = ""  # "kb.article"
    target_id: str = ""
    since: datetime | None = None
    until: datetime | None = None  # not included
    words: str = ""  # each must begin a word of the label or of the details


PRODUCT = "-"


def entries(asked: Asked) -> QuerySet[AuditEntry]:
    """The entries, newest first. Every filter has an index; words are looked up by theirs at once, here."""
    found = AuditEntry.objects.order_by("-at", "-pk")
    if asked.person:
        found = found.filter(by_name="" if asked.person == PRODUCT else asked.person)
    if "." in asked.action:
        found = found.filter(action=asked.action)
    elif asked.action:
        found = found.filter(action__gte=f"{asked.action}.", action__lt=f"{asked.action}/")
    if asked.target_type:
        found = found.filter(target_type=asked.target_type)
    if asked.target_id:
        found = found.filter(target_id=asked.target_id)
    if asked.since:
        found = found.filter(at__gte=asked.since)
    if asked.until:
        found = found.filter(at__lt=asked.until)
    if asked.words:
        words = re.findall(r"\w+", asked.words)
        if not words:
            return found.none()
        question = " & ".join(f"{word}:*" for word in words)
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM core_audit_having(to_tsquery('simple', %s), %s)", [question, _FEW + 1])
            few = [row[0] for row in cursor.fetchall()]
        if len(few) <= _FEW:
            return found.filter(pk__in=few)
        # So many that reading from the newest on soon has a page of them.
        found = found.filter(
            RawSQL(
                "core_audit_words(core_auditentry.label, core_auditentry.detail) @@ to_tsquery('simple', %s)",
                [question],
                output_field=BooleanField(),
            )
        )
    return found


def after(found: QuerySet[AuditEntry], entry: AuditEntry) -> QuerySet[AuditEntry]:
    """Of these entries those that come after `entry`, newest first: a page costs the same however far down."""
    return found.filter(Q(at__lt=entry.at) | Q(pk__lt=entry.pk), at__lte=entry.at)


def actions() -> list[str]:
    """Every action that was ever recorded, in order: one step in the index for each, however many entries there are."""
    with connection.cursor() as cursor:
        cursor.execute(_ACTIONS)
        return [row[0] for row in cursor.fetchall()]


def forget(*, before: datetime) -> int:
    """Remove entries older than `before`; how many. The one way to remove any, see docs/desk-accounts.md.

    Raises ValueError where that reaches into the last LEAST_KEPT days.
    """
    if before > clock.now() - timedelta(days=LEAST_KEPT):
        raise ValueError(f"Entries of the last {LEAST_KEPT} days are kept in any case.")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT core_audit_forget(%s)", [before])
        removed: int = cursor.fetchone()[0]
        if removed:
            record(None, "audit.forgotten", label=f"{removed} entries", before=before.isoformat(), removed=removed)
    return removed


LEAST_KEPT = 90  # days
_FEW = 5000
_ACTIONS = """
    WITH RECURSIVE known AS (
        (SELECT action FROM core_auditentry ORDER BY action LIMIT 1)
        UNION ALL
        SELECT (SELECT action FROM core_auditentry WHERE action > known.action ORDER BY action LIMIT 1)
        FROM known WHERE known.action IS NOT NULL
    )
    SELECT action FROM known WHERE action IS NOT NULL
"""
