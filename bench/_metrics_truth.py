"""One seed of bench/metrics_truth.py: a world's rows, settled twice, and every number held against what is true."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analytics.simulation import world, world_truth
from bench import _experiment_truth as places

if TYPE_CHECKING:  # what needs settings is imported where they are set up
    from analytics.periods import Period
    from analytics.reports.journeys import Tally
    from analytics.stats.proportions import Prevented, Rate

FIRST = date(2026, 1, 12)  # a Monday, and no clock is put on within its eight weeks
WORLDS = 3  # shops with other articles: each seed is a draw of visitors of one of them
# Of the journeys linkable: at 30 % half of all seeds would have no rate at all, so a little more is played.
JUST_ABOVE = {30: 0.335}
AFTER = 9  # days after the last visit: windows are over by the clock
VENDOR = "view-based “deflection”"


@dataclass(frozen=True)
class Look:
    """One number of one seed. `holds` is None where it was withheld."""

    metric: str
    holds: bool | None
    truth: float
    low: float = 0.0
    high: float = 1.0
    shown: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is played: `coverage` in per cent; without `is_on` suggestions and messages do nothing."""

    seed: int
    coverage: int
    is_on: bool
    visitors: int
    late_days: int

    @property
    def number(self) -> int:
        return self.seed % WORLDS

    @property
    def world(self) -> str:
        return f"{self.number}-{self.coverage}-{'on' if self.is_on else 'off'}"


def make_world(home: Path) -> None:
    """In a process whose settings name the template: tables, and a shop without visitors."""
    places.set_up(home, places.WORLD)
    from django.core.management import call_command

    from analytics.simulation import world_rows

    call_command("migrate", verbosity=0)
    world_rows.open_shop(world.usual(), at=period().start - timedelta(days=80))
    places.seal(home)


def known_truth(home: Path, number: int, coverage: int, *, is_on: bool) -> None:
    """Count what is true in one world, and keep it: it takes a while."""
    file = _truth_file(home, f"{number}-{coverage}-{'on' if is_on else 'off'}")
    if file.exists():
        return
    model = world.usual(number).planted(is_on=is_on)
    model = world_truth.calibrated(model, JUST_ABOVE.get(coverage, coverage / 100))
    truth = world_truth.long_run(model, seed=number)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"known": model.known, "counts": truth.counts}))


def play(home: Path, case: Case) -> dict[str, Any]:
    """One seed in this process's database, which is emptied first; settings are set up by the caller."""
    from analytics.simulation import world_rows
    from core import people

    began = time.monotonic()
    kept = json.loads(_truth_file(home, case.world).read_text())
    truth = world_truth.Truth(kept["counts"])
    model = replace(world.usual(case.number).planted(is_on=case.is_on), known=kept["known"], visitors=case.visitors)
    start = period().start
    first = period().end + timedelta(days=AFTER)
    late = timedelta(days=case.late_days)
    world_rows.clear()
    shop = world_rows.open_shop(model, at=start - timedelta(days=80))
    told = list(world.lives(model, seed=case.seed, key=people.person_key))
    for life in told:  # nobody has written yet what they will write later
        life.letters = [letter for letter in life.letters if start + timedelta(seconds=letter.at) <= first]
    to_come = world_rows.write(model, shop, told, start=start, heard_until=first - late)
    written = time.monotonic()
    before, in_time = _settled(model, truth, now=first)
    world_rows.import_letters(shop, to_come, start=start)
    after, in_the_end = _settled(model, truth, now=first + late)
    return {
        "seed": case.seed,
        "world": case.world,
        "mature": [in_time, in_the_end],
        "seconds": [round(written - began, 2), round(time.monotonic() - written, 2)],
        "before": [asdict(look) for look in before],
        "after": [asdict(look) for look in after],
    }


def _settled(model: world.Model, truth: world_truth.Truth, *, now: datetime) -> tuple[list[Look], int]:
    from analytics import settling
    from core import clock

    with clock.frozen(now):
        settling.settle()
        return list(looks(model, truth, now=now)), mature()


def looks(model: world.Model, truth: world_truth.Truth, *, now: datetime) -> Iterator[Look]:
    """Every number of the period as a screen would show it, beside what is true."""
    for name, (rate, is_withheld) in _rates(model).items():
        true, interval = truth.share(name), rate.interval
        holds = None if is_withheld or not rate.of else true in interval
        yield Look(name, holds, true, interval.low, interval.high)
    helped, tally = truth.share("helped"), _tally()
    low, high = tally.confirmed.rate.interval.low, tally.confirmed.ceiling.interval.high
    yield Look("helped, within bounds", low <= helped <= high, helped, low, high)
    effects = {
        "effect of messages": (_messages(now), truth.messages_prevent),
        "effect of suggestions": (_suggestions(), truth.suggestions_prevent),
    }
    for name, (effect, true) in effects.items():
        if effect is not None:
            yield _effect(name, effect, 1000 * true)
    vendor = tally.view_based.interval
    yield Look(VENDOR, None, helped, vendor.low, vendor.high)


