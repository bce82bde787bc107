"""Days full of visitors: when they come, who they are, and their walks through the real pages."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics.simulation.browser import PageError
from analytics.simulation.script import Script, Truth
from analytics.simulation.visitors import Article, Visitor, World
from kb import experiments, selectors

# Share of a day's visits that come in each hour of the shop's day: quiet nights, a lunch peak, busy evenings.
HOURS = [1, 0.6, 0.4, 0.3, 0.3, 0.6, 1.5, 3, 4.5, 5.5, 6, 6.2, 6.8, 6.2, 5.6, 5.4, 5.4, 5.8, 6.6, 7.6, 8, 7, 4.6, 2.1]
_WEEKDAYS = [1.15, 1.08, 1.02, 1.0, 0.95, 0.82, 0.98]  # Monday first


@dataclass(frozen=True)
class Person:
    """Somebody who may write to us."""

    email: str
    name: str


def arrivals(first: datetime, days: int, per_day: float, rng: random.Random) -> list[datetime]:
    """Moments of arrival, sorted: Poisson by day with a weekday factor, hours by the profile above."""
    moments = []
    for day in range(days):
        start = first + timedelta(days=day)
        for _visit in range(_poisson(per_day * _WEEKDAYS[start.weekday()], rng)):
            hour = rng.choices(range(24), HOURS)[0]
            moments.append(start + timedelta(hours=hour, seconds=rng.uniform(0, 3600)))
    return sorted(moments)


def world_of(script: Script, truth: Truth) -> World:
    """The help centre as it stands, with what the simulator knows about it."""
    articles: dict[str, Article] = {}
    url_of: dict[tuple[str, str], str] = {}
    for card in selectors.published():
        articles[card.url] = Article(url=card.url, external_id=card.external_id, topic=card.topic)
        url_of[card.external_id, card.locale] = card.url
    running = {arms.external_id: arms for arms in experiments.running()}

    def variant_of(external_id: str, visitor: str) -> str:
        return running[external_id].key_for(visitor) if external_id in running else ""

    return World(script, truth, articles, url_of, variant_of)


def walk(
    world: World,
    moments: Sequence[datetime],
    *,
    seed: int,
    people: Sequence[Person],
    progress: Callable[[int, int], None] | None = None,
) -> Counter[str]:
    """One visitor a moment. The same seed, moments and help centre give the same walks.

    A page that fails ends that visitor's walk and is counted under "failed: …"; the others go on.
    """
    for index, moment in enumerate(moments):
        rng = random.Random(f"{seed}:{moment.isoformat()}:{index}")  # noqa: S311  a simulation, not a secret
        person = rng.choice(people)
        visitor = Visitor(world, rng, start=moment, email=person.email, name=person.name)
        try:
            visitor.live()
        except PageError as error:
            world.done[f"failed: {error}"] += 1
        if progress is not None:
            progress(index + 1, len(moments))
    return world.done


def _poisson(mean: float, rng: random.Random) -> int:
    """Knuth's method; means here are at most a few hundred."""
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count
