"""Events -> journeys, and which read earns what."""

from datetime import UTC, datetime, timedelta

from analytics import attribution, journeys
from analytics.journeys import FORM, HELP, READ, SEARCH, VOTE, HelpEvent
from analytics.models import EventKind, Outcome

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
IDLE = timedelta(minutes=30)


def after(minutes: float) -> datetime:
    return MONDAY + timedelta(minutes=minutes)


def read(minutes, article, topic="delivery", **more):
    return HelpEvent(READ, after(minutes), article_id=article, revision_id=article * 10, topic=topic, **more)


def build(*events):
    return journeys.build(events, idle=IDLE)


def test_words_are_those_of_the_models():
    assert set(journeys.KINDS) == set(EventKind.values) - {"contact", "order", "stayed"}
    assert Outcome.values == [
        "contacted", "contacted_other", "denied", "confirmed", "silent", "empty", "unlinkable",
    ]  # fmt: skip


def test_thirty_idle_minutes_are_one_journey_and_a_second_more_is_two():
    assert len(build(read(0, 1), read(30, 2))) == 1
    assert len(build(read(0, 1), read(30.02, 2))) == 2


def test_each_event_prolongs_the_journey():
    (journey,) = build(read(0, 1), read(25, 2), read(50, 3))

    assert (journey.started_at, journey.ended_at) == (after(0), after(50))


def test_the_topic_is_that_of_the_last_read_whatever_was_searched_later():
    (journey,) = build(read(0, 1, "delivery"), read(1, 2, "refunds"), HelpEvent(SEARCH, after(2), topic="account"))

    assert journey.topic == "refunds"


def test_without_a_read_the_topic_is_the_guess_of_the_last_search_that_has_one():
    (journey,) = build(
        HelpEvent(SEARCH, after(0), topic="refunds"), HelpEvent(SEARCH, after(1)), HelpEvent(HELP, after(2))
    )

    assert journey.topic == "refunds"


def test_a_vote_on_a_page_left_open_belongs_to_the_journey_that_read_it():
    vote = HelpEvent(VOTE, after(90), article_id=1, is_helpful=True)
    first, second = build(read(0, 1), read(80, 2), vote, HelpEvent(VOTE, after(300), article_id=1, is_helpful=False))

    # The first vote falls into the second journey's own time; the second comes hours after everything.
    assert second.votes == (vote,)
    assert [v.is_helpful for v in first.votes] == [False]
    assert first.ended_at == after(0)


def test_the_form_is_part_of_the_journey():
    (journey,) = build(read(0, 1), HelpEvent(FORM, after(5)), HelpEvent(FORM, after(9)))

    assert journey.form_opened_at == after(5)
    assert journey.ended_at == after(9)


def test_the_same_event_stored_twice_counts_once():
    (journey,) = build(read(0, 1), read(0, 1))

    assert len(journey.reads) == 1


def test_articles_are_listed_once_in_the_order_of_first_reading_while_the_last_read_is_the_last():
    (journey,) = build(read(0, 7), read(1, 8), read(2, 7))
    reads = attribution.credited(journey, contact_at=None)

    assert attribution.articles(reads) == [7, 8]
    assert attribution.last_read(reads).article_id == 7


def test_an_article_read_after_the_contact_has_no_part_in_it():
    (journey,) = build(read(0, 7), read(10, 8))

    assert attribution.articles(attribution.credited(journey, contact_at=after(5))) == [7]


def test_equal_shares_sum_to_one():
    assert attribution.equal_shares([7, 8, 9, 7]) == {7: 1 / 3, 8: 1 / 3, 9: 1 / 3}
    assert attribution.equal_shares([]) == {}
