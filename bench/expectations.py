"""How often later orders came within the range that the order's page would have named: it says four in five.

    python -m bench.expectations [FOLDER] [--quick]

FOLDER holds orders.csv of Olist (default: PREEMPT_DATA or ../shared/data, olist_2016_2017). Needs no database: the life
tables are made of what was known on each day, and nothing later; the days after are then held against the ranges. The
folder has a quarter of the delivered orders and all others, so the never delivered are thinned to a quarter as well.
--quick asks on every tenth day instead of every second.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench._report import report  # noqa: E402
from notifications import expectations  # noqa: E402
from notifications.expectations import Expectation, Table, Tables  # noqa: E402

LOOKED_BACK = 56  # days, as notifications/transit.py has it
KEPT_OF_DELIVERED = 0.24  # of the whole data set, see its README
FIRST, LAST = date(2017, 4, 1), date(2018, 1, 15)
WAVE = date(2017, 11, 24)  # Black Friday: a month that the past does not foretell


@dataclass(frozen=True)
class Way:
    """One order's days: placed, handed over, delivered."""

    placed: date
    handed_over: date | None
    delivered: date | None


@dataclass
class Tally:
    """What was said on one kind of parcel, and how it came out."""

    asked: int = 0
    said: int = 0
    inside: int = 0
    before: int = 0
    days_wide: int = 0
    off: int = 0

    def add(self, told: Expectation | None, came: int) -> None:
        self.asked += 1
        if told is None:
            return
        self.said += 1
        self.inside += told.low <= came <= told.high
        self.before += came < told.low
        self.days_wide += told.high - told.low + 1
        self.off += abs(came - told.middle)


def ways(path: Path) -> Iterator[Way]:
    rng = random.Random(1)

    def day(text: str) -> date | None:
        return datetime.fromisoformat(text).date() if text else None

    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            placed, delivered = day(row["order_purchase_timestamp"]), day(row["order_delivered_customer_date"])
            if placed is None or row["order_status"] in ("canceled", "unavailable"):
                continue
            if delivered is None and rng.random() > KEPT_OF_DELIVERED:
                continue
            yield Way(placed, day(row["order_delivered_carrier_date"]), delivered)


def table(spans: list[tuple[date, date | None]], today: date) -> Table:
    """A leg's life table as it was known on the morning of `today`."""
    since = today - timedelta(days=LOOKED_BACK)
    change: Counter[int] = Counter()
    ended: Counter[int] = Counter()
    for began, end in spans:
        if began >= today or began < since - timedelta(days=expectations.LONGEST) or (end and end < began):
            continue
        if end is not None and end < since:
            continue
        is_over = end is not None and end < today
        last = ((end if is_over and end else today - timedelta(days=1)) - began).days
        first = max(0, (since - began).days)
        if is_over and last <= expectations.LONGEST:
            ended[last] += 1
        if min(last, expectations.LONGEST) >= first:
            change[first] += 1
            change[min(last, expectations.LONGEST) + 1] -= 1
    waiting, number = {}, 0
    for age in range(expectations.LONGEST + 1):
        number += change[age]
        waiting[age] = number
    return Table(waiting, ended)


def ask(all_ways: list[Way], today: date, tell: Callable[[str, date, Expectation | None, int], None]) -> None:
    """On the morning of `today`, of every order that is on its way and will arrive."""
    transit = table([(w.handed_over, w.delivered) for w in all_ways if w.handed_over], today)
    packing = table([(w.placed, w.handed_over) for w in all_ways], today)
    since = today - timedelta(days=LOOKED_BACK)
    arrivals = Counter(w.delivered.isoweekday() for w in all_ways if w.delivered and since <= w.delivered < today)
    tables = Tables(packing, transit, transit, idle=expectations.idle_weekdays(arrivals))
    for way in all_ways:
        if way.placed >= today or way.delivered is None or way.delivered < today:
            continue
        if way.handed_over is None or way.delivered < way.handed_over:
            continue
        is_with_carrier = way.handed_over < today
        age = (today - (way.handed_over if is_with_carrier else way.placed)).days
        if age > expectations.LONGEST:
            continue
        told = expectations.expect(
            tables,
            packing_age=None if is_with_carrier else age,
            transit_age=age if is_with_carrier else None,
            weekday=today.isoweekday(),
        )
        leg = "handed_over" if is_with_carrier else "not_handed_over"
        days = "0_3" if age <= 3 else "4_7" if age <= 7 else "8_14" if age <= 14 else "15_and_more"
        tell(f"{leg}.day_{days}", today, told, (way.delivered - today).days)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    data = Path(os.environ.get("PREEMPT_DATA", ROOT.parent / "shared" / "data"))
    path = (asked.folder or data / "olist_2016_2017") / "orders.csv"
    if not path.exists():
        print(
            f"expectations: {path} is not there. Say where it is: python -m bench.expectations FOLDER", file=sys.stderr
        )
        return 2
    all_ways = list(ways(path))
    tallies: dict[str, Tally] = {}

    def tell(kind: str, today: date, told: Expectation | None, came: int) -> None:
        season = "wave" if today >= WAVE else "calm"
        for name in ("all", season, kind):
            tallies.setdefault(name, Tally()).add(told, came)

    today = FIRST
    while today < LAST:
        ask(all_ways, today, tell)
        today += timedelta(days=10 if asked.quick else 2)
    for name in sorted(tallies, key=lambda name: (name != "all", name)):
        one = tallies[name]
        report(f"expectations.{name}.asked", one.asked, "parcel-days")
        report(f"expectations.{name}.said", one.said / one.asked, "share of asked")
        if one.said:
            report(f"expectations.{name}.in_80", one.inside / one.said, "share of said; should be near 0.8")
            report(f"expectations.{name}.early", one.before / one.said, "share of said")
            report(f"expectations.{name}.days_wide", one.days_wide / one.said, "days")
            report(f"expectations.{name}.middle_off", one.off / one.said, "days")
    return 0


if __name__ == "__main__":
    sys.exit(main())
