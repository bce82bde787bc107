"""What the help centre keeps of people's browsers, and how that goes: what was typed goes, the counts stay."""

from __future__ import annotations

from typing import Any

from core.erasure import Counts, Part, Subject
from kb.models import Exposure, SearchLog, Vote


def _count(subject: Subject) -> Counts:
    who = subject.visitors
    return {
        "searches": SearchLog.objects.filter(visitor__in=who).count(),
        "votes": Vote.objects.filter(visitor__in=who).count(),
        "variants seen": Exposure.objects.filter(visitor__in=who).count(),
    }


def _erase(subject: Subject) -> Counts:
    went = {"searches": 0, "votes": 0, "variants seen": 0}
    for visitor in subject.visitors:
        nobody = subject.nobody(visitor)
        went["searches"] += SearchLog.objects.filter(visitor=visitor).update(
            visitor=nobody, text="", key="", corrected="", error=""
        )
        went["votes"] += Vote.objects.filter(visitor=visitor).update(visitor=nobody, comment="")
        went["variants seen"] += Exposure.objects.filter(visitor=visitor).update(visitor=nobody)
    return went


def _export(subject: Subject) -> dict[str, Any]:
    who = subject.visitors
    searches = SearchLog.objects.filter(visitor__in=who).order_by("at")
    votes = Vote.objects.filter(visitor__in=who).order_by("at")
    return {
        "searches.json": list(searches.values("at", "text", "locale", "total")),
        "votes.json": list(votes.values("at", "revision__article_id", "is_helpful", "reason", "comment")),
    }


PART = Part(name="help", title="Help centre", count=_count, erase=_erase, export=_export)
