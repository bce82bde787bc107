"""The border: what other rooms tell becomes rows."""

import dataclasses
import uuid

import pytest

from analytics.models import Event, Identity
from contacts import events as contact_events
from core.events import fire
from kb import events as kb_events
from notifications import events as notification_events
from tests.analytics import history
from tests.analytics.history import ANNA, at

pytestmark = pytest.mark.django_db

FORM_ID = str(uuid.uuid4())
EVERYTHING = [
    (kb_events.article_viewed, kb_events.ArticleViewed(at(), str(ANNA), True, 1, 10, 7, "delivery", "en"), "read"),
    (kb_events.searched, kb_events.Searched(at(), str(ANNA), True, "parcel", "en", 0, (), ""), "search"),
    (kb_events.help_opened, kb_events.HelpOpened(at(), str(ANNA), True, "delivery", "en"), "help"),
    (kb_events.voted, kb_events.Voted(at(), str(ANNA), 1, 10, None, False, "unclear", "delivery"), "vote"),
    (contact_events.form_opened, contact_events.FormOpened(at(), str(ANNA), True, FORM_ID, "en"), "form"),
    (contact_events.suggestions_shown, contact_events.SuggestionsShown(at(), str(ANNA), FORM_ID, (1, 2)), "suggested"),
    (contact_events.question_answered, contact_events.QuestionAnswered(at(), str(ANNA), FORM_ID, 1, ""), "answered"),
    (
        contact_events.contact_received,
        contact_events.ContactReceived(at(), str(ANNA), "p1", 5, "delivery", "where", "form"),
        "contact",
    ),
    (
        notification_events.order_page_viewed,
        notification_events.OrderPageViewed(at(), str(ANNA), True, "p1", 3, "en"),
        "order",
    ),
]


@pytest.mark.parametrize(("signal", "event", "kind"), EVERYTHING, ids=[kind for _, _, kind in EVERYTHING])
def test_every_event_of_a_visitor_becomes_one_row(signal, event, kind, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        fire(signal, event)

    (row,) = Event.objects.all()
    assert (row.kind, row.at, row.visitor) == (kind, at(), ANNA)


@pytest.mark.parametrize(("signal", "event", "kind"), EVERYTHING, ids=[kind for _, _, kind in EVERYTHING])
def test_without_a_visitor_only_a_contact_is_stored(signal, event, kind):
    responses = signal.send_robust(None, event=dataclasses.replace(event, visitor=""))

    assert [answer for _, answer in responses] == [None]
    assert Event.objects.count() == (1 if kind == "contact" else 0)
    assert not Identity.objects.exists()


def test_a_search_is_about_what_its_first_hit_is_about():
    refunds = history.article("Refund times", topic="refunds")

    history.searched(ANNA, "money back", at(), shown=[refunds.pk])

    assert Event.objects.get().topic == "refunds"


def test_the_earliest_moment_at_which_we_knew_a_person_counts():
    for days, how in [(3, "lookup"), (1, "link"), (2, "lookup")]:
        notification_events.visitor_identified.send(
            None, event=notification_events.VisitorIdentified(at(days=days), str(ANNA), "p1", how)
        )

    identity = Identity.objects.get()
    assert (identity.at, identity.how) == (at(days=1), "link")


def test_a_contact_by_the_form_ties_the_visitor_to_the_person():
    history.contact(at(), visitor=ANNA, person="p1")

    assert Identity.objects.get().person == "p1"
