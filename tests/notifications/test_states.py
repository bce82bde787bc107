"""The life of a message, every pair of state and event."""

from __future__ import annotations

import itertools

import pytest

from core import clock
from notifications import episodes, states
from notifications.models import Message, MessageState
from notifications.states import NEXT, Event
from tests.notifications import shop

PROVIDERS_WORD = (Event.TAKEN, Event.DELIVERED, Event.DROPPED, Event.BOUNCED)
RANK = {"accepted": 1, "delivered": 2, "dropped": 3, "bounced": 4}
# What our own work may do; the provider's word is tested by its rule below. Everything else changes nothing.
OURS = {
    ("ready", "claim"): "claimed",
    ("claimed", "give_back"): "ready",
    ("claimed", "postpone"): "ready",
    ("claimed", "intend"): "sending",
    ("claimed", "fail"): "failed",
    ("ready", "suppress"): "suppressed",
    ("claimed", "suppress"): "suppressed",
    ("ready", "outdate"): "stale",
    ("claimed", "outdate"): "stale",
    ("claimed", "cap"): "capped",
    ("ready", "cancel"): "cancelled",
    ("claimed", "cancel"): "cancelled",
    ("sending", "not_sent"): "ready",
    ("unknown", "not_sent"): "ready",
    ("sending", "reject"): "failed",
    ("unknown", "reject"): "failed",
    ("sending", "lose"): "unknown",
    ("unknown", "resend"): "ready",
    ("unknown", "give_up"): "failed",
}
PAIRS = list(itertools.product(MessageState, Event))


def test_the_table_is_complete() -> None:
    assert set(NEXT) == set(PAIRS)


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_each_pair_goes_where_it_should(state: MessageState, event: Event) -> None:
    after = NEXT[state, event]
    if state == MessageState.HELD_OUT:
        assert after == state, "a held-out person's message never moves"
    elif event in PROVIDERS_WORD:
        told = {"taken": "accepted"}.get(event, event)
        assert after == max(state, told, key=lambda one: RANK.get(one, 0)), "by rank only"
    else:
        assert after == OURS.get((state, event), state)


def test_nothing_that_may_be_with_the_provider_becomes_ready_without_its_word_or_proof() -> None:
    back = {(state, event) for (state, event), after in NEXT.items() if after == "ready" and state != "ready"}
    assert back == {
        ("claimed", "give_back"),
        ("claimed", "postpone"),
        ("sending", "not_sent"),
        ("unknown", "not_sent"),
        ("unknown", "resend"),
    }


@pytest.mark.django_db
def test_a_move_is_one_conditional_update(django_assert_num_queries) -> None:
    shop.hold_out_nobody()
    shop.parcel()
    with clock.frozen(shop.NOW):
        episodes.sweep(now=shop.NOW)
    message = Message.objects.all()
    with django_assert_num_queries(1):
        assert states.move(message, Event.CLAIM) == 1
    assert states.move(message, Event.CLAIM) == 0, "the second of two claims gets nothing"
    assert message.get().state == "claimed"
