"""One seed of bench/metrics_truth.py: a world's rows, settled twice, and every number held against the world's truth."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from analytics.simulation import world, world_truth
from bench import _experiment_truth as places

FIRST = date(2026, 1, 12)  # a Monday, and no clock is put on within its eight weeks
WORLDS = 3  # shops with other articles: each seed is a draw of visitors of one of them
# Of the journeys linkable: at 30 % half of all seeds would have no rate at all, so a little more is played.
JUST_ABOVE = {30: 0.335}
AFTER = 9  # days after the last visit: windows are over by the clock


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
    world_rows.open_shop(world.usual(), at=_period().start - timedelta(days=60))
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
    """One seed in this process's database, which is emptied first. Settings are set up by the caller."""
    from analytics import settling
    from analytics.simulation import world_rows
    from core import clock, people

    began = time.monotonic()
    kept = json.loads(_truth_file(home, case.world).read_text())
    truth = world_truth.Truth(kept["counts"])
    model = replace(world.usual(case.number).planted(is_on=case.is_on), known=kept["known"], visitors=case.visitors)
    period = _period()
    world_rows.clear()
    shop = world_rows.open_shop(model, at=period.start - timedelta(days=60))
    told = list(world.lives(model, seed=case.seed, key=people.person_key))
    first = period.end + timedelta(days=AFTER)
    late = timedelta(days=case.late_days)
    to_come = world_rows.write(model, shop, _until(told, first - period.start), start=period.start, heard_until=first - late)
    written = time.monotonic()
    with clock.frozen(first):
        settling.settle()
        before = list(looks(model, truth, now=first))
        in_time = _mature()
    second = first + late
    world_rows.import_letters(shop, [one for one in to_come if one.letter.at <= _seconds(first - period.start)], start=period.start)
    with clock.frozen(second):
        settling.settle()
        after = list(looks(model, truth, now=second))
    return {
        "seed": case.seed,
        "world": case.world,
        "mature": [in_time, _mature()],
        "seconds": [round(written - began, 2), round(time.monotonic() - written, 2)],
        "before": [asdict(look) for look in before],
        "after": [asdict(look) for look in after],
    }


def looks(model: world.Model, truth: world_truth.Truth, *, now: Any) -> Iterator[Look]:
    """Every number of the period as a screen would show it, beside what is true."""
    from analytics.reports import journeys, messages

    period = _period()
    tally = journeys.tally(period)
    yield _rate("coverage", tally.coverage, truth.share("coverage"))
    yield _guarded("contact after read", tally.contact_after_read, truth.share("contact after read"))
    own = journeys.by_article(tally.cells, tally.spreads)
    for article_id, key in _keys(model).items():
        if article_id in own:
            name = f"contact after read: {key}"
            yield _guarded(name, own[article_id].contact_after_read, truth.share(name))
    confirmed = tally.confirmed
    yield _rate("confirmed", confirmed.rate, truth.share("confirmed"))
    span = confirmed.rate.interval.low, confirmed.ceiling.interval.high
    helped = truth.share("helped")
    yield Look("helped, within bounds", span[0] <= helped <= span[1], helped, *span)
    yield _rate("repeat contact", _repeated(period), truth.share("repeat contact"))
    for row in messages.rows(period, now=now):
        if row.effect.prevented is not None:
            yield _effect("effect of messages", row.effect.prevented, 1000 * truth.messages_prevent)
    prevented = _suggestions(period, now)
    if prevented is not None:
        yield _effect("effect of suggestions", prevented, 1000 * truth.suggestions_prevent)
    vendor = tally.view_based
    yield Look("view-based “deflection”", None, helped, vendor.interval.low, vendor.interval.high)


def _rate(metric: str, rate: Any, true: float) -> Look:
    return Look(metric, true in rate.interval if rate.of else None, true, rate.interval.low, rate.interval.high)


def _guarded(metric: str, guarded: Any, true: float) -> Look:
    if guarded.why_withheld:
        return Look(metric, None, true)
    return _rate(metric, guarded.rate, true)


def _effect(metric: str, prevented: Any, true: float) -> Look:
    if prevented.is_too_early:
        return Look(metric, None, true, shown=False)
    span = prevented.interval
    return Look(metric, true in span, true, span.low, span.high, shown=prevented.is_shown or prevented.is_harmful)


def _repeated(period: Any) -> Any:
    """Contacts that were followed by one of the same person about the same reason."""
    from django.db.models import Sum

    from analytics.models import ContactDay
    from analytics.stats.proportions import Rate

    found = ContactDay.objects.filter(day__range=(period.first, period.last)).aggregate(
        known=Sum("known"), repeated=Sum("repeated")
    )
    return Rate(found["repeated"] or 0, found["known"] or 0)


def _suggestions(period: Any, now: Any) -> Any:
    """Of each browser the first form that was drawn into an arm: who wrote within the window."""
    from analytics.stats.proportions import Rate, prevented
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(_BY_ARM, {"start": period.start, "end": period.end, "window": timedelta(days=period.window)})
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


def _mature() -> int:
    from analytics.reports import journeys

    return journeys.tally(_period()).count(is_mature=True)


def _keys(model: world.Model) -> dict[int, str]:
    from kb.models import Article

    ids = dict(Article.objects.filter(slug__startswith="world-").values_list("slug", "id"))
    return {ids[f"world-{one.key}"]: one.key for one in model.articles}


def _period() -> Any:
    from analytics.periods import Period

    return Period(FIRST, FIRST + timedelta(days=world.usual().days - 1), 7)


def _until(told: list[world.Life], end: timedelta) -> list[world.Life]:
    """Nobody has written yet what they will write later."""
    for life in told:
        life.letters = [letter for letter in life.letters if letter.at <= _seconds(end)]
    return told


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def _truth_file(home: Path, name: str) -> Path:
    return home / "truths" / f"{name}.json"


def database() -> str:
    return os.environ["PREEMPT_DATABASE"]
