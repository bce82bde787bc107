"""The rules page: what is shown with its denominators, what may be changed by whom, and what a change does not do."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from core import clock
from core.models import AuditEntry
from core.roles import ADMIN, ANALYST, OPS
from notifications import dispatch, episodes, rules
from notifications.models import Message, OutboxMail, Rule, Shipment
from tests.config import staff
from tests.notifications import shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon(settings, db):
    settings.MAIL_PROVIDER, settings.QUIET_HOURS = "console", None
    with clock.frozen(NOW):
        yield


def form(rule: Rule, **changes: object) -> dict[str, object]:
    now = rules.settings_of(rule)
    said = {
        "is_active": "on" if now.is_active else "",
        "name": now.name,
        "template": now.template,
        "lane": now.lane,
        "holdout": f"{now.holdout_share * 100:g}",
        "ambiguity_policy": now.ambiguity_policy,
        "is_for_any_hour": "on" if now.is_for_any_hour else "",
        "seen": now.mark,
    }
    return {name: value for name, value in {**said, **changes}.items() if value != ""}


def late() -> Rule:
    return Rule.objects.get(kind="promise_passed")


def test_the_list_counts_what_each_did_against_what_it_was_asked_about(client: Client) -> None:
    Rule.objects.update(holdout_share=0.5)
    for number in range(12):
        shop.parcel(f"FH-{number}", name=f"Name{number}", email="" if number < 2 else None)
    episodes.sweep(now=NOW)
    dispatch.drain(dispatch.LANES)
    sent, held_out = OutboxMail.objects.count(), Message.objects.filter(state="held_out").count()
    assert sent + held_out == 10
    assert sent
    assert held_out
    did = rules.did(now=NOW)[late().pk]
    assert (did.asked, did.sent, did.held_out, did.to_notify) == (12, sent, held_out, 12 - held_out)
    assert sum(count for _, _, count in did.rest) == did.asked
    client.force_login(staff.make("ola", OPS))
    shown = client.get(reverse("desk:rules")).content.decode()
    assert f"{sent} of 12 sent" in shown
    assert "Order updates" in shown
    page = client.get(reverse("desk:rule", args=[late().key])).content.decode()
    assert f"Asked about 12 cases: {held_out} held out, {sent} sent of the other {12 - held_out}." in page
    assert "the source gave no e-mail address" in page
    assert rules.did(now=NOW + 31 * DAY) == {}


def test_a_change_is_saved_with_who_made_it_and_what_was_before(client: Client) -> None:
    client.force_login(staff.make("ola", OPS))
    rule = late()
    changes = {"holdout": "25", "lane": "urgent", "template": "delayed", "is_active": ""}
    answer = client.post(reverse("desk:rule", args=[rule.key]), form(rule, **changes))
    assert answer.status_code == 302
    rule.refresh_from_db()
    assert (rule.holdout_share, rule.lane, rule.template, rule.is_active) == (0.25, "urgent", "delayed", False)
    entry = AuditEntry.objects.get(action="rule.changed")
    assert entry.detail["lane"] == ["normal", "urgent"]
    assert set(entry.detail) == {"holdout_share", "lane", "template", "is_active"}
    client.post(reverse("desk:rule", args=[rule.key]), form(rule))
    assert AuditEntry.objects.filter(action="rule.changed").count() == 1, "nothing was another"


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"holdout": "101"}, 422, "less than or equal to 100"),
        ({"holdout": ""}, 422, "This field is required"),
        ({"name": ""}, 422, "This field is required"),
        ({"lane": "fast"}, 422, "not one of the available choices"),
        ({"template": "delivered"}, 422, "not one of the available choices"),
        ({"seen": "other"}, 409, "Somebody has changed this rule"),
        ({"is_legal_notice": "on", "holdout": "0"}, 422, "Tick this too"),
        ({"is_legal_notice": "on", "is_legal_sure": "on", "holdout": "10"}, 409, "write 0 for the share held out"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words_and_nothing_is_lost(client, changes, status, says) -> None:
    client.force_login(staff.make("ada", ADMIN))
    rule = late()
    answer = client.post(reverse("desk:rule", args=[rule.key]), form(rule, **{"name": "Kept", **changes}))
    assert (answer.status_code, says in answer.content.decode()) == (status, True)
    if "name" not in changes:
        assert "Kept" in answer.content.decode()
    assert rules.settings_of(late()) == rules.settings_of(rule)


def test_only_an_administrator_says_what_the_law_requires_and_of_troubles_only(client: Client) -> None:
    wanted = {"is_legal_notice": "on", "is_legal_sure": "on", "holdout": "0"}
    client.force_login(staff.make("ola", OPS))
    client.post(reverse("desk:rule", args=[late().key]), form(late(), **wanted))
    assert not late().is_legal_notice
    admin = Client()
    admin.force_login(staff.make("ada", ADMIN))
    admin.post(reverse("desk:rule", args=[late().key]), form(late(), **wanted))
    assert late().is_legal_notice
    client.post(reverse("desk:rule", args=[late().key]), form(late(), name="By ops"))
    assert (late().name, late().is_legal_notice) == ("By ops", True), "what they may not say stays as it was"
    shipped = Rule.objects.get(kind="shipped")
    answer = admin.post(reverse("desk:rule", args=["shipped"]), form(shipped, **wanted))
    assert (answer.status_code, "No law asks" in answer.content.decode()) == (409, True)


def test_analysts_do_not_come_in(client: Client) -> None:
    client.force_login(staff.make("ann", ANALYST))
    assert client.get(reverse("desk:rules")).status_code == 403


def test_an_edit_in_mid_episode_sends_no_second_mail_and_keeps_the_arms(client: Client) -> None:
    Rule.objects.update(holdout_share=0.3)
    for number in range(15):
        shop.parcel(f"FH-{number}", name=f"Name{number}")
    episodes.sweep(now=NOW)
    dispatch.drain(dispatch.LANES)
    before = dict(Message.objects.values_list("person", "arm"))
    mails = OutboxMail.objects.count()
    client.force_login(staff.make("ola", OPS))
    client.post(reverse("desk:rule", args=[late().key]), form(late(), holdout="60", name="New", template="delayed"))
    Shipment.objects.update(check_at=NOW)
    episodes.sweep(now=NOW)
    dispatch.drain(dispatch.LANES)
    assert dict(Message.objects.values_list("person", "arm")) == before
    assert OutboxMail.objects.count() == mails

    # Of new trouble the same people are held out, and some more.
    for number in range(15):
        shop.parcel(f"FH-2{number}", name=f"Name{number}")
    episodes.sweep(now=NOW)
    out = {person for person, arm in before.items() if arm == "held_out"}
    later = {one.person for one in Message.objects.filter(arm="held_out", episode__shipment__order__number__gte="FH-2")}
    assert out < later
