"""Settling bit by bit equals a rebuild; what the border missed is brought in; two runs at once cannot happen."""

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from analytics import settling, verdicts
from analytics.models import Event, Identity, Journey, Verdict
from core import clock
from tests.analytics import experiments, history
from tests.analytics.history import ANNA, BEN, at

pytestmark = pytest.mark.django_db


def settle(*, days: float, rebuild=False):
    """Settle as of this day. A test is one transaction; what it wrote before the run is then made to be of an older
    one, so that the next run sees as new only what is new."""
    written = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    with clock.frozen(at(days=days)):
        settled = settling.settle(rebuild=rebuild)
    Event.objects.filter(id__lte=written).update(txid=0)
    Identity.objects.update(txid=0)
    return settled


def test_a_read_followed_by_a_contact_is_one_contacted_journey():
    parcel = history.article("Where is my parcel")
    history.read(ANNA, parcel, at())
    history.form_opened(ANNA, at(3))
    contact = history.contact(at(5), visitor=ANNA, person="p1", why=history.reason("delivery"))

    settle(days=8)

    (journey,) = Journey.objects.all()
    assert (journey.outcomes, journey.contact_id) == (
        {"1": "contacted", "3": "contacted", "7": "contacted"},
        contact.pk,
    )
    assert (journey.last_article_id, journey.reads, journey.topic) == (parcel.pk, [parcel.pk], "delivery")
    assert journey.is_linkable
    assert journey.decide_at == at(3, days=14)


def test_an_undecided_journey_is_decided_when_its_windows_end_without_any_new_event():
    history.read(ANNA, history.article("Where is my parcel"), at())

    seen = []
    for days in (0.5, 1.5, 8, 20):
        settle(days=days)
        seen.append(sorted(Journey.objects.get().outcomes, key=int))

    assert seen == [[], ["1"], ["1", "3", "7"], ["1", "3", "7", "14"]]
    assert Journey.objects.get().decide_at is None


def test_a_second_run_changes_nothing():
    history.read(ANNA, history.article("Where is my parcel"), at())
    settle(days=20)

    assert settle(days=20).journeys == 0


def test_an_email_by_the_person_whom_a_link_tied_to_the_visitor_is_their_contact():
    history.read(ANNA, history.article("Where is my parcel"), at())
    settle(days=9)
    history.contact(at(days=2), person="p1", source="email")
    settle(days=9)
    assert set(Journey.objects.get().outcomes.values()) <= {"silent", "unlinkable"}

    Identity.objects.create(visitor=ANNA, person="p1", how="link", at=at(days=4))
    settle(days=9)

    journey = Journey.objects.get()
    assert journey.contact_id is not None
    # Learned too late to say that we would have known anyhow.
    assert not journey.is_linkable


def test_an_earlier_event_that_arrives_late_joins_two_journeys_into_one():
    parcel = history.article("Where is my parcel")
    history.read(ANNA, parcel, at(0))
    history.read(ANNA, parcel, at(50))
    settle(days=1)
    assert Journey.objects.count() == 2

    history.read(ANNA, parcel, at(25))
    settle(days=1)

    (journey,) = Journey.objects.all()
    assert (journey.started_at, journey.ended_at) == (at(0), at(50))


def test_a_contact_whose_event_was_lost_is_brought_in_from_its_owners_row():
    history.read(ANNA, history.article("Where is my parcel"), at())
    history.contact(at(5), visitor=ANNA, person="p1", why=history.reason("delivery"), is_heard=False)

    assert settle(days=8).contacts_brought_in == 1
    assert settle(days=8).contacts_brought_in == 0

    assert Journey.objects.get().outcomes["7"] == "contacted"
    assert Identity.objects.get().person == "p1"


def test_a_corrected_reason_changes_the_outcome():
    history.read(ANNA, history.article("Where is my parcel"), at())
    contact = history.contact(at(5), visitor=ANNA, person="p1", why=history.reason("delivery"))
    settle(days=8)

    refunds = history.reason("refunds")
    history.code(contact, history.reason("refund-late", parent=refunds), at(days=1))
    settle(days=8)

    assert Journey.objects.get().outcomes["7"] == "contacted_other"
    assert Event.objects.filter(kind="contact").count() == 2


def test_a_reason_corrected_within_its_topic_is_the_journeys_reason_too():
    history.read(ANNA, history.article("Where is my parcel"), at())
    delivery = history.reason("delivery")
    contact = history.contact(at(5), visitor=ANNA, person="p1", why=delivery)
    settle(days=8)

    history.code(contact, history.reason("parcel-lost", parent=delivery), at(days=1))
    assert settle(days=8).contacts_brought_in == 1

    assert Journey.objects.get().contact_reason == "parcel-lost"
    assert settle(days=8).contacts_brought_in == 0


def test_of_a_contacts_rows_the_newest_is_that_of_the_latest_transaction_though_ids_begin_anew_one_day():
    history.read(ANNA, history.article("Where is my parcel"), at())
    contact = history.contact(at(5), visitor=ANNA, person="p1", why=history.reason("delivery"))
    refunds = history.reason("refunds")
    history.code(contact, refunds, at(days=1))
    first = Event.objects.get(kind="contact")
    newest = Event.objects.create(
        id=first.id - 1_000_000,
        kind="contact",
        at=first.at,
        visitor=ANNA,
        person="p1",
        contact_id=contact.pk,
        topic="refunds",
        data={"reason": "refunds", "source": "form"},
    )
    Event.objects.filter(pk=newest.pk).update(txid=first.txid + 1)

    assert settle(days=8).contacts_brought_in == 0
    assert Journey.objects.get().outcomes["7"] == "contacted_other"


