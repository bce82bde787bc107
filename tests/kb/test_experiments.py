from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import uuid
from collections import Counter
from itertools import product

import pytest
from django.db import connection
from django.db.models import ProtectedError

from core import clock
from kb import experiments, page_facts, publishing
from kb.experiments import NEXT, Arm, Arms, ExperimentError
from kb.models import Article, Draft, Experiment, ExperimentState, Exposure, Revision, Variant
from kb.publishing import Text

VISITORS = [str(uuid.UUID(int=n * 7919, version=4)) for n in range(20_000)]


def arms(salt: str = "salt", allocation: float = 1.0, weights: tuple[float, ...] = (1.0, 1.0)) -> Arms:
    return Arms(salt=salt, allocation=allocation, keys=("a", "b", "c")[: len(weights)], weights=weights)


def within(count: int, share: float, of: int, *, sigmas: float = 4) -> bool:
    return abs(count - share * of) <= sigmas * math.sqrt(of * share * (1 - share))


def challenger(article: Article, body: str = "Text B") -> Revision:
    draft = Draft.objects.get(article=article)
    before = Text.of(draft)
    publishing.save_draft(article, Text(draft.title, draft.summary, body), version=draft.version, by=None)
    revision = publishing.freeze(article, by=None)
    publishing.save_draft(article, before, version=draft.version + 1, by=None)
    return revision


def started(article: Article, **more: float) -> Experiment:
    article.refresh_from_db()
    experiment = experiments.create(
        article,
        name="Test",
        control=Arm("a", article.live_revision),
        others=[Arm("b", challenger(article))],
        by=None,
        **more,
    )
    experiments.start(experiment, by=None)
    return experiment


def test_every_state_knows_what_every_event_does():
    assert set(NEXT) == set(product(ExperimentState, experiments.EVENTS))
    assert all(NEXT[ExperimentState.COMPLETED, event] is None for event in experiments.EVENTS)


def test_a_visitor_always_gets_the_same_text():
    first = [arms().key_for(visitor) for visitor in VISITORS[:500]]
    assert [arms().key_for(visitor) for visitor in VISITORS[:500]] == first
    assert set(first) == {"a", "b"}


def test_the_assignment_never_changes_between_releases():
    """Known values: a change here would move every visitor of a running test."""
    assert "".join(arms("2f1c").key_for(visitor) for visitor in VISITORS[:12]) == "bbbaaaaaaabb"


@pytest.mark.parametrize("weights", [(1.0, 1.0), (3.0, 1.0), (1.0, 1.0, 2.0)])
def test_texts_are_shown_in_proportion_to_their_weights(weights):
    shown = [arms(weights=weights).key_for(visitor) for visitor in VISITORS]
    for key, weight in zip("abc", weights, strict=False):
        assert within(shown.count(key), weight / sum(weights), len(VISITORS))


def test_the_share_of_visitors_in_the_test_is_kept():
    shown = [arms(allocation=0.3).key_for(visitor) for visitor in VISITORS]
    assert within(len(VISITORS) - shown.count(""), 0.3, len(VISITORS))
    inside = [key for key in shown if key]
    assert within(inside.count("a"), 0.5, len(inside))


def test_a_larger_share_keeps_everybody_where_they_were():
    for visitor in VISITORS[:2000]:
        if before := arms(allocation=0.3).key_for(visitor):
            assert arms(allocation=0.6).key_for(visitor) == before


def test_two_tests_know_nothing_of_each_other():
    pairs = [(arms("one").key_for(visitor), arms("two").key_for(visitor)) for visitor in VISITORS]
    for pair in product("ab", "ab"):
        assert within(pairs.count(pair), 0.25, len(VISITORS))


def test_two_tests_of_five_and_three_texts_know_nothing_of_each_other():
    """Chi-square with 8 degrees of freedom; 26.1 is passed by chance once in a thousand, and these are fixed."""
    one, two = Arms("one", 1.0, tuple("abcde"), (1.0,) * 5), Arms("two", 1.0, tuple("xyz"), (1.0, 2.0, 1.0))
    pairs = Counter((one.key_for(visitor), two.key_for(visitor)) for visitor in VISITORS)
    expected = {
        (a, b): len(VISITORS) / 5 * share for a in "abcde" for b, share in zip("xyz", (0.25, 0.5, 0.25), strict=True)
    }
    assert sum((pairs[pair] - count) ** 2 / count for pair, count in expected.items()) < 26.1


