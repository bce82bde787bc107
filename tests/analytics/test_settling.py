"""Settling bit by bit equals a rebuild; what the border missed is brought in; two runs at once cannot happen."""

import random
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections

from analytics import settling, settling_sql
from analytics.models import Event, Identity, Journey
from core import clock
from tests.analytics import history
from tests.analytics.history import ANNA, BEN, CARA, at

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


def facts():
    names = [*settling_sql.FACTS, "visitor", "started_at"]
    return sorted(([getattr(row, name) for name in names] for row in Journey.objects.all()), key=repr)


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


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_order_of_arrival_and_the_size_of_the_batches_it_ends_where_a_rebuild_does(seed):
    chance = random.Random(seed)
    articles = [history.article("Parcels"), history.article("Refunds", topic="refunds")]
    reasons = [history.reason("delivery"), history.reason("refunds"), None]
    steps = []
    for visitor in (ANNA, BEN, CARA):
        person = f"p{visitor.int}"
        for _ in range(chance.randint(2, 5)):
            start = at(chance.randint(0, 4000))
            which = chance.choice(articles)
            moments = [start + timedelta(minutes=chance.randint(0, 40)) for _ in range(4)]
            steps += [
                lambda v=visitor, a=which, m=moments: history.read(v, a, m[0], is_returning=chance.random() < 0.5),
                lambda v=visitor, a=which, m=moments: history.voted(v, a, m[1], is_helpful=chance.random() < 0.5),
                lambda v=visitor, m=moments: history.form_opened(v, m[2]),
            ]
            if chance.random() < 0.6:
                by = {"visitor": visitor} if chance.random() < 0.5 else {"source": "email"}
                why = chance.choice(reasons)
                steps.append(lambda p=person, m=moments, b=by, w=why: history.contact(m[3], person=p, why=w, **b))
        tied = at(chance.randint(0, 4000))
        steps.append(lambda v=visitor, p=person, t=tied: Identity.objects.create(visitor=v, person=p, how="link", at=t))
    # The unique row of the tie may exist already from a contact by form; then the link says nothing new.
    chance.shuffle(steps)

    while steps:
        for _ in range(min(len(steps), chance.randint(1, 6))):
            _or_known(steps.pop())
        settle(days=chance.choice([1, 4, 8]))
    settle(days=16)
    bit_by_bit = facts()

    Journey.objects.all().delete()
    settle(days=16, rebuild=True)
    assert facts() == bit_by_bit
    assert len(bit_by_bit) > 3


def _or_known(step):
    from django.db import IntegrityError, transaction

    try:
        with transaction.atomic():
            step()
    except IntegrityError:
        pass


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