def found(model: world.Model, *, now: datetime) -> dict[str, tuple[int, int]]:
    """name -> (hits, of) of what the product has counted, by the names of world_truth.count()."""
    told = {name: (rate.hits, rate.of) for name, (rate, _is_withheld) in _rates(model).items()}
    arms = ((_messages(now), "held out", "notified"), (_suggestions(), "form off", "form on"))
    for effect, without, treated in arms:
        if effect is not None:
            told[without] = (effect.held_out.hits, effect.held_out.of)
            told[treated] = (effect.notified.hits, effect.notified.of)
    return told


def mature() -> int:
    return _tally().count(is_mature=True)


def period() -> Period:
    """The days on which a world's people come."""
    from analytics.periods import Period

    return Period(FIRST, FIRST + timedelta(days=world.usual().days - 1), 7)


def _rates(model: world.Model) -> dict[str, tuple[Rate, bool]]:
    """name -> the rate as it was counted, and whether the screen withholds it."""
    from analytics.reports import journeys

    tally = _tally()
    guarded = {"contact after read": tally.contact_after_read}
    own = journeys.by_article(tally.cells, tally.spreads)
    for article_id, key in _keys(model).items():
        if article_id in own:
            guarded[f"contact after read: {key}"] = own[article_id].contact_after_read
    return {
        "coverage": (tally.coverage, False),
        "confirmed": (tally.confirmed.rate, False),
        "repeat contact": (_repeated(), False),
        **{name: (one.rate, bool(one.why_withheld)) for name, one in guarded.items()},
    }


def _effect(metric: str, effect: Prevented, true: float) -> Look:
    if effect.is_too_early:
        return Look(metric, None, true, shown=False)
    interval = effect.interval
    return Look(metric, true in interval, true, interval.low, interval.high, effect.is_shown or effect.is_harmful)


def _tally() -> Tally:
    from analytics.reports import journeys

    return journeys.tally(period())


def _messages(now: datetime) -> Prevented | None:
    from analytics.reports import messages

    (effect,) = [row.effect for row in messages.rows(period(), now=now) if f"holdout:{row.key}" == world.HOLDOUT]
    return effect.prevented


def _repeated() -> Rate:
    """Contacts that were followed by one of the same person about the same reason."""
    from django.db.models import Sum

    from analytics.models import ContactDay
    from analytics.stats.proportions import Rate

    days = ContactDay.objects.filter(day__range=(period().first, period().last))
    sums = days.aggregate(known=Sum("known"), repeated=Sum("repeated"))
    return Rate(sums["repeated"] or 0, sums["known"] or 0)


def _suggestions() -> Prevented | None:
    """Of each browser the first form that was drawn into an arm: who wrote within the window."""
    from django.db import connection

    from analytics.stats.proportions import Rate, prevented

    window = timedelta(days=period().window)
    given: dict[str, Any] = {"start": period().start, "end": period().end, "window": window}
    with connection.cursor() as cursor:
        cursor.execute(_BY_ARM, given)
        arms = {arm: Rate(hits, of) for arm, hits, of in cursor.fetchall()}
    none = Rate(0, 0)
    return prevented(held_out=arms.get("off", none), notified=arms.get("on", none))


_BY_ARM = """
    WITH first AS (
        SELECT DISTINCT ON (visitor) visitor, arm, opened_at FROM contacts_formvisit
        WHERE arm IN ('on', 'off') AND opened_at >= %(start)s AND opened_at < %(end)s ORDER BY visitor, opened_at
    )
    SELECT arm, count(*) FILTER (WHERE EXISTS (
               SELECT FROM contacts_contact AS contact
               WHERE contact.received_at >= first.opened_at AND contact.received_at < first.opened_at + %(window)s
                 AND (contact.visitor = first.visitor OR contact.person IN (
                         SELECT person FROM analytics_identity AS known WHERE known.visitor = first.visitor)))),
           count(*)
    FROM first GROUP BY arm
"""


def _keys(model: world.Model) -> dict[int, str]:
    """Article id -> the model's key of it."""
    from kb.models import Article

    ids = dict(Article.objects.filter(slug__startswith="world-").values_list("slug", "id"))
    return {ids[f"world-{one.key}"]: one.key for one in model.articles}


def _truth_file(home: Path, name: str) -> Path:
    return home / "truths" / f"{name}.json"


def database() -> str:
    return os.environ["PREEMPT_DATABASE"]
