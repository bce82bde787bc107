"""Which of the articles read in a journey earns its outcome. Pure. Neither rule is causal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from analytics.journeys import HelpEvent, Journey


def credited(journey: Journey, *, contact_at: datetime | None) -> tuple[HelpEvent, ...]:
    """The reads that share in the outcome: up to the contact where one came, since a later read cannot have failed."""
    if contact_at is None:
        return journey.reads
    return tuple(read for read in journey.reads if read.at <= contact_at)


def last_read(reads: Iterable[HelpEvent]) -> HelpEvent | None:
    """The read that earns the outcome; None where nothing was read."""
    return max(reads, key=HelpEvent.sort_key, default=None)


def articles(reads: Iterable[HelpEvent]) -> list[int]:
    """The ids of the articles read, each once, in the order of their first reading."""
    return list(dict.fromkeys(read.article_id for read in reads if read.article_id is not None))


def equal_shares(article_ids: Iterable[int]) -> dict[int, float]:
    """Each of the articles read, with its equal share of one outcome; the shares sum to 1 (nothing for no article)."""
    distinct = list(dict.fromkeys(article_ids))
    return {article_id: 1 / len(distinct) for article_id in distinct}
