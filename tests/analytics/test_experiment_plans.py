"""What a test would take, by an article's own readers: the figures, the refusals, and the rows that they come from."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from analytics import experiment_plans, experiment_traffic
from analytics.experiment_plans import Wish
from analytics.experiment_traffic import Share, Traffic
from analytics.models import Event, EventKind, Identity
from analytics.stats import power
from analytics.stats.power import Mode
from kb.models import Metric
from tests.analytics import history
from tests.analytics.history import at

NOW = at(days=60)


def traffic(*, readers: int = 1680, linkable: int | None = None, hits: int = 650, of: int = 1000, **shares) -> Traffic:
    linkable = readers if linkable is None else linkable
    known = {metric.value: shares.get(metric.value, Share(hits, of)) for metric in Metric}
    return Traffic(days=28, readers=readers, linkable=linkable, weeks=(420, 420, 420, 420), shares=known)


def wish(**changed) -> Wish:
    return Wish(**({"metric": "resolution", "worthwhile": 0.08, "window_days": 7} | changed))


class TestWhatItTakes:
    def test_at_sixty_readers_a_day_ten_points_take_weeks_and_three_cannot_be_seen(self):
        proposal = experiment_plans.propose(traffic(), wish(worthwhile=0.10))
        assert proposal.is_possible
        assert (proposal.mode, proposal.proposed) == (Mode.DEADLINE, Mode.DEADLINE)
        assert proposal.units == power.units_needed(Mode.DEADLINE, 0.65, 0.10)
        assert proposal.planned_units == 2 * proposal.units
        assert proposal.days == 14, "11.2 days, in whole weeks"
        assert proposal.due_at(now=NOW) == NOW + timedelta(days=14)
        assert proposal.power_at_half < 0.4
        assert experiment_plans.propose(traffic(), wish(worthwhile=0.02)).refusal

    def test_many_readers_a_day_speak_for_an_open_end(self):
        proposal = experiment_plans.propose(traffic(readers=56_000), wish(worthwhile=0.02))
        assert proposal.mode is Mode.OPEN
        assert proposal.due_at(now=NOW) is None

    def test_the_mode_that_somebody_chose_holds_beside_the_proposal(self):
        proposal = experiment_plans.propose(traffic(), wish(mode="open"))
        assert (proposal.mode, proposal.proposed) == (Mode.OPEN, Mode.DEADLINE)

    def test_a_test_that_earns_has_an_open_end(self):
        assert experiment_plans.propose(traffic(), wish(mode="deadline", earns=True)).mode is Mode.OPEN

    def test_the_smallest_arm_decides_how_long_it_takes(self):
        even = experiment_plans.propose(traffic(), wish())
        uneven = experiment_plans.propose(traffic(), wish(weights=(3.0, 1.0)))
        assert uneven.units == even.units
        assert uneven.planned_units == 2 * even.planned_units
        assert uneven.days > even.days

    def test_more_weeks_see_smaller_effects(self):
        lifts = [sight.lift for sight in experiment_plans.propose(traffic(), wish()).sights]
        assert all(lifts)
        assert lifts == sorted(lifts, reverse=True)

    def test_what_it_was_planned_with_is_kept(self):
        kept = experiment_plans.propose(traffic(), wish(allocation=0.5)).frozen(now=NOW)
        assert (kept["readers_a_day"], kept["base_hits"], kept["base_of"]) == (60, 650, 1000)
        assert (kept["arms"], kept["allocation"], kept["mode_proposed"]) == (2, 0.5, "deadline")


class TestWhatCouldNeverEnd:
    @pytest.mark.parametrize(
        ("known", "wanted", "reason", "instead"),
        [
            ({"readers": 0}, {}, "Nobody has read this article", "an article that is read"),
            ({}, {"allocation": 0.0}, "share of readers is 0 %", ""),
            ({"linkable": 0}, {}, "Of none of its readers", "“Confirmed” takes"),
            ({"hits": 9, "of": 12}, {}, "Only 12 readers can be counted", "Wait until 30"),
            ({"hits": 1000}, {}, "every one of 1000 readers", ""),
            ({"hits": 0}, {}, "none of 1000 readers", ""),
            ({"hits": 970}, {}, "none can be 8 points better", "less than 3 points"),
            ({"readers": 112}, {}, "It would take", "Take only a larger effect"),
            ({"readers": 560}, {"allocation": 0.25}, "It would take", "Let all readers take part"),
            ({"readers": 450}, {"weights": (1.0,) * 5}, "It would take", "Test fewer texts: with two it takes"),
            ({"readers": 450}, {"weights": (9.0, 1.0)}, "It would take", "every text the same weight"),
            ({"readers": 250}, {"mode": "open"}, "It would take", "Give it a deadline"),
        ],
    )
    def test_it_is_refused_with_the_reason_and_what_to_do_instead(self, known, wanted, reason, instead):
        proposal = experiment_plans.propose(traffic(**known), wish(**wanted))
        assert not proposal.is_possible
        assert reason in proposal.refusal
        assert instead in " ".join(proposal.advice)

    def test_another_metric_is_named_where_that_one_could_be_seen(self):
        known = traffic(readers=140, confirmed=Share(20, 1000))
        assert "“Confirmed” takes" in " ".join(experiment_plans.propose(known, wish()).advice)

    def test_each_advice_alone_makes_it_possible(self):
        known = traffic(readers=560)
        refused = experiment_plans.propose(known, wish(allocation=0.25))
        assert "Let all readers take part: it takes" in " ".join(refused.advice)
        assert experiment_plans.propose(known, wish()).is_possible

    def test_days_beyond_counting_are_no_number(self):
        assert "more than ten years" in experiment_plans.propose(traffic(readers=1), wish()).refusal


@pytest.fixture
def article(db):
    return history.article("Late parcels")


def person(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


class TestTheArticlesOwnReaders:
    def test_each_visitor_counts_once_at_their_first_reading(self, article):
        for day in (40, 50, 59):
            history.read(person(1), article, at(days=day))
        history.read(person(2), article, at(days=59), is_returning=False)
        history.read(person(2), article, at(days=59, minutes=9))  # came back after all: known too late to be judged by
        history.read(person(3), article, at(days=10))
        history.read(None, article, at(days=59))
        history.read(person(4), history.article("Another"), at(days=59))
        known = experiment_traffic.of(article, window_days=7, now=NOW)
        assert (known.days, known.readers, known.linkable) == (28, 2, 1)
        assert known.weeks == (0, 1, 0, 1)
        assert known.per_day("resolution") == 1 / 28
        assert known.per_day("confirmed") == 2 / 28

    def test_a_young_article_is_divided_by_its_own_days(self, article):
        history.read(person(1), article, at(days=59))
        assert experiment_traffic.of(article, window_days=7, now=NOW).days == 7
        history.read(person(2), article, at(days=48))
        assert experiment_traffic.of(article, window_days=7, now=NOW).days == 12

    def test_what_became_of_them_is_what_a_verdict_would_count(self, article):
        about_it, other = history.reason("delivery"), history.reason("returns")
        for number in range(1, 10):
            history.read(person(number), article, at(days=40))
        history.contact(at(days=42), visitor=person(1), why=about_it)
        history.contact(at(days=42), visitor=person(2), why=other)
        history.contact(at(days=42), visitor=person(3))  # uncoded: taken to be about it
        history.contact(at(days=48), visitor=person(4), why=about_it)  # after the window
        history.voted(person(5), article, at(days=40, minutes=2), is_helpful=True)
        history.voted(person(6), article, at(days=40, minutes=2), is_helpful=True)
        history.voted(person(6), article, at(days=41), is_helpful=False)  # the last word
        history.voted(person(1), article, at(days=40, minutes=1), is_helpful=True)
        Identity.objects.create(visitor=person(7), person="ann", how="link", at=at(days=50))
        history.contact(at(days=43), person="ann", why=about_it)
        history.read(person(20), article, at(days=40), is_returning=False)
        history.voted(person(20), article, at(days=40, minutes=1), is_helpful=True)
        known = experiment_traffic.of(article, window_days=7, now=NOW)
        assert known.share("contact") == Share(6, 9)
        assert known.share("resolution") == Share(5, 9)
        assert known.share("confirmed") == Share(2, 10)

    def test_a_contact_that_was_coded_anew_counts_as_its_newest_row_says(self, article):
        history.read(person(1), article, at(days=40))
        made = history.contact(at(days=41), visitor=person(1), why=history.reason("delivery"))
        assert experiment_traffic.of(article, window_days=7, now=NOW).share("contact") == Share(0, 1)
        Event.objects.create(
            kind=EventKind.CONTACT, at=at(days=41), visitor=person(1), contact_id=made.pk, topic="returns"
        )
        assert experiment_traffic.of(article, window_days=7, now=NOW).share("contact") == Share(1, 1)

    def test_whose_window_is_not_over_is_no_base(self, article):
        history.read(person(1), article, at(days=54))
        history.read(person(2), article, at(days=52))
        assert experiment_traffic.of(article, window_days=7, now=NOW).share("resolution").of == 1
        assert experiment_traffic.of(article, window_days=3, now=NOW).share("resolution").of == 2

    def test_where_contacts_come_from_elsewhere_only_who_is_known_before_counts(self, article):
        history.read(person(1), article, at(days=45))
        history.read(person(2), article, at(days=45))
        Identity.objects.create(visitor=person(1), person="ann", how="link", at=at(days=44))
        Identity.objects.create(visitor=person(2), person="ben", how="contact", at=at(days=46))
        history.contact(at(days=30), source="mail")
        history.contact(at(days=58), source="mail")  # up to here its contacts are in
        known = experiment_traffic.of(article, window_days=7, now=NOW)
        assert (known.readers, known.linkable) == (2, 1)
        assert known.share("resolution").of == 1

    def test_a_late_feed_moves_the_time_that_the_base_is_from(self, article):
        history.contact(at(days=30), source="mail")
        history.contact(at(days=50), source="mail")
        history.read(person(1), article, at(days=45))  # its window ends after the feed's last contact
        history.read(person(2), article, at(days=40))
        assert experiment_traffic.of(article, window_days=7, now=NOW).share("confirmed").of == 1