def test_another_process_with_other_hashes_draws_the_same():
    """What a restart, another worker and another machine have in common with this process is the salt."""
    code = (
        "import sys; from kb.arms import Arms; arms = Arms('salt', .5, tuple('abc'), (1., 2., 3.))\n"
        "print(*(arms.key_for(line.strip()) or '-' for line in sys.stdin))"
    )
    here = Arms("salt", 0.5, tuple("abc"), (1.0, 2.0, 3.0))
    expected = [here.key_for(visitor) or "-" for visitor in VISITORS[:300]]
    for seed in ("0", "4242"):
        answer = subprocess.run(
            [sys.executable, "-c", code], input="\n".join(VISITORS[:300]), env=os.environ | {"PYTHONHASHSEED": seed},
            text=True, capture_output=True, check=True, timeout=60,
        )  # fmt: skip
        assert answer.stdout.split() == expected
    assert set(expected) == {"a", "b", "c", "-"}


def test_from_a_tenth_to_a_half_who_was_in_stays_and_the_new_ones_are_as_many():
    tenth = {visitor: key for visitor in VISITORS if (key := arms(allocation=0.1).key_for(visitor))}
    half = {visitor: key for visitor in VISITORS if (key := arms(allocation=0.5).key_for(visitor))}
    assert tenth.items() <= half.items()
    assert within(len(half), 0.5, len(VISITORS))
    new = [key for visitor, key in half.items() if visitor not in tenth]
    assert within(new.count("b"), 0.5, len(new)), "who comes in later is split alike"


def test_who_has_seen_a_text_keeps_it_and_who_has_not_is_drawn():
    moved = arms(allocation=0.0, weights=(1.0, 9.0))
    for visitor in VISITORS[:200]:
        assert [moved.key_for(visitor, key) for key in ("a", "b", "gone", "")] == ["a", "b", "", ""]


def test_under_other_weights_the_new_ones_follow_them():
    before = {visitor: arms().key_for(visitor) for visitor in VISITORS[:10_000]}
    shown = [arms(weights=(1.0, 3.0)).key_for(visitor, before.get(visitor, "")) for visitor in VISITORS]
    assert shown[:10_000] == list(before.values())
    assert within(shown[10_000:].count("b"), 0.75, 10_000)


def test_who_is_not_counted_is_in_no_test():
    assert arms().key_for("") == ""
    assert arms().key_for("", "b") == ""


def reading_of(slug: str) -> page_facts.Reading:
    reading, _votes = page_facts.article(slug, "en", visitor="")
    return reading


def expose(variant: Variant) -> None:
    experiments.expose(experiment_id=variant.experiment_id, variant_id=variant.pk, visitor=VISITORS[0], at=clock.now())


