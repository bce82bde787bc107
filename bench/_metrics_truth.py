"""One seed of bench/metrics_truth.py: a world's rows, settled twice, and every number held against what is true."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analytics.simulation import world, world_shapes, world_truth
from bench import _experiment_truth as places
from bench import _truth_looks
from bench._truth_looks import Look

if TYPE_CHECKING:  # what needs settings is imported where they are set up
    from analytics.periods import Period

WORLDS = 3  # shops with other articles: each seed is a draw of visitors of one of them
# Of the journeys linkable: at 30 % half of all seeds would have no rate at all, so a little more is played.
JUST_ABOVE = {30: 0.335}
AFTER = 9  # days after the last visit: windows are over by the clock


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

    from analytics.simulation import world_shop

    call_command("migrate", verbosity=0)
    world_shop.open_shop(world_shapes.usual(), at=_truth_looks.period().start - timedelta(days=80))
    _orders_and_costs(_truth_looks.period())
    places.seal(home)


def _orders_and_costs(days: Period) -> None:
    """Orders shipped evenly over the days, and what a contact and a message cost."""
    from analytics.models import CostKind, CostSetting
    from notifications.models import Order, Shipment

    first = Order.objects.get(source="world")
    orders = Order.objects.bulk_create(
        Order(source="world", external_id=f"s{n}", number=f"S-{n}", customer=first.customer, placed_at=days.start)
        for n in range(_truth_looks.ORDERS)
    )
    apart = (days.end - days.start) / _truth_looks.ORDERS
    Shipment.objects.bulk_create(
        Shipment(order=order, carrier="post", tracking_no=f"s{n}", handed_over_at=days.start + n * apart)
        for n, order in enumerate(orders)
    )
    for kind, amount in (
        (CostKind.CONTACT, _truth_looks.CONTACT_COSTS),
        (CostKind.MESSAGE, _truth_looks.MESSAGE_COSTS),
    ):
        CostSetting.objects.create(
            kind=kind, amount=amount, currency="EUR", since=days.first - timedelta(days=90), why="as invented",
            set_at=days.start,
        )  # fmt: skip


def known_truth(home: Path, number: int, coverage: int, *, is_on: bool) -> None:
    """Count what is true in one world, and keep it: it takes a while."""
    file = _truth_file(home, f"{number}-{coverage}-{'on' if is_on else 'off'}")
    if file.exists():
        return
    model = world_shapes.usual(number).planted(is_on=is_on)
    model = world_truth.calibrated(model, JUST_ABOVE.get(coverage, coverage / 100))
    truth = world_truth.long_run(model, seed=number)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"known": model.known, "counts": truth.counts}))


def play(home: Path, case: Case) -> dict[str, Any]:
    """One seed in this process's database, which is emptied first; settings are set up by the caller."""
    from analytics.simulation import world_rows, world_shop
    from core import people

    began = time.monotonic()
    kept = json.loads(_truth_file(home, case.world).read_text())
    truth = world_truth.Truth(kept["counts"])
    model = replace(
        world_shapes.usual(case.number).planted(is_on=case.is_on), known=kept["known"], visitors=case.visitors
    )
    start = _truth_looks.period().start
    first = _truth_looks.period().end + timedelta(days=AFTER)
    late = timedelta(days=case.late_days)
    world_rows.clear()
    shop = world_shop.open_shop(model, at=start - timedelta(days=80))
    told = list(world.lives(model, seed=case.seed, key=people.person_key))
    for life in told:  # nobody has written yet what they will write later
        life.letters = [letter for letter in life.letters if start + timedelta(seconds=letter.at) <= first]
    to_come = world_rows.write(model, shop, told, start=start, heard_until=first - late)
    world_rows.look_at_tables()
    written = time.monotonic()
    before, in_time = _settled(model, truth, now=first)
    world_rows.import_letters(shop, to_come, start=start)
    world_rows.look_at_tables()
    after, in_the_end = _settled(model, truth, now=first + late)
    return {
        "seed": case.seed,
        "world": case.world,
        "mature": [in_time, in_the_end],
        "seconds": [round(written - began, 2), round(time.monotonic() - written, 2)],
        "before": [asdict(look) for look in before],
        "after": [asdict(look) for look in after],
    }


def _settled(model: world_shapes.Model, truth: world_truth.Truth, *, now: datetime) -> tuple[list[Look], int]:
    from analytics import settling
    from core import clock

    with clock.frozen(now):
        settling.settle()
        return list(_truth_looks.looks(model, truth, now=now)), _truth_looks.mature()


def _truth_file(home: Path, name: str) -> Path:
    return home / "truths" / f"{name}.json"


def database() -> str:
    return os.environ["PREEMPT_DATABASE"]
