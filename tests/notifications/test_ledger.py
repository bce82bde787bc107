"""The send ledger: every person, episode and rule in exactly one row, by the real planning and sending."""

from __future__ import annotations

import random
from collections import Counter
from datetime import time, timedelta

import pytest

from core import clock
from notifications import (
    dispatch,
    episodes,
    gates,
    holding,
    ledger,
    ledger_outcomes,
    ledger_words,
    recording,
    sending,
    settling,
    states,
    suppression,
)
from notifications.ledger import Asked, Row
from notifications.ledger_outcomes import SENT, Outcome
from notifications.models import (
    Episode,
    EpisodeKind,
    Lane,
    Message,
    MessageState,
    MessageStep,
    PersonDay,
    Rule,
    Shipment,
    Skip,
    SuppressionReason,
)
from notifications.providers.base import DeliveryError, DeliveryKind, Fate, ProviderEvent
from notifications.providers.console import Console
from tests.config import staff
from tests.notifications import mailing, shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon(settings, db):
    settings.MAIL_PROVIDER = "console"
    shop.rules(holdout_share=0.0)
    with clock.frozen(NOW):
        yield


def planned(number: str, **changes: object) -> Message:
    """A late parcel's message, as the sweep makes it."""
    shop.parcel(number, **{"name": number.lower().replace("-", ""), **changes})
    episodes.sweep(now=clock.now())
    return Message.objects.get(episode__shipment__order__number=number)


def reported(message: Message, kind: DeliveryKind, **more: object) -> None:
    event = ProviderEvent(
        provider="console", event_id=f"{kind}{message.pk}", kind=kind, at=NOW, message_id=str(message.pk), attempt=1,
        address="", **more,
    )  # fmt: skip
    recording.record(event)


def drain() -> dict[str, int]:
    return dict(dispatch.drain(dispatch.LANES).outcomes)


def rows(*, size: int = 1000, now=NOW, **asked: object) -> list[Row]:
    """All rows, in pages of `size`."""
    found, after = ledger.page(Asked(**asked), now=now, size=size, with_people=True)
    while after:
        more, after = ledger.page(Asked(**asked), now=now, after=after, size=size, with_people=True)
        found += more
    return found


def row_of(message: Message) -> tuple[str, str]:
    """Its outcome and why, as the ledger says it."""
    [row] = [row for row in rows() if row.thing == message]
    return row.outcome, ledger_words.why(row, ledger_words.pauses(), now=clock.now())


def told(message: Message) -> list[str]:
    message = Message.objects.select_related("rule", "episode").get(pk=message.pk)
    return [f"{step.text}: {step.detail}".removesuffix(": ") for step in ledger_words.history(message)]


def test_sent_is_told_apart_by_what_the_provider_said() -> None:
    messages = [planned(f"FH-{n}") for n in range(4)]
    assert drain() == {"accepted": 4}
    reported(messages[1], DeliveryKind.DELIVERED)
    reported(messages[2], DeliveryKind.BOUNCED, reason="550 no such user", permanent=True)
    reported(messages[3], DeliveryKind.DROPPED, reason="on the provider's list")
    assert [row_of(one) for one in messages] == [
        ("accepted", "the provider has it and has not said more"), ("delivered", "in the customer's mailbox"),
        ("bounced", "550 no such user"), ("dropped", "on the provider's list"),
    ]  # fmt: skip
    assert told(messages[2])[0] == "Planned: not delivered by the promised day; lane: Normal"
    assert [line.split(":")[0] for line in told(messages[2])[-3:]] == ["Attempt 1", "Attempt 1", "console reports"]
    totals = ledger.totals(Asked(), now=NOW, with_people=False)
    assert (totals.eligible, totals.sent) == (4, 4)
    assert len(rows(outcome=SENT)) == 4


def test_held_out_and_skipped_are_rows_with_their_reasons() -> None:
    Rule.objects.filter(kind="promise_passed").update(holdout_share=1.0)
    held_out = planned("FH-1")
    shop.parcel("FH-2", name="bo", email="")
    shop.parcel("FH-3", name="cy", deliver_by=NOW - 9 * DAY)
    shop.parcel("FH-4", name="di", deliver_by=NOW + 30 * DAY, ship_by=NOW - DAY)
    Rule.objects.filter(kind="not_handed_over").update(is_active=False)
    episodes.sweep(now=NOW)
    assert row_of(held_out)[0] == "held_out"
    assert "kept without this message" in row_of(held_out)[1]
    assert told(held_out)[0].startswith("Planned, and held out")
    why = {row.thing.episode.shipment.order.number: row.thing.reason for row in rows(outcome="skipped")}
    assert why == {"FH-2": "no_address", "FH-3": "no_news", "FH-4": "no_rule"}
    totals = ledger.totals(Asked(), now=NOW, with_people=False)
    assert totals.eligible == 4
    assert totals.reasons[Outcome.SKIPPED, "no_rule"] == 1


