"""Fault 31: erasure runs while messages go out. Promise in docs/faults.md."""

from __future__ import annotations

import pytest

from core import erasure
from notifications import episodes, suppression, tasks
from notifications.models import Customer, InboundDelivery, Message, SendAttempt, SuppressionReason
from tests.faults.test_delivery_faults import read_reports
from tests.faults.test_sending_faults import counts
from tests.notifications import shop
from tests.notifications.mailing import ready, taken
from tests.notifications.shop import NOW
from tests.waiting import until

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
ADDRESS = "ada@example.com"


def test_who_is_erased_during_a_request_gets_that_one_and_no_other_ever(worker, fake) -> None:
    first, _second = ready(2, name="Ada")
    suppression.suppress(first.person, scope="back_on_track", reason=SuppressionReason.UNSUBSCRIBED, at=NOW)
    keys = set(Message.objects.values_list("dedupe_key", flat=True))
    fake.order(answers=[{"times": 1, "accept": True, "then": "hang"}], events={"hold": True})
    worker.start()
    tasks.drain.delay("normal")
    until(lambda: fake.state()["requests"] == 1, "one is with the provider")

    begun = erasure.begin(ADDRESS, by=None)
    assert counts() == {"sending": 1, "cancelled": 1}
    assert "mail provider" in erasure.work(begun.pk).waits_for
    worker.kill()
    Message.objects.filter(state="sending").update(state="unknown", lease_until=None)
    assert erasure.work(begun.pk).finished_at is not None

    # The lost one is made ready again, and the same orders come once more: nobody is mailed, nobody is brought back.
    Message.objects.filter(state="unknown").update(state="ready")
    for number in (1001, 1002):
        shop.parcel(f"FH-{number}", name="Ada", now=NOW)
    episodes.sweep(now=NOW)
    tasks.drain("normal")
    assert counts() == {"cancelled": 2}
    assert len(taken(fake.log())) == SendAttempt.objects.count() == 1
    assert set(Message.objects.values_list("dedupe_key", flat=True)) == keys
    assert set(Customer.objects.values_list("email", "person", "first_name")) == {("", "", "")}

    fake.order(events={"hold": False})
    read_reports(fake)
    assert counts() == {"cancelled": 1, "delivered": 1}
    assert [bytes(body) for body in InboundDelivery.objects.values_list("body", flat=True)] == [b""]
    assert suppression.reason_not_to_write(first.person, scope="back_on_track") == "unsubscribed"
