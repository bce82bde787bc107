"""The worlds of bench/experiment_truth.py: one database with the demo's articles and a drafted test, copied for each
test that is played; its readers; a look every night.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg
from psycopg import sql

from config import embedded

WORLD = "world"
DAYS = 28
LOSES, QUICK_LOSES = 0.04, 0.5
_TIMES_SRM = 5
_UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def environment(home: Path, database: str) -> dict[str, str]:
    """What the settings of a process of this bench read."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PREEMPT_DATA_DIR": str(home),
        "PREEMPT_DATABASE": database,
        "LOG_LEVEL": "ERROR",
    }


def start_server(home: Path) -> None:
    embedded.ensure(home, options=_UNSAFE_BUT_FAST)


def stop_server(home: Path) -> None:
    embedded.stop(home)


def has_world(home: Path) -> bool:
    """Whether it was made, wholly: then it bears its name."""
    with _server(home) as server:
        found = server.execute("SELECT FROM pg_database WHERE datname = %s AND datistemplate", [WORLD]).fetchone()
    return found is not None


def make_world(home: Path) -> None:
    """In a process whose settings name it: tables, the demo's articles, and a test in draft."""
    set_up(home, WORLD)
    from django.conf import settings
    from django.core.management import call_command

    from analytics.simulation import demo_trial
    from core import clock
    from kb.search import indexing

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    folder = settings.BASE_DIR / "demo"
    with clock.frozen(clock.now() - timedelta(days=DAYS + 14)):
        call_command("load_reasons", folder / "reasons.yaml", verbosity=0)
        call_command("import_articles", folder / "articles", source="demo", verbosity=0)
        indexing.rebuild()
        demo_trial.draft(folder / "experiments" / demo_trial.WHERE_IS_MY_ORDER, name="truth")
    seal(home)


def seal(home: Path) -> None:
    """What this process has made is the world from now on; it uses the database no more."""
    from django.db import connection

    connection.close()
    connection.close_pool()
    with _server(home) as server:
        server.execute(sql.SQL("ALTER DATABASE {} IS_TEMPLATE true").format(sql.Identifier(WORLD)))


@contextlib.contextmanager
def copy_of_world(home: Path, name: str) -> Iterator[str]:
    """A database of this name, as the world is; gone afterwards."""
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(WORLD))
    with _server(home) as server:
        server.execute(drop)
        server.execute(make)
    try:
        yield name
    finally:
        with _server(home) as server:
            server.execute(drop)


def play(home: Path, kind: str, seed: int, *, visitors: int, is_quick: bool, in_bulk: bool) -> dict[str, Any]:
    """One test in this process's database: its readers come, a look is taken every night, and what the looks said."""
    started = time.monotonic()
    set_up(home, os.environ["PREEMPT_DATABASE"])
    from analytics.simulation import trial
    from core import clock
    from kb.models import Experiment

    if kind == "srm" and not is_quick:
        visitors *= _TIMES_SRM
    test = Experiment.objects.get()
    now = clock.now()
    first, last = trial.span(test, days=DAYS, now=now)
    trial.begin(test, at=first, last=last, visitors=visitors)
    lift = (0.3 if is_quick else 0.05) if kind == "found" else 0.0
    loses = (QUICK_LOSES if is_quick else LOSES) if kind == "srm" else 0.0
    if in_bulk:
        done = _write(test, visitors, lift=lift, loses=loses, seed=seed)
    else:
        moments = trial.arrivals(first, last, visitors, random.Random(seed))
        with trial.quick_commits(), _losing(loses, seed):
            done = trial.walk(_readers(test, kind, lift=lift), list(enumerate(moments)), seed=seed)
    if failed := [what for what in done if what.startswith("failed")]:
        raise RuntimeError(f"pages failed: {failed}")
    walked = time.monotonic()
    looks = _nightly_looks(test, first, now)
    said = {look.code for look in looks}
    newest = looks[-1]
    is_hit = {
        "found": newest.code == "best" and list(newest.said["arms"]) == ["b"],
        "false": bool(said & {"best", "better", "worse", "blocked"}),
        "srm": newest.code == "blocked",
    }[kind]
    return {
        "is_hit": is_hit,
        "code": newest.code,
        "sentence": newest.sentence,
        "visitors": visitors,
        "seconds": round(time.monotonic() - started, 1),
        "walk_seconds": round(walked - started, 1),
        "done": dict(sorted(done.items())),
    }


def set_up(home: Path, database: str) -> None:
    """Django on this database of the server in `home`."""
    embedded.ensure(home, database=database)
    import django

    django.setup()
    logging.disable(logging.WARNING)


def _readers(test: Any, kind: str, *, lift: float) -> Any:
    from django.conf import settings

    from analytics.simulation import script, trial

    truth = trial.Truth(lift=lift)
    asks = script.of_demo(settings.BASE_DIR / "demo")
    if kind != "srm":
        return trial.of(test, asks, truth)
    # Who is counted is all that matters: they come straight to the article, read it and go.
    silent = trial.Truth(writes=0, says_no=0, says_yes=0, about_else=0)
    return trial.of(test, asks, silent, ways=trial.Ways(straight=1, home=0, search=0))


def _write(test: Any, visitors: int, *, lift: float, loses: float, seed: int) -> dict[str, int]:
    """The same readers as rows, past the pages."""
    from analytics.simulation import bulk, trial

    base = trial.Truth().base
    written = bulk.exposures(
        test,
        visitors=visitors,
        shares={"a": base, "b": base + lift},
        seed=seed,
        days=DAYS,
        keeps=lambda arm, rng: arm != "b" or rng.random() >= loses,
        with_reads=False,
    )
    return {f"{arm}: read": number for arm, number in written.readers.items()}


@contextlib.contextmanager
def _losing(share: float, seed: int) -> Iterator[None]:
    """A double of the splitter: so large a share of those who see arm b never gets counted."""
    from kb import assignment
    from kb.models import Variant

    (b,) = Variant.objects.filter(key="b").values_list("pk", flat=True)
    rng = random.Random(f"lost {seed}")
    honest = assignment.expose

    def expose(**exposure: Any) -> None:
        if exposure["variant_id"] != b or rng.random() >= share:
            honest(**exposure)

    with mock.patch.object(assignment, "expose", expose):
        yield


def _nightly_looks(test: Any, first: datetime, now: datetime) -> list[Any]:
    from analytics import verdicts
    from core import clock

    looks = []
    night = first.replace(hour=3, minute=0, second=0, microsecond=0) + timedelta(days=1)
    while night < now:
        with clock.frozen(night):
            looks.append(verdicts.look(test, now=night, kind="nightly"))
        night += timedelta(days=1)
    with clock.frozen(now):
        looks.append(verdicts.look(test, now=now, kind="nightly"))
    return looks


def _server(home: Path) -> psycopg.Connection[Any]:
    return psycopg.connect(embedded.url(home, database="postgres"), autocommit=True)
