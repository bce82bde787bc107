"""manage.py simulate_traffic: four weeks of visits, searches, votes and contacts through the real pages."""

from __future__ import annotations

import multiprocessing
import random
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import settling
from analytics.simulation import script, traffic
from core import clock


class Command(BaseCommand):
    help = "Sends invented visitors through the real help pages, for demos and tests. Never run it on a live shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same visitors")
        parser.add_argument("--days", type=int, default=28, help="how many days, up to now (default 28)")
        parser.add_argument("--per-day", type=float, default=20, help="visitors a day (default 20)")
        parser.add_argument("--lift", type=float, default=0.0, help="how much better variant b is (0.08 = 8 points)")
        parser.add_argument("--script", type=Path, default=settings.BASE_DIR / "demo", help="folder of queries.yaml")
        parser.add_argument("--processes", type=int, default=2, help="how many at once")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL:
            raise CommandError("DATABASE_URL is set: this looks like a real shop, and its numbers would be spoilt.")
        if options["days"] < 1 or options["per_day"] <= 0 or options["processes"] < 1:
            raise CommandError("--days, --per-day and --processes must be positive.")
        today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        moments = traffic.arrivals(
            today - timedelta(days=options["days"]),
            options["days"],
            options["per_day"],
            random.Random(options["seed"]),  # noqa: S311
        )
        done = _walk_in_parallel(moments, **{key: options[key] for key in ("seed", "lift", "script", "processes")})
        settling.settle()
        for what, count in sorted(done.items()):
            self.stdout.write(f"{count:7,} {what}")
        if any(what.startswith("failed") for what in done):
            raise CommandError("Some pages failed; see above.")


def _walk_in_parallel(moments: list[datetime], *, seed: int, lift: float, script: Path, processes: int) -> Counter[str]:
    jobs = [([m.isoformat() for m in moments[n::processes]], seed + n, lift, str(script)) for n in range(processes)]
    if processes == 1:
        return _walk(*jobs[0])
    with multiprocessing.get_context("spawn").Pool(processes, initializer=django.setup) as pool:
        return sum(pool.starmap(_walk, jobs), Counter())


def _walk(moments: list[str], seed: int, lift: float, folder: str) -> Counter[str]:
    """One process's share of the visitors. Strings in, so that it crosses to a fresh process."""
    people = [traffic.Person(f"shopper{n}@example.com", f"Shopper {n}") for n in range(400)]
    world = traffic.world_of(script.of_demo(Path(folder)), script.Truth(salt="demo", lift=lift))
    last = [0]

    def show(so_far: int, of: int) -> None:
        if so_far * 10 // of != last[0]:
            last[0] = so_far * 10 // of
            sys.stderr.write(f"  visitors: {so_far * 100 // of} %\n")

    return traffic.walk(
        world, [datetime.fromisoformat(m).astimezone(UTC) for m in moments], seed=seed, people=people, progress=show
    )