@pytest.mark.django_db
class TestOnARealArticle:
    def test_a_visitor_in_the_test_gets_their_variant(self, write, django_assert_num_queries):
        article = write("Late")
        started(article)
        reading = reading_of("late")
        with django_assert_num_queries(0):
            shown = {reading.shown_to(visitor) for visitor in VISITORS[:50]}
        variants = {(variant.revision, variant.pk) for variant in Variant.objects.select_related("revision")}
        assert shown == variants
        assert {revision.html for revision, _ in shown} == {"<p>Some text.</p>", "<p>Text B</p>"}

    def test_an_article_without_a_test_shows_its_live_text(self, write):
        article = write("Late")
        assert reading_of("late").shown_to(VISITORS[0]) == (article.live_revision, None)

    def test_no_visitor_no_variant(self, write):
        article = write("Late")
        started(article)
        assert reading_of("late").shown_to("") == (article.live_revision, None)

    def test_the_simulators_view_of_a_test_agrees_with_the_pages(self, write):
        article = write("Late", source="demo", external_id="late")
        started(article, allocation=0.5)
        (seen,) = experiments.running()
        assert (seen.external_id, seen.article_id) == ("late", article.pk)
        for visitor in VISITORS[:50]:
            _, variant_id = reading_of("late").shown_to(visitor)
            assert seen.key_for(visitor) == (Variant.objects.get(pk=variant_id).key if variant_id else "")

    def test_a_stopped_test_shows_everybody_the_live_text(self, write):
        article = write("Late")
        experiment = started(article)
        experiments.stop(experiment, by=None)
        assert reading_of("late").shown_to(VISITORS[0]) == (article.live_revision, None)
        assert experiment.ended_at == clock.now()

    def test_one_test_at_a_time(self, write):
        article = write("Late")
        started(article)
        other = experiments.create(
            article,
            name="Another",
            control=Arm("a", article.live_revision),
            others=[Arm("b", challenger(article, "C"))],
            by=None,
        )
        with pytest.raises(ExperimentError, match="Stop it first"):
            experiments.start(other, by=None)

    def test_the_control_must_be_what_is_live(self, write):
        article = write("Late")
        control, other = article.live_revision, challenger(article)
        experiment = experiments.create(
            article, name="Old", control=Arm("a", control), others=[Arm("b", other)], by=None
        )
        publishing.revert(article, other, by=None)
        with pytest.raises(ExperimentError, match="not the text that is live"):
            experiments.start(experiment, by=None)

    def test_a_state_that_another_process_changed_is_not_changed_again(self, write):
        experiment = started(write("Late"))
        stale = Experiment.objects.get(pk=experiment.pk)
        experiments.stop(experiment, by=None)
        with pytest.raises(ExperimentError):
            experiments.stop(stale, by=None)

    @pytest.mark.parametrize(
        ("others", "more"),
        [
            ([], {}),
            ([("b", 0.0)], {}),
            ([("a", 1.0)], {}),
            ([("b", 1.0)], {"allocation": 1.5}),
        ],
    )
    def test_a_test_that_makes_no_sense_is_refused(self, write, others, more):
        article = write("Late")
        revision = challenger(article)
        arms = [Arm(key, revision, weight) for key, weight in others]
        with pytest.raises(ExperimentError):
            experiments.create(article, name="x", control=Arm("a", article.live_revision), others=arms, by=None, **more)
        assert not Experiment.objects.exists()

    def test_the_texts_of_a_test_belong_to_its_article(self, write):
        article = write("Late")
        with pytest.raises(ExperimentError, match="belong"):
            experiments.create(
                article,
                name="x",
                control=Arm("a", article.live_revision),
                others=[Arm("b", write("Other").live_revision)],
                by=None,
            )

    def test_while_it_runs_nothing_is_published(self, write):
        article = write("Late")
        started(article)
        draft = Draft.objects.get(article=article)
        publishing.save_draft(article, Text("Late", "", "New"), version=draft.version, by=None)
        for change in (
            lambda: publishing.publish(article, by=None),
            lambda: publishing.revert(article, article.revisions.first(), by=None),
        ):
            with pytest.raises(publishing.UnderTest):
                change()

    def test_archiving_the_article_stops_its_test(self, write):
        article = write("Late")
        experiment = started(article)
        publishing.archive(article, by=None)
        experiment.refresh_from_db()
        assert experiment.state == "stopped"

    def test_the_winner_is_published_as_the_revision_that_was_measured(self, write):
        article = write("Late")
        experiment = started(article)
        winner = experiment.variants.get(key="b").revision
        experiments.stop(experiment, by=None)
        draft = Draft.objects.get(article=article)
        publishing.save_draft(article, Text.of(winner), version=draft.version, by=None)
        assert publishing.publish(article, by=None) == winner

    def test_a_text_under_test_cannot_be_deleted(self, write):
        experiment = started(write("Late"))
        with pytest.raises(ProtectedError):
            experiment.variants.get(key="b").revision.delete()

    def test_only_the_first_exposure_is_stored(self, write):
        experiment = started(write("Late"))
        variant = experiment.variants.first()
        expose(variant)
        expose(variant)
        assert Exposure.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_visitor_with_many_tabs_is_exposed_once(write):
    variant = started(write("Late")).variants.first()
    barrier = threading.Barrier(8)
    failures = []

    def open_tab() -> None:
        try:
            barrier.wait()
            expose(variant)
        except Exception as error:  # noqa: BLE001  whatever it is, the test fails
            failures.append(error)
        finally:
            connection.close()

    tabs = [threading.Thread(target=open_tab) for _ in range(8)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert not failures
    assert Exposure.objects.count() == 1
