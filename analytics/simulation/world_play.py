"""A world played for a story that ends now: its people come by pages or as rows, and what is true of them is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from analytics import shop_days
from analytics.models import Event
from analytics.simulation import world, world_pages, world_rows, world_shapes, world_shop, world_truth
from contacts import arms
from core import clock, people
from kb.search import indexing

AFTER = 9  # days after the last visit, so that windows of a week are over
LEAST, MOST = 5, 96  # per cent; fewer or more cannot be had


class WorldError(Exception):
    """The world cannot be played so. The message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which world; `number` names its articles, `seed` its people. `coverage` in per cent of the journeys."""

    number: int
    seed: int
    visitors: int
    days: int
    coverage: int
    late_days: int
    seasonality: float
    is_on: bool
    in_bulk: bool

    def __post_init__(self) -> None:
        if not LEAST <= self.coverage <= MOST:
            raise WorldError(f"--coverage is a share of the journeys, from {LEAST} to {MOST} per cent.")
        if not 0 <= self.late_days <= AFTER + self.days:
            raise WorldError(
                "--late-days: contacts come no later than the story is long, and not before they are sent."
            )
        if not 0 <= self.seasonality <= 3:
            raise WorldError("--seasonality is from 0 (every day alike) to 3; 1 is a usual week.")


def play(wish: Wish, *, now: datetime) -> tuple[Counter[str], list[str]]:
    """Let the world's people come; returns what they did, and what is true of them in sentences.

    The caller settles afterwards.
    """
    model = replace(
        world_shapes.usual(wish.number),
        visitors=wish.visitors,
        days=wish.days,
        seasonality=wish.seasonality,
        form_off=arms.off_share(),
    ).planted(is_on=wish.is_on)
    model = world_truth.calibrated(model, wish.coverage / 100)
    start = _midnight(now) - timedelta(days=wish.days + AFTER)
    told = list(world.lives(model, seed=wish.seed, key=people.person_key))
    if Event.objects.filter(visitor=told[0].devices[0]).exists():
        raise WorldError(f"The people of --seed {wish.seed} have been here before; give another seed.")
    for life in told:
        life.letters = [letter for letter in life.letters if start + timedelta(seconds=letter.at) <= now]
    with clock.frozen(start - timedelta(days=80)):
        shop = world_shop.open_shop(model, at=clock.now())
    indexing.rebuild()
    heard_until = now - timedelta(days=wish.late_days)
    if wish.in_bulk:
        world_rows.write(model, shop, told, start=start, heard_until=heard_until)
        done = Counter(deed.kind for life in told for deed in life.deeds)
        done["letters"] = sum(len(life.letters) for life in told)
    else:
        done = world_pages.walk(model, shop, told, start=start, heard_until=heard_until)
    return done, list(_sentences(world_truth.count(model, told), is_in_bulk=wish.in_bulk))


def _sentences(truth: world_truth.Truth, *, is_in_bulk: bool) -> Iterator[str]:
    for name in ("coverage", "contact after read", "confirmed", "helped", "repeat contact"):
        hits, of = truth.counts[name]
        yield f"{name}: {hits:,} of {of:,}"
    yield f"suggestions prevent {1000 * truth.suggestions_prevent:.0f} of 1,000 who open the form from writing"
    if is_in_bulk:
        yield f"messages prevent {1000 * truth.messages_prevent:.0f} of 1,000 with a late parcel from writing"


def _midnight(now: datetime) -> datetime:
    return now.astimezone(shop_days.zone()).replace(hour=0, minute=0, second=0, microsecond=0)
