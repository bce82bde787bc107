"""manage.py simulate_traffic: visits, searches, votes and contacts through the real pages, of a shop or of one test."""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics import settling
from analytics.simulation import demo_trial, script, traffic, trial, world_play
from core import clock
from kb import experiments
from kb.models import Article, Experiment, ExperimentState


class Command(BaseCommand):
    help = "Sends invented visitors through the real help pages, for demos and tests. Never run it on a live shop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same visitors")
        parser.add_argument("--days", type=int, default=28, help="how many days, up to now (default 28)")
        parser.add_argument("--per-day", type=float, default=20, help="visitors a day (default 20)")
        parser.add_argument("--lift", type=float, default=0.0, help="how much better variant b is (0.08 = 8 points)")
        parser.add_argument("--script", type=Path, default=settings.BASE_DIR / "demo", help="folder of queries.yaml")
        parser.add_argument("--processes", type=int, default=2, help="how many at once")
        parser.add_argument(
            "--experiment", metavar="X", help="only readers of this test's article: its id, name or slug"
        )
        parser.add_argument("--visitors", type=int, default=2000, help="with --experiment: how many (default 2000)")
        parser.add_argument("--base", type=float, default=0.65, help="with --experiment: whom the control answers")
        parser.add_argument(
            "--prepare", action="store_true", help="make a test of the demo's article where none runs, and take that"
        )
        parser.add_argument(
            "--world", type=int, metavar="N", help="a shop of its own whose truth is known: articles N, people --seed"
        )
        parser.add_argument("--coverage", type=int, default=60, help="with --world: %% of journeys linkable (60)")
        parser.add_argument("--late-days", type=int, default=0, help="with --world: imported contacts late by (0)")
        parser.add_argument("--seasonality", type=float, default=1.0, help="with --world: 0 is every day alike (1)")
        parser.add_argument(
            "--no-effects", action="store_true", help="with --world: suggestions and messages prevent nothing"
        )
        parser.add_argument("--bulk", action="store_true", help="with --world: write rows, past the pages")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.LOCAL:
            raise CommandError("DATABASE_URL is set: this looks like a real shop, and its numbers would be spoilt.")
        if min(options["days"], options["processes"], options["visitors"]) < 1 or options["per_day"] <= 0:
            raise CommandError("--days, --per-day, --visitors and --processes must be positive.")
        done = self._done(options)
        settling.settle()
        for what, count in sorted(done.items()):
            self.stdout.write(f"{count:7,} {what}")
        if any(what.startswith("failed") for what in done):
            raise CommandError("Some pages failed; see above.")

    def _done(self, options: dict[str, Any]) -> Counter[str]:
        is_of_test = options["experiment"] or options["prepare"]
        if options["world"] is not None:
            if is_of_test:
                raise CommandError("--world is a shop of its own: not with --experiment or --prepare.")
            return self._play_a_world(options)
        if options["bulk"] or options["no_effects"]:
            raise CommandError("--bulk and --no-effects are of a world: say which one with --world 0.")
        return self._read_one_test(options) if is_of_test else _visit_the_shop(options)

    def _play_a_world(self, options: dict[str, Any]) -> Counter[str]:
        named = {key: options[key] for key in ("seed", "visitors", "days", "coverage", "late_days", "seasonality")}
        try:
            wish = world_play.Wish(
                number=options["world"], is_on=not options["no_effects"], in_bulk=options["bulk"], **named
            )
            with trial.quick_commits():
                done, true = world_play.play(wish, now=clock.now())
        except world_play.WorldError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("In truth, of those who came:")
        for sentence in true:
            self.stdout.write(f"  {sentence}")
        return done

    def _read_one_test(self, options: dict[str, Any]) -> Counter[str]:
        try:
            test = _prepared(options["script"]) if options["prepare"] else trial.find(options["experiment"])
            first, last = trial.span(test, days=options["days"], now=clock.now())
            trial.begin(test, at=first, last=last, visitors=options["visitors"])
        except (trial.TrialError, experiments.ExperimentError, Article.DoesNotExist) as error:
            raise CommandError(str(error)) from error
        started = time.monotonic()
        sys.stderr.write(f"  test {test.pk} “{test.name}”: {options['visitors']:,} readers, {first:%F} to {last:%F}\n")
        asked = [options[key] for key in ("seed", "lift", "base", "visitors", "script")]
        when = (first.isoformat(), last.isoformat())
        jobs = [(test.pk, *when, *asked, n, options["processes"]) for n in range(options["processes"])]
        done = _in_parallel(_read, jobs)
        sys.stderr.write(f"  read in {time.monotonic() - started:.0f} s; now what became of their visits\n")
        return done


def _prepared(folder: Path) -> Experiment:
    try:
        return demo_trial.of_demo_article(folder)
    except (Article.DoesNotExist, FileNotFoundError) as error:
        raise trial.TrialError("--prepare needs the demo's articles (manage.py demo).") from error


def _visit_the_shop(options: dict[str, Any]) -> Counter[str]:
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    moments = traffic.arrivals(
        today - timedelta(days=options["days"]),
        options["days"],
        options["per_day"],
        random.Random(options["seed"]),  # noqa: S311
    )
    count, seed = options["processes"], options["seed"]
    more = options["lift"], str(options["script"])
    jobs = [([m.isoformat() for m in moments[n::count]], seed + n, *more, n == 0) for n in range(count)]
    return _in_parallel(_walk, jobs)


def _in_parallel(work: Callable[..., Counter[str]], jobs: list[tuple[Any, ...]]) -> Counter[str]:
    """Each job in a process of its own; a single one here."""
    if len(jobs) == 1:
        return work(*jobs[0])
    with multiprocessing.get_context("spawn").Pool(len(jobs), initializer=django.setup) as pool:
        return sum(pool.starmap(work, jobs), Counter())


def _walk(moments: list[str], seed: int, lift: float, folder: str, is_telling: bool) -> Counter[str]:
    """One process's share of the visitors; it tells how far it is, where it `is_telling`. Strings in, so that it
    crosses to a fresh process."""
    people = [traffic.Person(f"shopper{n}@example.com", f"Shopper {n}") for n in range(400)]
    world = traffic.world_of(script.of_demo(Path(folder)), script.Truth(salt="demo", lift=lift))
    return traffic.walk(
        world, [_moment(m) for m in moments], seed=seed, people=people, progress=_progress() if is_telling else None
    )


def _read(
    test: int, first: str, last: str, seed: int, lift: float, base: float, visitors: int, folder: Path, n: int, of: int
) -> Counter[str]:
    """One process's share of a test's readers: each `of`-th from the n-th on. The first one says how far it is."""
    experiment = Experiment.objects.get(pk=test, state=ExperimentState.RUNNING)
    readers = trial.of(experiment, script.of_demo(folder), trial.Truth(base=base, lift=lift))
    moments = trial.arrivals(_moment(first), _moment(last), visitors, random.Random(seed))  # noqa: S311
    mine = list(enumerate(moments))[n::of]
    with trial.quick_commits():
        return trial.walk(readers, mine, seed=seed, progress=_progress() if n == 0 else None)


def _progress() -> Callable[[int, int], None]:
    last = 0

    def show(so_far: int, of: int) -> None:
        nonlocal last
        if so_far * 10 // of != last:
            last = so_far * 10 // of
            sys.stderr.write(f"  visitors: {so_far * 100 // of} %\n")
            sys.stderr.flush()

    return show


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
