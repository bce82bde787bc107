"""One journey, one outcome: the first that fits; and whether we would have known."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import journeys, outcomes
from analytics.journeys import ANSWERED, FORM, HELP, READ, SEARCH, VOTE, HelpEvent
from analytics.models import Outcome
from analytics.outcomes import QUIET, Contact, Feed

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = MONDAY + 60 * DAY


def at(minutes: float = 0, days: float = 0) -> datetime:
    return MONDAY + timedelta(minutes=minutes, days=days)


def returning(minutes=0):
    return HelpEvent(HELP, at(minutes), is_returning=True)


def read(minutes, article=1, topic="delivery", **more):
    return HelpEvent(READ, at(minutes), article_id=article, topic=topic, **more)


def vote(minutes, is_helpful, article=1, days=0):
    return HelpEvent(VOTE, at(minutes, days), article_id=article, is_helpful=is_helpful)


def decide(*events, contacts=(), ties=(), feeds=(), now=LATER, windows=(7,)):
    journey = journeys.build(events, idle=timedelta(minutes=30))[0]
    return outcomes.decide(journey, contacts=contacts, ties=ties, feeds=feeds, windows=windows, now=now)


def outcome(*events, **known):
    return decide(*events, **known).outcomes[7]


SAME, OTHER = Contact(1, at(days=2), "delivery"), Contact(2, at(days=1), "refunds")
YES, NO = vote(2, True), vote(2, False)


@pytest.mark.parametrize(
    ("events", "contacts", "expected"),
    [
        ([returning(), read(1)], [SAME], "contacted"),
        ([returning(), read(1), YES], [SAME], "contacted"),
        ([returning(), read(1), NO], [OTHER, SAME], "contacted"),
        ([returning(), read(1)], [OTHER], "contacted_other"),
        ([returning(), read(1), NO], [OTHER], "contacted_other"),
        ([returning(), read(1), NO], [], "denied"),
        ([returning(), read(1), YES], [], "confirmed"),
        ([returning(), read(1)], [], "silent"),
        ([returning(), HelpEvent(SEARCH, at(1))], [], "empty"),
        ([HelpEvent(HELP, at(0))], [], "empty"),
        ([read(1)], [], "unlinkable"),
        ([read(1)], [SAME], "contacted"),
        ([read(1), YES], [], "confirmed"),
        ([returning(), HelpEvent(SEARCH, at(1))], [OTHER], "contacted"),
        ([returning(), read(1)], [Contact(3, at(days=1))], "contacted"),
    ],
)
def test_the_first_outcome_that_fits(events, contacts, expected):
    assert outcome(*events, contacts=contacts) == expected


def test_yes_and_a_contact_on_the_same_topic_is_a_contradiction():
    assert decide(read(1), YES, contacts=[SAME]).is_contradicted
    assert not decide(read(1), NO, contacts=[SAME]).is_contradicted
    assert not decide(read(1), YES, contacts=[OTHER]).is_contradicted
    assert not decide(read(1), vote(0, True, days=5), contacts=[SAME]).is_contradicted  # said after the contact


def test_the_latest_word_on_an_article_counts_and_one_standing_no_is_a_no():
    assert outcome(read(1), vote(2, False), vote(3, True)) == "confirmed"
    assert outcome(read(1), vote(2, True), vote(3, False)) == "denied"
    assert outcome(read(1, 1), read(2, 2), vote(3, False, 1), vote(4, True, 2)) == "denied"


def test_a_suggestion_that_was_the_answer_is_a_yes():
    answered = HelpEvent(ANSWERED, at(3), article_id=1, is_helpful=True)

    assert outcome(returning(), read(1), HelpEvent(FORM, at(2)), answered) == "confirmed"


def test_a_contact_at_the_very_end_of_the_window_is_outside():
    due = at(1) + 7 * DAY

    assert outcome(read(0), read(1), contacts=[Contact(1, due - timedelta(seconds=1))]) == "contacted"
    assert outcome(returning(0), read(1), contacts=[Contact(1, due)]) == "silent"


def test_a_contact_before_the_journey_is_not_its_outcome():
    assert outcome(returning(), read(1), contacts=[Contact(1, at(-1))]) == "silent"


def test_each_window_has_its_own_outcome_and_an_open_one_has_none():
    decision = decide(returning(), read(1), contacts=[SAME], windows=(1, 3, 7, 14), now=at(2, days=7))

    assert decision.outcomes == {1: "silent", 3: "contacted", 7: "contacted"}
    assert decision.decide_at == at(1, days=14)


def test_early_contacts_wait_for_the_end_of_the_window():
    # Deciding the failures at once and the rest a week later would make every recent day look bad.
    assert decide(returning(), read(1), contacts=[SAME], now=at(days=3)).outcomes == {}


def test_an_article_read_after_the_contact_does_not_earn_it():
    decision = decide(returning(), read(1, 1), read(9, 2), contacts=[Contact(1, at(5), "delivery")])

    assert [r.article_id for r in decision.reads] == [1]
    assert decision.outcomes[7] == "contacted"


# --- Maturity: by the watermark, not by the clock ---


def test_a_journey_waits_for_a_source_that_lags_behind():
    lagging = Feed(since=at(days=-90), until=at(days=5))
    caught_up = Feed(since=at(days=-90), until=at(1, days=7))

    assert decide(returning(), read(1), feeds=[lagging], now=at(days=20)).outcomes == {}
    assert decide(returning(), read(1), feeds=[lagging, caught_up], now=at(days=20)).outcomes == {}
    assert set(decide(returning(), read(1), feeds=[caught_up], now=at(days=20)).outcomes) == {7}


def test_a_source_that_has_long_been_quiet_holds_nothing_back():
    old_import = Feed(since=at(days=-90), until=at(days=-60))

    assert outcome(returning(), read(1), feeds=[old_import]) == "silent"


# --- Linkable: would we know, judged by nothing that a contact brings about ---

MAIL = Feed(since=at(days=-90), until=at(days=59))


def linkable(*events, **known):
    return decide(*events, **known).is_linkable


def test_a_browser_that_never_brought_our_id_back_is_unlinkable():
    assert not linkable(read(1), read(2))
    assert linkable(read(1), read(2, is_returning=True))


def test_the_way_to_the_form_is_no_evidence():
    form = HelpEvent(FORM, at(2), is_returning=True)
    thanks = HelpEvent(HELP, at(5), is_returning=True)

    assert not linkable(read(1), form, contacts=[Contact(1, at(3))])
    assert not linkable(read(1), form, thanks, contacts=[Contact(1, at(3))])
    assert linkable(read(1, is_returning=True), form, contacts=[Contact(1, at(3))])


def test_a_vote_is_no_evidence():
    assert not linkable(read(1), HelpEvent(VOTE, at(2), is_returning=True, article_id=1, is_helpful=True))


def test_where_another_source_is_connected_the_visitor_must_be_tied_to_a_person_beforehand():
    assert not linkable(returning(), read(1), feeds=[MAIL])
    assert linkable(returning(), read(1), feeds=[MAIL], ties=[at(days=-3)])
    assert linkable(returning(), read(1), feeds=[MAIL], ties=[at(0.5)])


def test_the_tie_made_by_the_contact_that_the_journey_led_to_does_not_make_it_linkable():
    contact = Contact(1, at(9), "delivery")
    with_contact = decide(
        returning(), read(1), HelpEvent(FORM, at(5)), feeds=[MAIL], ties=[contact.at], contacts=[contact]
    )

    assert with_contact.outcomes[7] == "contacted"
    assert not with_contact.is_linkable
    # The same with a tie made on the form just before it was sent, and by a contact that came days later.
    assert not linkable(returning(), read(1), HelpEvent(FORM, at(5)), feeds=[MAIL], ties=[at(6)])
    assert not linkable(returning(), read(1), feeds=[MAIL], ties=[SAME.at], contacts=[SAME])


def test_a_source_connected_only_after_the_window_changes_nothing():
    assert linkable(returning(), read(1), feeds=[Feed(since=at(days=30), until=at(days=59))])
    assert linkable(returning(), read(1), feeds=[Feed(since=at(days=-90), until=at(days=-1) - QUIET)])


# --- Whatever happens ---

EVENTS = st.builds(
    HelpEvent,
    kind=st.sampled_from(journeys.KINDS),
    at=st.integers(0, 600).map(at),
    is_returning=st.booleans(),
    article_id=st.integers(1, 3),
    topic=st.sampled_from(["", "delivery", "refunds"]),
    is_helpful=st.booleans(),
)
CONTACTS = st.builds(
    Contact,
    id=st.integers(1, 9),
    at=st.integers(-100, 30_000).map(at),
    topic=st.sampled_from(["", "delivery", "refunds"]),
)


@settings(max_examples=300, deadline=None)
@given(
    events=st.lists(EVENTS, min_size=1, max_size=12),
    contacts=st.lists(CONTACTS, max_size=4, unique_by=lambda contact: contact.id),
    ties=st.lists(st.integers(-100, 700).map(at), max_size=2),
    is_mail_connected=st.booleans(),
    arrival=st.randoms(use_true_random=False),
)
def test_what_is_learned_bit_by_bit_in_any_order_ends_where_a_rebuild_does(
    events, contacts, ties, is_mail_connected, arrival
):
    feeds = [MAIL] if is_mail_connected else []

    def everything(seen_events, seen_contacts):
        known = {"contacts": seen_contacts, "ties": ties, "feeds": feeds}
        return [
            (journey, outcomes.decide(journey, **known, windows=(1, 7), now=LATER))
            for journey in journeys.build(seen_events, idle=timedelta(minutes=30))
        ]

    shuffled = [*events, *contacts]
    arrival.shuffle(shuffled)
    seen_events, seen_contacts, state = [], [], []
    while shuffled:
        batch = [shuffled.pop() for _ in range(min(len(shuffled), arrival.randint(1, 5)))]
        seen_events += [fact for fact in batch if isinstance(fact, HelpEvent)]
        seen_contacts += [fact for fact in batch if isinstance(fact, Contact)]
        state = everything(seen_events, seen_contacts)

    assert state == everything(events, contacts)
    for _, decision in state:
        assert set(decision.outcomes) == {1, 7}
        assert set(decision.outcomes.values()) <= set(Outcome.values)