def test_what_is_kept_back_for_good_says_why_and_by_whom(settings) -> None:
    settings.MESSAGES_PER_DAY = 1
    suppressed, stale, capped, taken, off = (planned(f"FH-{n}") for n in range(5))
    suppression.suppress(suppressed.person, scope="all", reason=SuppressionReason.COMPLAINED, at=NOW)
    shop.scan(stale.episode.shipment, "delivered", NOW)
    episodes.sweep(now=NOW)
    PersonDay.objects.create(person=capped.person, day=NOW.date(), count=1, most=1)
    assert holding.cancel(taken, by=staff.make("otto"))
    other = Rule.objects.create(
        key="off", name="Off", kind="returned", template="delay_promise_passed", holdout_share=0, is_active=False
    )
    Message.objects.filter(pk=off.pk).update(rule=other)
    drain()
    assert row_of(suppressed) == ("suppressed", "the customer's address: marked our mail as spam")
    assert row_of(stale) == ("stale", "the parcel had been delivered")
    assert row_of(capped) == ("capped", gates.ENOUGH)
    assert row_of(taken) == ("cancelled", "taken back by otto")
    assert row_of(off) == ("cancelled", gates.RULE_OFF)
    assert told(taken)[1:] == ["Cancelled: taken back by otto"]
    assert told(stale)[1:] == ["No longer true, so not sent: the parcel had been delivered"]
    reasons = ledger.totals(Asked(), now=NOW, with_people=False).reasons
    for key in [("suppressed", "complained"), ("stale", "delivered"), ("cancelled", "rule_off")]:
        assert reasons[Outcome(key[0]), key[1]] == 1
        assert len(rows(outcome=key[0], reason=key[1])) == 1


def test_at_night_it_is_quiet_until_the_morning_and_the_history_keeps_it(settings) -> None:
    settings.QUIET_HOURS = (time(21), time(8))
    message = planned("FH-1")
    message.customer.time_zone = "Asia/Tokyo"
    message.customer.save()
    assert drain() == {"postponed": 1}
    outcome, why = row_of(message)
    assert outcome == "quiet"
    assert why.startswith("it is night where the person is; it goes at 5 Mar 2026, ")
    assert [row.outcome for row in rows(outcome="waiting")] == []
    message.refresh_from_db()
    [row] = rows(now=message.not_before)
    assert row.outcome == Outcome.WAITING, "the morning has come"
    with clock.frozen(message.not_before):
        assert drain() == {"accepted": 1}
    assert told(message)[1].startswith("Taken by a worker and held back until 5 Mar 2026, ")


def test_what_waits_says_for_what() -> None:
    message = planned("FH-1")
    assert row_of(message) == ("waiting", "its turn comes next")
    holding.pause("lane:normal", reason="wrong wording", by=None, at=NOW)
    assert row_of(message) == ("waiting", "ops hold it: wrong wording")
    assert len(rows(outcome="waiting", reason="held")) == 1
    holding.resume("lane:normal", by=None)
    assert rows(outcome="waiting", reason="held") == []
    [one] = sending.claim("normal", limit=1, provider=Console())
    assert row_of(message) == ("waiting", "a worker has taken it; nothing is sent yet")
    assert told(message)[-1].startswith("Taken by a worker")
    sending.give_back([one])
    assert told(message)[-1] == "Taken by a worker and given back: nothing was sent"


@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        (Fate.NOT_SENT, ("waiting", "tried once, again from")),
        (Fate.REJECTED, ("failed", "the line was cut")),
        (Fate.UNKNOWN, ("unknown", "the line was cut; we wait for the provider's word")),
    ],
)
def test_each_answer_of_the_provider_has_its_row(monkeypatch, fate: Fate, expected: tuple[str, str]) -> None:
    def cut(self, mail):
        raise DeliveryError("the line was cut", fate=fate, retry_after=600)

    monkeypatch.setattr(Console, "deliver", cut)
    message = planned("FH-1")
    drain()
    outcome, why = row_of(message)
    assert (outcome, why[: len(expected[1])]) == expected
    assert any("the line was cut" in line for line in told(message)[1:])
    code = {"waiting": "again", "failed": "refused"}.get(outcome)
    if code:
        assert len(rows(outcome=outcome, reason=code)) == 1


def test_what_is_never_settled_fails_and_says_so(monkeypatch) -> None:
    def cut(self, mail):
        raise DeliveryError("no answer", fate=Fate.UNKNOWN)

    monkeypatch.setattr(Console, "deliver", cut)
    monkeypatch.setattr(Console, "has", lambda *which: None)
    message = planned("FH-1")
    drain()
    for _ in range(25):
        mailing.hours_later(message)
    settling.reap()
    assert row_of(message) == ("failed", settling.GIVEN_UP)
    assert len(rows(outcome="failed", reason="given_up")) == 1
    assert told(message)[-1] == f"Could not be sent: {settling.GIVEN_UP}"


def test_the_usual_way_of_a_message_leaves_no_step() -> None:
    message = planned("FH-1")
    drain()
    reported(message, DeliveryKind.DELIVERED)
    assert not MessageStep.objects.exists(), "attempts and reports tell it already"


# --- the totals -----------------------------------------------------------------------------------------------------