def test_a_contact_of_two_weeks_ago_that_is_imported_now_moves_maturity_and_no_verdict():
    made = experiments.experiment()
    visitor = experiments.exposed(made, "a", at())
    history.read(visitor, made.article, at())
    Identity.objects.create(visitor=visitor, person="p1", how="link", at=at(days=-1))
    history.contact(at(days=-2), person="p8", source="email")
    history.contact(at(days=2), person="p9", source="email")
    settle(days=16)
    assert sorted(Journey.objects.get().outcomes) == ["1"]  # the source is in up to the second day
    verdicts.look(made, now=at(days=16))
    said = list(Verdict.objects.values())

    why = history.reason("delivery")
    history.contact(at(days=1.5), person="p1", why=why, source="email", is_heard=False)
    history.contact(at(days=15.5), person="p9", source="email", is_heard=False)
    settle(days=16)

    assert Journey.objects.get().outcomes == {
        "1": "silent",
        "3": "contacted",
        "7": "contacted",
        "14": "contacted",
    }
    assert list(Verdict.objects.values()) == said
    later = verdicts.look(made, now=at(days=17))
    assert [(cell["judged"], cell["contacts"]) for cell in said[0]["counts"] if cell["arm"] == "a"] == [(0, 0)]
    assert [(cell["judged"], cell["contacts"]) for cell in later.counts if cell["arm"] == "a"] == [(1, 1)]
    assert Verdict.objects.filter(pk=said[0]["id"]).values().get() == said[0]


def test_a_journey_whose_visitor_was_forgotten_while_the_run_was_at_work_does_not_come_back(monkeypatch):
    history.read(ANNA, history.article("Where is my parcel"), at())
    replace = settling._replace

    def forget_first(new, given):
        Event.objects.filter(visitor=ANNA).update(visitor=BEN)
        return replace(new, given)

    monkeypatch.setattr(settling, "_replace", forget_first)
    settle(days=8)
    assert not Journey.objects.filter(visitor=ANNA).exists()


def test_decisions_wait_for_a_lagging_source_and_follow_when_it_catches_up():
    history.read(ANNA, history.article("Where is my parcel"), at())
    history.contact(at(days=-1), person="p8", source="email")
    history.contact(at(days=2), person="p9", source="email")
    settle(days=9)
    assert sorted(Journey.objects.get().outcomes) == ["1"]

    history.contact(at(days=8), person="p9", source="email")
    settle(days=9)

    assert Journey.objects.get().outcomes["7"] == "unlinkable"


def test_an_older_source_found_later_makes_old_journeys_unlinkable():
    history.read(ANNA, history.article("Where is my parcel"), at())
    settle(days=20)
    assert Journey.objects.get().is_linkable

    history.contact(at(days=-3), person="p9", source="phone")
    settle(days=20)

    assert not Journey.objects.get().is_linkable


def test_a_source_that_comes_back_makes_journeys_of_its_quiet_time_unlinkable():
    history.contact(at(days=-40), person="p9", source="phone")
    history.read(ANNA, history.article("Where is my parcel"), at())
    settle(days=20)
    assert Journey.objects.get().is_linkable

    history.contact(at(days=19), person="p9", source="phone")
    settle(days=20)

    assert not Journey.objects.get().is_linkable


def test_the_command_says_what_it_did(capsys):
    history.read(ANNA, history.article("Where is my parcel"), at())

    call_command("settle", "--rebuild")

    assert capsys.readouterr().out == "1 visitors looked at, 1 journeys changed, 0 contacts brought in\n"


@pytest.mark.django_db(transaction=True)
def test_while_one_run_is_at_work_another_does_nothing():
    is_held, may_end = threading.Event(), threading.Event()

    def other():
        with settling._only_one() as is_ours:
            assert is_ours
            is_held.set()
            may_end.wait(20)
        connections.close_all()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        assert is_held.wait(20)
        assert settling.settle() is None
        with pytest.raises(CommandError, match="Another run"):
            call_command("settle")
    finally:
        may_end.set()
        thread.join()
    assert settling.settle() is not None


@pytest.mark.django_db(transaction=True)
def test_an_event_of_a_transaction_that_commits_late_is_not_passed_over():
    parcel = history.article("Where is my parcel")
    is_written, may_commit = threading.Event(), threading.Event()

    def slow():
        from django.db import transaction

        with transaction.atomic():
            history.read(ANNA, parcel, at())
            is_written.set()
            may_commit.wait(20)
        connections.close_all()

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        assert is_written.wait(20)
        history.read(BEN, parcel, at())  # a later id and a later transaction, committed first
        settle(days=1)
        settle(days=1)
        assert list(Journey.objects.values_list("visitor", flat=True)) == [BEN]
    finally:
        may_commit.set()
        thread.join()
    settle(days=1)

    assert set(Journey.objects.values_list("visitor", flat=True)) == {ANNA, BEN}
    assert connection.in_atomic_block is False
