from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from contacts import coding, intake, selectors
from core.people import person_key
from tests.contacts.conftest import NOW

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def receive(external_id: str, message: str = "refund", *, hours: int = 0, **facts):
    facts = {"source": "email", "email": "ada@example.com", **facts}
    return intake.receive(
        intake.Facts(external_id=external_id, message=message, received_at=NOW + hours * HOUR, **facts), now=NOW
    )


def test_contacts_of_people_or_visitors_within_a_window_oldest_first(reasons):
    visitor = uuid.uuid4()
    before = receive("before", hours=-1)
    late = receive("2", "it is late", hours=1, email="bo@example.com", visitor=visitor, source="chat")
    first = receive("1")
    receive("end", hours=2)
    receive("other", email="cy@example.com")
    receive("nobody", email="", source="phone")
    found = list(
        selectors.of(people=[person_key("ADA@example.com"), ""], visitors=[visitor], since=NOW, until=NOW + 2 * HOUR)
    )
    assert [fact.id for fact in found] == [first.pk, late.pk]
    assert before.pk not in [fact.id for fact in found]
    assert (found[1].topic, found[1].reason, found[1].visitor, found[1].source) == (
        "order_status",
        "late",
        str(visitor),
        "chat",
    )
    assert (found[0].person, found[0].visitor) == (person_key("ada@example.com"), "")


def test_every_contact_of_a_window_with_the_newest_coding(reasons, staff, django_assert_num_queries):
    recoded = receive("1")
    coding.by_person(recoded, code="late", by=staff("ops"), now=NOW)
    receive("2", "hello", hours=1)
    receive("3", hours=2)
    with django_assert_num_queries(2):
        found = list(selectors.received(since=NOW, until=NOW + 2 * HOUR))
    assert [(fact.reason, fact.topic) for fact in found] == [("late", "order_status"), ("", "")]


def test_feeds_are_the_sources_besides_our_own_form():
    receive("1", source="form")
    receive("2", source="chat", hours=-3)
    receive("3", source="chat", hours=-1)
    assert selectors.feeds() == [selectors.Feed("chat", NOW - 3 * HOUR, NOW - HOUR)]
