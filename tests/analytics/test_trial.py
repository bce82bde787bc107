"""A test end to end: readers through the real pages, rows, a verdict. At full size: bench/experiment_truth.py."""

from __future__ import annotations

import random
import shutil
import types
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from analytics import verdicts
from analytics.models import Event, EventKind
from analytics.simulation import bulk, demo_trial, script, trial
from analytics.simulation.browser import Page, PageError
from analytics.simulation.trial import Truth, Ways
from contacts.models import Contact
from core import clock, visitors
from kb import assignment, experiments, search
from kb.models import Experiment, Exposure, Vote, VoteCount
from tests.analytics.test_simulation import DEMO, told

__all__ = ["told"]
WIDE = Truth(base=0.35, lift=0.45, writes=0.12, says_no=0.8)
MIXED = Ways(straight=2, home=12, search=0.2)
SILENT = Truth(writes=0, says_no=0, says_yes=0, about_else=0)
ARTICLE = "en/delivery/where-is-my-order.md"
STRAIGHT = Ways(straight=1, home=0, search=0)


@pytest.fixture(scope="module")
def asks() -> script.Script:
    return script.of_demo(DEMO)


@pytest.fixture
def draft(db, monkeypatch, settings, tmp_path) -> Iterator[Experiment]:
    """A test of the demo's article, not started; salts and visitors' ids are the same in each run."""
    ids = random.Random(8)
    drawn = types.SimpleNamespace(UUID=uuid.UUID, uuid4=lambda: uuid.UUID(int=ids.getrandbits(128), version=4))
    monkeypatch.setattr(visitors, "uuid", drawn)
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    (tmp_path / "en" / "delivery").mkdir(parents=True)
    shutil.copy(DEMO / "articles" / ARTICLE, tmp_path / ARTICLE)
    with clock.frozen(clock.now() - timedelta(days=60)):
        call_command("load_reasons", DEMO / "reasons.yaml", verbosity=0)
        call_command("import_articles", tmp_path, source="demo", verbosity=0)
        made = demo_trial.draft(DEMO / "experiments" / demo_trial.WHERE_IS_MY_ORDER, name="The steps first")
    Experiment.objects.filter(pk=made.pk).update(salt=uuid.UUID(int=8), planned_units=200)
    made.refresh_from_db()
    yield made
    search.engine().close()


@pytest.fixture
def read(told, asks):
    """Sends readers to a test and gives what they did."""

    def send(test: Experiment, truth: Truth, *, readers: int, ways: Ways = MIXED, seed: int = 1):
        first, last = trial.span(test, days=20, now=clock.now())
        trial.begin(test, at=first, last=last, visitors=readers)
        moments = trial.arrivals(first, last, readers, random.Random(seed))
        crowd = trial.of(test, asks, truth, ways=ways)
        return told(trial.walk, crowd, list(enumerate(moments)), seed=seed)

    return send


def test_readers_leave_the_rows_of_what_they_did_and_the_verdict_finds_the_better_text(draft, read):
    done = read(draft, WIDE, readers=200)

    assert not [what for what in done if what.startswith("failed")]
    exposed = Counter(Exposure.objects.values_list("variant__key", flat=True))
    assert exposed["b"] == done["b: read"] > 60
    # Who asked not to be followed reads the live text, and is not counted.
    assert 0 < done["a: read"] - exposed["a"] < 15
    back = Exposure.objects.filter(is_returning=True).count()
    assert back > Exposure.objects.filter(is_returning=False).count() > 5
    assert Contact.objects.count() == sum(done[what] for what in done if "wrote" in what) > 5
    assert Vote.objects.filter(variant__key="b", is_helpful=False).count() == done["b: said no"] > 5
    window, seen = timedelta(days=draft.window_days), dict(Exposure.objects.values_list("visitor", "at"))
    for contact in Contact.objects.exclude(visitor=None):
        assert seen[contact.visitor] < contact.received_at < seen[contact.visitor] + window
    assert draft.started_at < min(seen.values())
    assert max(seen.values()) + window < clock.now()

    found = verdicts.look(draft, now=clock.now(), kind="asked")
    assert (found.code, list(found.said["arms"]), found.units) == ("best", ["b"], back)


def test_without_a_lift_no_night_says_anything(draft, read):
    read(draft, replace(WIDE, lift=0), readers=130)
    said = [
        verdicts.look(draft, now=draft.started_at + timedelta(days=day), kind="nightly").code
        for day in range(12, 29, 8)
    ]
    assert not {"best", "better", "worse", "blocked"} & set(said)
    assert verdicts.latest(draft).units > 80