def _world(chance: random.Random) -> None:
    """Parcels and rules at random, planned by the sweep at three moments."""
    Rule.objects.all().delete()
    for number, kind in enumerate(chance.sample([*EpisodeKind] * 2, 6)):
        Rule.objects.create(
            key=f"r{number}", name=f"Rule {number}", kind=kind, template="delay_promise_passed",
            holdout_share=chance.choice([0, 0.3, 1]), is_active=chance.random() < 0.8, lane=chance.choice(Lane.values),
        )  # fmt: skip
    Rule.objects.create(
        key="late", name="Late", kind="promise_passed", template="delay_promise_passed", holdout_share=0.2
    )
    for number in range(16):
        shop.parcel(
            f"FH-{number}",
            name=f"name{number // 2}",
            email=chance.choice([None, None, None, ""]),
            ship_by=chance.choice([None, NOW - 2 * DAY]),
            deliver_by=NOW - chance.randrange(-2, 10) * DAY,
        )
    for day in range(3):
        episodes.sweep(now=NOW + day * DAY)
        shipment = chance.choice(Shipment.objects.all())
        shop.scan(shipment, chance.choice(["delivered", "exception", "in_transit"]), NOW + day * DAY)


def _move(chance: random.Random) -> None:
    """Some messages, moved as the state machine lets them, with a reason as it is stored or any other."""
    reasons = [gates.QUIET, gates.RULE_OFF, "delivered", "bounced", "taken back by otto", "?", settling.GIVEN_UP]
    for pk, state in chance.sample(list(Message.objects.values_list("pk", "state")), 3):
        events = [event for event in states.Event if states.NEXT[MessageState(state), event] != state]
        onwards = [event for event in (states.Event.CLAIM, states.Event.INTEND, states.Event.LOSE) if event in events]
        if events:
            states.move(
                Message.objects.filter(pk=pk),
                chance.choice(onwards if onwards and chance.random() < 0.6 else events),
                state_reason=chance.choice(reasons),
                not_before=NOW + chance.randrange(-2, 3) * DAY,
                attempts=chance.randrange(2),
            )


@pytest.mark.parametrize("seed", range(3))
def test_in_any_world_each_person_episode_and_rule_is_in_one_row_and_the_totals_add_up(seed: int) -> None:
    chance = random.Random(seed)
    _world(chance)
    planned = [*Message.objects.values_list("episode", "rule"), *Skip.objects.values_list("episode", "rule")]
    eligible = Counter(planned)
    assert set(eligible.values()) == {1}
    assert {episode for episode, _rule in eligible} == set(Episode.objects.values_list("pk", flat=True))
    for _ in range(2):
        for _ in range(20):
            _move(chance)
        listed = rows(size=chance.choice([11, 1000]))
        assert Counter((row.thing.episode_id, row.thing.rule_id) for row in listed) == eligible
        assert [row.order for row in listed] == sorted((row.order for row in listed), reverse=True)
        totals = ledger.totals(Asked(), now=NOW, with_people=False, all_of_them=chance.random() < 0.5)
        assert totals.eligible == len(eligible) == sum(totals.outcomes.values())
        assert totals.outcomes == {one: Counter(row.outcome for row in listed)[one] for one in Outcome}
        for outcome in Outcome:
            of_it = [row.place for row in rows(outcome=outcome)]
            assert of_it == [row.place for row in listed if row.outcome == outcome]
        holding.pause(chance.choice(["all", "lane:urgent", "rule:late"]), reason="?", by=None, at=NOW)
    for outcome in {row.outcome for row in listed}:
        codes = [one.code for one in ledger_outcomes.reasons() if one.outcome == outcome]
        found = {code: len(rows(outcome=outcome, reason=code)) for code in codes}
        counted = ledger.totals(Asked(), now=NOW, with_people=False).reasons
        assert not codes or sum(found.values()) == totals.outcomes[outcome]
        assert found == {code: counted.get((outcome, code), 0) for code in codes}


def test_totals_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="does not add up"):
        ledger.Totals(3, dict.fromkeys(Outcome, 0) | {Outcome.DELIVERED: 2})


def test_every_state_has_an_outcome() -> None:
    for state in MessageState:
        assert state in ledger_outcomes.STATES[ledger_outcomes.of_state(state, is_quiet=False)]


def test_more_than_is_counted_is_said_and_the_newest_are_counted(monkeypatch) -> None:
    monkeypatch.setattr(ledger, "COUNTED", 3)
    planned("FH-1")
    shop.parcel("FH-2", name="bo", email="")
    with clock.frozen(NOW + timedelta(hours=1)):
        planned("FH-3")
        planned("FH-4")
    totals = ledger.totals(Asked(), now=NOW, with_people=False)
    assert (totals.eligible, totals.is_cut) == (3, True)
    assert totals.outcomes[Outcome.WAITING] + totals.outcomes[Outcome.SKIPPED] == 3
    everything = ledger.totals(Asked(), now=NOW, with_people=False, all_of_them=True)
    assert (everything.eligible, everything.is_cut) == (4, False)
