"""Incidents: a frozen audience, written to once, whatever is edited or breaks meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from unittest.mock import patch
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import Group, User
from django.db import transaction

from core import clock, roles
from notifications import audience, dispatch, episodes, holding, incident_texts, incidents, obligations, suppression
from notifications.audience import Wish
from notifications.models import (
    Episode,
    Incident,
    IncidentState,
    IncidentText,
    Message,
    MessageState,
    Order,
    OutboxMail,
    Shipment,
    Skip,
    SuppressionReason,
)
from tests.notifications import shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db
STRIKE = Wish(carrier="Parcel Post")
BODY = "A strike at {{ carrier }} holds up order {{ order_number }}.\n\nWe write again."


@pytest.fixture(autouse=True)
def _thursday_noon():
    with clock.frozen(NOW):
        yield


@pytest.fixture
def ops(db) -> User:
    return User.objects.create_user("olga", "olga@example.com")


def strike(ops: User, *names: str, wish: Wish = STRIKE, holdout: float = 0.0) -> Incident:
    for number, name in enumerate(names, start=2001):
        shop.parcel(f"FH-{number}", name=name, deliver_by=NOW + DAY, ship_by=NOW + DAY)
    made = incidents.prepare(name="Strike", wish=wish, began_at=NOW, by=ops, holdout=holdout)
    assert incident_texts.save(made, "en", subject="A strike holds up {{ order_number }}", body=BODY, by=ops) == []
    return made


def confirm(incident: Incident, ops: User) -> int:
    return incidents.confirm(incident, by=ops, now=NOW, enqueue=lambda _pk: None)


def states() -> dict[str, int]:
    found = dict[str, int]()
    for state in Message.objects.values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def test_everybody_who_was_hit_is_told_once_in_their_words(ops) -> None:
    incident = strike(ops, "Ada", "Bo")
    assert confirm(incident, ops) == 2
    assert incidents.plan(incident.pk, now=NOW) == 2
    dispatch.drain(dispatch.LANES)
    mail = OutboxMail.objects.get(to_address="ada@example.com")
    assert mail.subject == "A strike holds up FH-2001"
    assert "A strike at Parcel Post holds up order FH-2001." in mail.text
    assert "A strike at Parcel Post holds up order FH-2001." in mail.html
    assert OutboxMail.objects.count() == 2
    incident.refresh_from_db()
    told = incidents.progress(incident)
    assert (incident.state, told.audience, told.waits, told.messages) == ("planned", 2, 0, (("accepted", 2),))


def test_the_audience_is_frozen_when_it_is_confirmed(ops, monkeypatch) -> None:
    incident = strike(ops, "Ada", "Bo", "Cy")
    confirm(incident, ops)
    monkeypatch.setattr(incidents, "BATCH", 1)
    incidents._plan_batch(incident.pk, now=NOW)
    # In the middle of it: a new order fits the filter, one fits no more, the filter and the text are edited.
    shop.parcel("FH-2009", name="Di", deliver_by=NOW + DAY)
    Shipment.objects.filter(order__number="FH-2003").update(carrier="Another Post")
    with pytest.raises(incidents.Frozen):
        incidents.choose(incident, Wish(carrier="Another Post"), by=ops, holdout=0.0)
    Incident.objects.filter(pk=incident.pk).update(wish=Wish(country="FR").told())
    assert incident_texts.save(incident, "en", subject="News", body="News of {{ order_number }}.", by=ops) == []
    incidents.plan(incident.pk, now=NOW)
    dispatch.drain(dispatch.LANES)
    told = sorted(OutboxMail.objects.values_list("to_address", flat=True))
    assert told == ["ada@example.com", "bo@example.com", "cy@example.com"]
    assert confirm(incident, ops) == 0, "nobody confirms it twice"


def test_killed_in_the_middle_of_planning_none_is_lost_and_none_doubled(ops, monkeypatch) -> None:
    incident = strike(ops, *(f"N{n}" for n in range(5)))
    confirm(incident, ops)
    monkeypatch.setattr(incidents, "BATCH", 2)
    incidents._plan_batch(incident.pk, now=NOW)
    with monkeypatch.context() as dying:
        dying.setattr(incidents.doorbell, "ring", lambda _lane: 1 / 0)  # after the rows of the batch were written
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            incidents.plan(incident.pk, now=NOW)
    assert Message.objects.count() == 2
    assert incidents.unplanned() == [incident.pk]
    assert incidents.plan(incident.pk, now=NOW) == 3
    assert incidents.plan(incident.pk, now=NOW) == 0
    assert states() == {"ready": 5}
    assert incidents.unplanned() == []


def test_one_message_a_person_and_a_reason_for_everybody_else(ops) -> None:
    shop.parcel("FH-3001", name="Ada", deliver_by=NOW + DAY)
    shop.parcel("FH-3002", name="Di", email="", deliver_by=NOW + DAY)
    incident = strike(ops, "Ada", "Bo")
    suppression.suppress(shop.person_of("Bo"), scope="all", reason=SuppressionReason.UNSUBSCRIBED, at=NOW)
    foreseen = audience.foresee(incident, now=NOW)
    assert (foreseen.orders, foreseen.no_address, foreseen.same_person, foreseen.opted_out) == (4, 1, 1, 1)
    assert foreseen.to_send == 1
    confirm(incident, ops)
    incidents.plan(incident.pk, now=NOW)
    dispatch.drain(dispatch.LANES)
    assert sorted(Skip.objects.values_list("reason", flat=True)) == ["no_address", "told_already"]
    assert states() == {"accepted": 1, "suppressed": 1}
    assert list(OutboxMail.objects.values_list("to_address", flat=True)) == ["ada@example.com"]


def test_who_is_held_out_gets_none(ops) -> None:
    incident = strike(ops, "Ada", "Bo", holdout=1.0)
    assert audience.foresee(incident, now=NOW).held_out == 2
    confirm(incident, ops)
    incidents.plan(incident.pk, now=NOW)
    dispatch.drain(dispatch.LANES)
    assert states() == {"held_out": 2}


def test_held_and_let_go_each_is_sent_once(ops) -> None:
    incident = strike(ops, "Ada", "Bo")
    confirm(incident, ops)
    holding.pause(f"rule:incident-{incident.pk}", reason="a slip in the text", by=ops, at=NOW)
    incidents.plan(incident.pk, now=NOW)
    dispatch.drain(dispatch.LANES)
    assert states() == {"ready": 2}
    holding.resume(f"rule:incident-{incident.pk}", by=ops)
    dispatch.drain(dispatch.LANES)
    assert OutboxMail.objects.count() == 2


def test_closed_amid_planning_nobody_else_is_told(ops, monkeypatch) -> None:
    incident = strike(ops, "Ada", "Bo", "Cy")
    confirm(incident, ops)
    monkeypatch.setattr(incidents, "BATCH", 1)
    incidents._plan_batch(incident.pk, now=NOW)
    dispatch.drain(dispatch.LANES)
    incidents._plan_batch(incident.pk, now=NOW)
    assert incidents.close(incident, by=ops, now=NOW) == 1
    assert incidents.plan(incident.pk, now=NOW) == 0
    assert states() == {"accepted": 1, "cancelled": 1}
    incident.refresh_from_db()
    assert (incident.state, incident.ended_at) == (IncidentState.CLOSED, NOW)
    assert incidents.progress(incident).waits == 1


def test_who_has_the_parcel_meanwhile_is_not_told(ops) -> None:
    incident = strike(ops, "Ada")
    confirm(incident, ops)
    incidents.plan(incident.pk, now=NOW)
    shop.scan(Episode.objects.get(incident=incident).shipment, "delivered")
    dispatch.drain(dispatch.LANES)
    assert states() == {MessageState.STALE: 1}


def test_the_sweep_leaves_an_incidents_episodes_alone(ops) -> None:
    incident = strike(ops, "Ada")
    confirm(incident, ops)
    episodes.sweep(now=NOW + 5 * DAY)
    assert Episode.objects.get(incident=incident).closed_at is None


@pytest.mark.parametrize(
    ("subject", "body", "why"),
    [
        ("", "Text.", "empty"),
        ("Late", "Order {{ order_numbr }}.", "Did you mean {{ order_number }}?"),
        ("Late", "{% load x %}", "no variable"),
        ("Late", "Shop now and get 20% off.", "advertises"),
    ],
)
def test_a_text_that_cannot_be_sent_says_why(ops, subject: str, body: str, why: str) -> None:
    incident = strike(ops)
    [*found] = incident_texts.save(incident, "en", subject=subject, body=body, by=ops)
    assert any(why in one for one in found), found
    assert IncidentText.objects.get(incident=incident).body == BODY


def test_nothing_begins_without_a_text_a_filter_or_an_audience(ops) -> None:
    for wish, why in ((Wish(), "Choose whom"), (Wish(carrier="Nobody"), "Nobody is hit")):
        with pytest.raises(incidents.NotReady, match=why):
            confirm(strike(ops, wish=wish), ops)
    bare = incidents.prepare(name="Bare", wish=STRIKE, began_at=NOW, by=ops)
    with pytest.raises(incidents.NotReady, match="Write the text in English"):
        confirm(bare, ops)


def test_with_another_number_than_was_shown_nothing_begins(ops) -> None:
    incident = strike(ops, "Ada")
    with pytest.raises(incidents.NotReady, match="1 orders now"):
        incidents.confirm(incident, by=ops, now=NOW, expected=2, enqueue=lambda _pk: None)
    incident.refresh_from_db()
    assert (incident.state, Episode.objects.count()) == ("draft", 0)


def test_the_filter_narrows_by_what_it_names(ops) -> None:
    shop.parcel("FH-4001", name="Ada", deliver_by=NOW + DAY)
    shop.parcel("FH-4002", name="Bo", deliver_by=NOW + 3 * DAY)
    Order.objects.filter(number="FH-4002").update(ship_to_country="DE", ship_to_region="10115")
    numbers = lambda wish: sorted(one.order.number for one in audience.parcels(wish))  # noqa: E731
    tomorrow = f"{NOW + timedelta(days=1):%Y-%m-%d}"
    assert numbers(Wish(country="de", region="10")) == ["FH-4002"]
    assert numbers(Wish(promised_from=tomorrow, promised_to=tomorrow)) == ["FH-4001"]
    assert numbers(Wish(state="delivered")) == []
    assert numbers(Wish(trouble="no_scan")) == []
    assert numbers(Wish(carrier="parcel post")) == ["FH-4001", "FH-4002"]


def test_on_the_desk_it_is_prepared_looked_at_and_confirmed(ops, client) -> None:
    ops.is_staff = True
    ops.save()
    ops.groups.add(Group.objects.get_or_create(name=roles.OPS)[0])
    client.force_login(ops)
    shop.parcel("FH-5001", name="Ada", deliver_by=NOW + DAY)
    page = client.post("/desk/incidents/", {"name": "Strike"})["Location"]
    client.post(f"{page}audience/", {"carrier": "Parcel Post", "holdout_percent": "0"})
    refused = client.post(f"{page}text/en/", {"en-subject": "Late", "en-body": "Shop now, {{ order_numbr }}"})
    assert refused.status_code == 422
    assert "advertises" in refused.content.decode()
    client.post(f"{page}text/en/", {"en-subject": "Late: {{ order_number }}", "en-body": BODY})
    shown = client.get(page).content.decode()
    assert "Late: FH-5001" in shown
    assert "Write to 1 person" in shown
    client.post(f"{page}confirm/", {"orders": "7"})
    assert Incident.objects.get().state == "draft", "another number than was shown"
    client.post(f"{page}confirm/", {"orders": "1"})
    incidents.plan(Incident.objects.get().pk, now=NOW)
    assert "1 of 1 orders" in client.get(page).content.decode()
    client.post(f"{page}close/")
    assert states() == {"cancelled": 1}
    assert "It is over" in client.get(page).content.decode()


def test_an_update_that_is_owed_to_all_of_them_is_told_of_once_until_another_moment_is_named(
    ops, client, settings
) -> None:
    ops.groups.add(Group.objects.get_or_create(name=roles.OPS)[0])
    ops.is_staff = True
    ops.save()
    client.force_login(ops)
    incident = strike(ops, "Ada")
    page = f"/desk/incidents/{incident.pk}/"
    past = client.post(f"{page}promise/", {"next_update_at": "2001-01-01T12:00"})
    assert past.status_code == 422
    assert "has passed" in past.content.decode()
    due = NOW + timedelta(hours=2)
    client.post(f"{page}promise/", {"next_update_at": f"{due.astimezone(ZoneInfo(settings.TIME_ZONE)):%Y-%m-%dT%H:%M}"})
    assert obligations.owed(now=NOW) == (0, 0), "a draft promised nobody anything"
    confirm(incident, ops)
    assert obligations.owed(now=NOW) == (0, 1)
    late = due + timedelta(minutes=1)
    assert obligations.owed(now=late) == (1, 0)
    assert told(late) == ["Incident “Strike”: an update is overdue"]
    assert told(late) == [], "once"
    with clock.frozen(late):
        assert "Strike" in client.get("/desk/orders/owed/").content.decode()
    incident.refresh_from_db()
    incidents.promise(incident, late + DAY, by=ops, now=late)
    assert obligations.owed(now=late) == (0, 0)
    assert told(late + 2 * DAY) == ["Incident “Strike”: an update is overdue"]
    incidents.close(incident, by=ops, now=late)
    assert obligations.owed(now=late + 2 * DAY) == (0, 0)
    with pytest.raises(incidents.NotReady):
        incidents.promise(incident, late + 3 * DAY, by=ops, now=late)


def test_a_draft_can_be_thrown_away_and_nothing_else(ops) -> None:
    thrown, begun = strike(ops, "Ada"), incidents.prepare(name="Flood", wish=STRIKE, began_at=NOW, by=ops)
    assert incident_texts.save(begun, "en", subject="A flood", body=BODY, by=ops) == []
    confirm(begun, ops)
    incidents.discard(thrown, by=ops)
    with pytest.raises(incidents.Frozen):
        incidents.discard(begun, by=ops)
    assert list(Incident.objects.all()) == [begun]


def told(now: datetime) -> list[str]:
    """The subjects of what one look told ops."""
    said: list[str] = []
    with patch.object(obligations.desk_mail, "tell", lambda subject, *_a, **_k: said.append(subject)):
        obligations.look(now=now)
    return said
