"""What the demo's help pages say when they are put away: most say something, as in a real shop."""

from __future__ import annotations

import random
from datetime import timedelta

from analytics import staying
from analytics.models import Event, EventKind

_TELL = 0.85  # of all pages; the others have no script, or were closed too fast
_SEE = {EventKind.READ: 0.96, EventKind.SEARCH: 0.98, EventKind.HELP: 0.94}


def tell(*, seed: int) -> int:
    """A stay for most pages that were opened; returns how many."""
    chance = random.Random(f"{seed}-stays")  # noqa: S311
    views = Event.objects.filter(kind__in=[*staying.PAGES, EventKind.READ]).order_by("at", "id")
    stays = [_stay(view, chance) for view in views if chance.random() < _TELL]
    return len(Event.objects.bulk_create(stays, batch_size=1_000))


def _stay(view: Event, chance: random.Random) -> Event:
    kind = EventKind(view.kind)
    is_article = kind == EventKind.READ
    seconds = min(staying.MOST, round(chance.lognormvariate(3.6, 0.9)))
    return Event(
        kind=EventKind.STAYED,
        at=view.at + timedelta(seconds=seconds),
        visitor=view.visitor,
        is_returning=True,
        article_id=view.article_id,
        revision_id=view.revision_id,
        variant_id=view.variant_id,
        seconds=seconds if is_article else None,
        scrolled=min(100, 30 + seconds) if is_article else None,
        link_seen=chance.random() < _SEE[kind],
        data=None if is_article else {"on": kind.value},
    )
