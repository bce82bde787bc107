"""Forgetting a person over all rooms: nothing of them is left, what is counted stays, old orders bring nobody back."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client

from contacts import attachments, intake
from contacts.models import Attachment, Contact
from core import clock, erasure
from core.models import AuditEntry, Erasure
from core.people import person_key
from core.roles import ADMIN, OPS
from notifications import dispatch, episodes, links, recording, suppression
from notifications.models import (
    Customer,
    InboundDelivery,
    Message,
    Order,
    SheetFile,
    SheetRefusal,
    Suppression,
    SuppressionReason,
    TrackingEvent,
)
from notifications.providers.base import DeliveryKind, ProviderEvent
from notifications.tracking import Scan, record
from tests.config import erasable
from tests.config.erasable import ADDRESS, BY_HASH, PERSON, TRACES, ada, counted, order_of_ada, traces
from tests.config.staff import make
from tests.notifications.shop import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon(settings, tmp_path):
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    with clock.frozen(NOW):
        yield


def erase() -> Erasure:
    return erasure.work(erasure.begin(f" {ADDRESS.title()} ", by=None).pk)


def test_nothing_that_says_who_it_was_is_left_anywhere_in_the_database(django_capture_on_commit_callbacks) -> None:
    ada()
    [file] = Attachment.objects.all()
    assert {word for _, word in traces(*TRACES)} == set(TRACES), "the look through the database finds what is there"
    with django_capture_on_commit_callbacks(execute=True):
        done = erase()
    assert done.finished_at is not None, done.waits_for
    assert traces(*TRACES) == set()
    assert {table for table, _ in traces(PERSON)} <= BY_HASH
    assert not attachments.path_of(file.pk).exists()


def test_what_is_counted_stays() -> None:
    ada()
    before = counted()
    erase()
    assert counted() == before
    assert Message.objects.exclude(person="").values("person").distinct().count() == 2, "Ada, as nobody, and Bo"
    assert not Message.objects.filter(dedupe_key="").exists()


def test_nothing_of_others_is_touched() -> None:
    ada()
    bo = Customer.objects.values().get(external_id="bo")
    erase()
    assert Customer.objects.values().get(external_id="bo") == bo
    assert Contact.objects.get(reference="C-BO0001").message == "Please tell […] too"
    assert bytes(InboundDelivery.objects.get(sha256="1").body) == b'{"email": "bo@example.com"}'
    assert list(SheetFile.objects.values_list("name", flat=True)) == ["others.csv"]
    assert list(SheetRefusal.objects.values_list("cells", flat=True)) == [["Bo"]]


def test_the_order_keeps_what_the_law_and_statistics_need() -> None:
    order = ada()
    erase()
    order = Order.objects.get(pk=order.pk)
    assert (order.number, order.ship_to_country, order.ship_to_region) == ("FH-700001", "GB", "")
    assert order.lines.get().title == "Desk lamp"
    assert order.shipments.get().events.get().state == "in_transit"


def test_links_made_before_open_nothing() -> None:
    order = ada()
    link = links.read_order_link(links.order_token(order))
    erase()
    with pytest.raises(links.RevokedLink):
        links.check_order_link(link, Order.objects.select_related("customer").get(pk=order.pk))


def test_killed_after_any_part_it_goes_on_and_ends_alike(monkeypatch) -> None:
    ada()
    before = counted()
    pk = erasure.begin(ADDRESS, by=None).pk
    for killed in erasure.parts():
        monkeypatch.setattr(erasure, "_finish", lambda _pk: True)
        with monkeypatch.context() as broken:
            others = [part for part in erasure.parts() if part is not killed]
            broken.setattr(erasure, "parts", lambda others=others: others[: len(others) // 2])
            erasure.work(pk)
        monkeypatch.undo()
    assert erasure.work(pk).finished_at is not None
    assert traces(*TRACES) == set()
    assert counted() == before


def test_a_part_that_fails_takes_nothing_with_it(monkeypatch) -> None:
    order = ada()
    from notifications import erasing

    def dies(*_args: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as broken:
        broken.setattr(erasing, "_empty_orders", dies)
        with pytest.raises(RuntimeError), transaction.atomic():
            erase()
    assert Customer.objects.get(pk=order.customer_id).first_name != ""
    erase()
    assert traces(*TRACES) == set()


def test_once_more_finds_nothing_and_ends_alike() -> None:
    ada()
    first = erase()
    again = erase()
    assert (first.pk, again.done) != (again.pk, first.done)
    assert not any(again.done.values())


def test_nobody_is_remembered_in_the_receipt_or_the_audit_log() -> None:
    ada()
    done = erase()
    assert done.subject == {}
    assert done.done["contacts"]["contacts"] == 3
    assert [entry.action for entry in AuditEntry.objects.filter(target_id=str(done.pk)).order_by("pk")] == [
        "person.erasure_begun", "person.erased",
    ]  # fmt: skip


def test_an_old_order_that_comes_again_brings_nobody_back() -> None:
    order = ada()
    erase()
    before = counted()
    order_of_ada(order.number, now=NOW)
    record(order.shipments.get(), Scan("in_transit", NOW - timedelta(days=2)), now=NOW)
    again = Order.objects.select_related("customer").get(pk=order.pk)
    assert (again.customer_id, again.customer.person, again.customer.first_name) == (order.customer_id, "", "")
    assert Customer.objects.filter(source="test").count() == 2
    assert counted() == before


def test_an_order_from_before_that_was_never_here_comes_in_without_the_person() -> None:
    ada()
    erase()
    order = order_of_ada("FH-700002", now=NOW).customer
    assert (order.email, order.person, order.first_name, order.is_erased) == ("", "", "", True)
    episodes.sweep(now=NOW)
    assert not Message.objects.filter(episode__shipment__order__number="FH-700002").exists()


def test_what_is_ordered_afterwards_is_a_new_beginning() -> None:
    ada()
    erase()
    with clock.frozen(NOW + timedelta(days=20)):
        late = {"placed_at": NOW + timedelta(days=10), "ship_by": NOW + timedelta(days=11)}
        order = order_of_ada("FH-700003", now=NOW + timedelta(days=10), deliver_by=NOW + timedelta(days=19), **late)
        assert (order.customer.person, order.customer.is_erased) == (PERSON, False)
        order_of_ada("FH-700001", now=NOW + timedelta(days=20))
        assert Order.objects.get(number="FH-700001").customer.is_erased


def test_scans_of_an_old_parcel_come_in_without_their_words() -> None:
    from notifications.intake import storing
    from notifications.intake.facts import Scanned

    order = ada()
    erase()
    told = Scan("delivered", NOW, text="Lovelace signed", place="Babbage Lane")
    storing.store([Scanned(NOW, "", "", order.shipments.get().tracking_no, told)], source="aftership", now=NOW)
    seen = TrackingEvent.objects.get(state="delivered")
    assert (seen.text, seen.place) == ("", "")


def test_an_old_contact_that_is_imported_later_comes_in_without_its_words() -> None:
    ada()
    erase()
    facts = intake.Facts(
        source="email",
        external_id=f"<2.{ADDRESS}>",
        email=ADDRESS,
        received_at=NOW - timedelta(days=1),
        message="Lovelace",
    )
    first, second = intake.receive(facts, now=NOW), intake.receive(facts, now=NOW)
    assert first == second
    assert traces(*TRACES) == set()


def test_suppression_and_the_proof_of_what_was_asked_outlive_it() -> None:
    ada()
    suppression.suppress(PERSON, scope="all", reason=SuppressionReason.UNSUBSCRIBED, at=NOW)
    erase()
    assert suppression.reason_not_to_write(person_key(ADDRESS), scope="promise_passed") == "unsubscribed"


def test_a_complaint_that_comes_afterwards_is_still_about_the_address() -> None:
    order = ada()
    message = Message.objects.filter(customer=order.customer_id).first()
    erase()
    event = ProviderEvent("sendgrid", "e9", DeliveryKind.COMPLAINED, NOW, str(message.pk), 1, ADDRESS, "Lovelace", "id")
    recording.record(event)
    assert Suppression.objects.get(person=PERSON, scope="all").reason == "complained"
    assert traces(*TRACES) == set()


def test_a_message_planned_or_lost_meanwhile_is_not_sent() -> None:
    order = ada()
    Message.objects.exclude(customer=order.customer_id).delete()
    message = Message.objects.get()
    pk = erasure.begin(ADDRESS, by=None).pk
    Message.objects.filter(pk=message.pk).update(state="ready")  # as a lost answer makes it
    assert dispatch.drain(dispatch.LANES).outcomes.get("cancelled") == 1
    assert erasure.work(pk).finished_at is not None


def test_it_waits_for_what_is_with_the_provider_and_then_goes_on() -> None:
    order = ada()
    Message.objects.filter(customer=order.customer_id).update(state="sending")
    row = erase()
    assert row.finished_at is None
    assert "mail provider" in row.waits_for
    Message.objects.filter(customer=order.customer_id).update(state="accepted")
    for pk in erasure.open_ones():
        erasure.work(pk)
    assert Erasure.objects.get(pk=row.pk).finished_at is not None
    assert traces(*TRACES) == set()


def test_the_export_holds_what_they_wrote_and_what_was_written_to_them() -> None:
    ada()
    told = erasure.export(erasure.look_up(ADDRESS))
    assert {"contacts.json", "orders.json", "mails.json", "searches.json"} <= set(told)
    assert told["orders.json"][0]["number"] == "FH-700001"
    assert [content for name, content in told.items() if name.startswith("files/")] == [b"png"]


def test_the_command_counts_first_and_erases_then() -> None:
    ada()
    said = StringIO()
    call_command("erase_person", ADDRESS, "--dry-run", stdout=said)
    assert "Orders and messages: orders: 1" in said.getvalue()
    assert not Erasure.objects.exists()
    call_command("erase_person", ADDRESS, stdout=said)
    assert traces(*TRACES) == set()
    with pytest.raises(CommandError, match="address"):
        call_command("erase_person", "ada", stdout=said)
    assert erasable.ADDRESS not in said.getvalue()


def test_on_the_desk_a_person_is_found_confirmed_and_erased(django_capture_on_commit_callbacks, monkeypatch) -> None:
    from config import tasks

    monkeypatch.setattr(tasks.erase, "delay", tasks.erase)
    ada()
    client = signed_in_as(ADMIN)
    shown = client.post("/desk/privacy/", {"address": ADDRESS}).content.decode()
    assert "contacts" in shown
    assert "uploaded files" in shown
    refused = client.post("/desk/privacy/erase/", {"address": ADDRESS, "typed": "bo@example.com"})
    assert refused.status_code == 422
    assert not Erasure.objects.exists()
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post("/desk/privacy/erase/", {"address": ADDRESS, "typed": ADDRESS.upper()})
    receipt = client.get(answer["Location"]).content.decode()
    assert "Done on" in receipt
    assert ADDRESS not in receipt
    assert traces(*TRACES) == set()
    assert "Nothing is kept" in client.post("/desk/privacy/", {"address": ADDRESS}).content.decode()


def test_the_export_is_a_zip_and_ops_may_not_erase() -> None:
    ada()
    client = signed_in_as(OPS)
    answer = client.post("/desk/privacy/export/", {"address": ADDRESS})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert json.loads(archive.read("customers.json"))[0]["email"] == ADDRESS
    assert client.post("/desk/privacy/erase/", {"address": ADDRESS, "typed": ADDRESS}).status_code == 403


def signed_in_as(role: str) -> Client:
    client = Client()
    client.force_login(make(role, role))
    return client