def test_a_splitter_that_loses_readers_blocks_the_verdict(draft, read, monkeypatch):
    (b,) = draft.variants.filter(key="b").values_list("pk", flat=True)
    honest, rng = assignment.expose, random.Random(3)

    def loses(**exposure):
        if exposure["variant_id"] != b or rng.random() > 0.7:
            honest(**exposure)

    monkeypatch.setattr(assignment, "expose", loses)
    read(draft, SILENT, readers=240, ways=STRAIGHT)
    assert verdicts.look(draft, now=clock.now(), kind="asked").code == "blocked"


# --- Which arm, which test, when ---


def test_the_arm_is_read_from_the_page(draft, asks):
    crowd = trial.of(draft, asks, Truth())
    says = {arm: " ".join(parts) for arm, parts in crowd.texts.items()}
    assert {crowd.arm_on(Page("/", 200, f"<p>{text}</p>")) for text in says.values()} == {"a", "b"}
    assert crowd.arm_on(Page("/", 200, says["b"])) == "b"
    with pytest.raises(PageError, match="none of the test's texts"):
        crowd.arm_on(Page("/en/a/else/", 200, "<h1>Something else</h1>"))


def test_a_test_is_found_by_id_name_and_article(draft):
    assert trial.find(str(draft.pk)) == trial.find("the STEPS first") == trial.find(draft.article.slug) == draft
    with pytest.raises(trial.TrialError, match="no test"):
        trial.find("something else")


def test_readers_come_only_while_a_test_runs_and_early_enough_to_be_mature(draft):
    now = clock.now()
    first, last = trial.span(draft, days=28, now=now)
    assert last < now - timedelta(days=draft.window_days)
    assert last - first == timedelta(days=28)
    experiments.start(draft, by=None)
    with pytest.raises(trial.TrialError, match="no reader since then is mature"):
        trial.span(draft, days=28, now=now)
    started = draft.started_at
    assert trial.span(draft, days=28, now=now + timedelta(days=20))[0] == started
    experiments.pause(draft, by=None)
    with pytest.raises(trial.TrialError, match="nobody is shown its texts"):
        trial.span(draft, days=28, now=now + timedelta(days=20))


def test_the_command_starts_a_draft_in_the_past_and_says_what_readers_did(draft, told, capsys):
    told(call_command, "simulate_traffic", experiment=str(draft.pk), visitors=12, lift=0.05, seed=2, processes=1)
    draft.refresh_from_db()
    assert draft.started_at < clock.now() - timedelta(days=34)
    assert Exposure.objects.filter(experiment=draft).count() >= 8
    said = capsys.readouterr()
    assert "visitors: 100 %" in said.err
    assert "b: read" in said.out


def test_the_command_prepares_a_test_or_says_what_is_missing(db, told):
    with pytest.raises(CommandError, match="There is no test"):
        call_command("simulate_traffic", experiment="nothing", processes=1)
    with pytest.raises(CommandError, match="needs the demo's articles"):
        call_command("simulate_traffic", prepare=True, processes=1)


# --- In bulk ---


def test_rows_in_bulk_are_those_of_the_truth(draft):
    with clock.frozen(clock.now() - timedelta(days=50)):
        experiments.start(draft, by=None)
    written = bulk.exposures(draft, visitors=600, shares={"a": 0.4, "b": 0.9}, seed=4, days=30)

    exposed = Counter(Exposure.objects.values_list("variant__key", flat=True))
    assert exposed == written.readers
    assert sum(exposed.values()) == 600
    assert abs(exposed["a"] - 300) < 4 * 12.3
    assert written.failed["a"] > 2 * written.failed["b"] > 0
    noes = Vote.objects.filter(is_helpful=False).count()
    assert noes + Contact.objects.count() == sum(written.failed.values())
    kinds = Counter(Event.objects.values_list("kind", flat=True))
    assert kinds[EventKind.READ] == 600
    assert kinds[EventKind.CONTACT] == kinds[EventKind.FORM] == Contact.objects.count()
    counted = {cell.arm: cell.successes("resolution") for cell in verdicts.counts(draft, now=clock.now()).cells}
    for arm, (successes, units) in counted.items():
        back = Exposure.objects.filter(variant__key=arm, is_returning=True).count()
        assert units == back
        assert 0 <= units - successes <= written.failed[arm]
    assert verdicts.look(draft, now=clock.now(), kind="asked").code == "best"
    votes = dict(VoteCount.objects.values_list("revision_id", "votes"))
    assert votes == Counter(Vote.objects.values_list("revision_id", flat=True))


def test_a_broken_splitter_in_bulk(draft):
    with clock.frozen(clock.now() - timedelta(days=50)):
        experiments.start(draft, by=None)
    keeps = lambda arm, rng: arm == "a" or rng.random() > 0.5  # noqa: E731
    bulk.exposures(draft, visitors=600, shares={"a": 0.6, "b": 0.6}, seed=4, days=30, keeps=keeps, with_reads=False)
    assert verdicts.look(draft, now=clock.now(), kind="asked").code == "blocked"
    assert not Event.objects.filter(kind=EventKind.READ).exists()
