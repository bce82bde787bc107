"""What is decided for many messages at once is what would be decided for each alone; one that breaks harms no other."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.template import Context
from django.utils import translation

from core import clock
from notifications import (
    attempts,
    caps,
    dispatch,
    holding,
    intending,
    mail_fixed,
    mail_templates,
    mail_versions,
    providers,
    sending,
    suppression,
)
from notifications.attempts import Taken
from notifications.intents import Claim, Intent, Outcome
from notifications.models import Message, PersonDay, Rule, SendAttempt, SuppressionReason
from notifications.states import Event
from tests.notifications import shop
from tests.notifications.mailing import ready
from tests.notifications.shop import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon(settings: Any) -> Iterator[None]:
    settings.MAIL_PROVIDER = "console"
    with clock.frozen(NOW):
        yield


def test_caps_taken_together_are_those_taken_one_by_one() -> None:
    chance = random.Random(11)
    for round_number in range(25):
        most = chance.randint(0, 4)
        wanted = [(chance.choice("abc"), NOW.date() + timedelta(chance.randint(0, 1))) for _ in range(12)]
        before = [(person, day) for person, day in wanted if chance.random() < 0.2]

        def named(prefix: str, pairs: list[tuple[str, date]], number: int = round_number) -> list[tuple[str, date]]:
            return [(f"{prefix}{number}{person}", day) for person, day in pairs]

        for way in "xy":
            for one in named(way, before):
                caps.take(*one, most=most)
        together = caps.take_all(named("x", wanted), most=most)
        assert together == [caps.take(person, day, most=most) for person, day in named("y", wanted)]
        assert counts(f"x{round_number}") == counts(f"y{round_number}")


def counts(prefix: str) -> list[tuple[str, date, int]]:
    rows = PersonDay.objects.filter(person__startswith=prefix).order_by("person", "day")
    return [
        (person.removeprefix(prefix), day, count) for person, day, count in rows.values_list("person", "day", "count")
    ]


def claims() -> list[Claim]:
    return sending.claim("normal", limit=100, provider=providers.provider_for_settings())


def what_is_stored() -> dict[str, list[Any]]:
    fields = (
        "pk",
        "state",
        "state_reason",
        "attempts",
        "counted_on",
        "mail_version",
        "asserted",
        "provider",
        "not_before",
    )
    return {
        "messages": list(Message.objects.order_by("pk").values_list(*fields)),
        "attempts": list(
            SendAttempt.objects.order_by("message", "n").values_list("message", "n", "outcome", "provider")
        ),
        "days": list(PersonDay.objects.order_by("person", "day").values_list("person", "day", "count")),
    }


def said(decision: Intent | Outcome) -> Any:
    if isinstance(decision, Outcome):
        return decision
    mail = decision.mail
    words = [re.sub(r"https?://[^\s\"<]+", "", part) for part in (mail.text, mail.html)]
    return decision.attempt, decision.tries, mail.to_address, mail.subject, *words


def make_trouble(messages: list[Message], chance: random.Random) -> None:
    """Something else about each: or nothing, which is what most have."""
    for message in messages:
        rows = Message.objects.filter(pk=message.pk)
        match chance.choice(["none", "none", "delivered", "stop", "late", "no mail", "tried", "held", "off", "taken"]):
            case "delivered":
                shop.scan(message.episode.shipment, "delivered", NOW)
            case "stop":
                reason = SuppressionReason.UNSUBSCRIBED
                suppression.Suppression.objects.create(
                    person=message.person,
                    scope=chance.choice(["all", "promise_passed", "other"]),
                    reason=reason,
                    at=NOW,
                )
            case "late":
                rows.update(expires_at=NOW - timedelta(hours=1))
            case "no mail":
                rows.update(rule=Rule.objects.get(key="broken"))
            case "held":
                rows.update(rule=Rule.objects.get(key="paused"))
            case "off":
                rows.update(rule=Rule.objects.get(key="off"))
            case "tried":
                attempts.begin([(message.pk, 1)], provider="console")
                attempts.close(message.pk, 1, "not_sent")
            case "taken":
                rows.update(lease_epoch=99)


@pytest.mark.parametrize("seed", range(4))
def test_intents_of_many_are_those_of_each_alone(settings: Any, seed: int) -> None:
    chance = random.Random(seed)
    settings.MESSAGES_PER_DAY = 2
    ready(7)
    messages = ready(4, first=2001, name="Ada")
    mail_versions.in_use("delay_promise_passed", "en")  # or both ways would take it in, under different numbers
    for key, changes in {"broken": {"template": "no_such_mail"}, "paused": {}, "off": {"is_active": False}}.items():
        words = {"template": "delay_promise_passed", "name": key, "kind": "promise_passed", "holdout_share": 0}
        Rule.objects.create(key=key, **{**words, **changes})
    taken = claims()
    make_trouble(messages, chance)
    holding.pause("rule:paused", reason="wording", by=None, at=NOW)
    provider = providers.provider_for_settings()
    outcomes = []
    for together in (True, False):
        with transaction.atomic():
            if together:
                decided = intending.intend_all(taken, provider=provider)
            else:
                decided = {one.message_id: intending.intend(one, provider=provider) for one in taken}
            outcomes.append(({pk: said(one) for pk, one in decided.items()}, what_is_stored()))
            transaction.set_rollback(True)
    assert outcomes[0] == outcomes[1]
    assert any(not isinstance(one, Outcome) for one in outcomes[0][0].values())


def test_intents_take_as_many_queries_for_twenty_as_for_ten() -> None:
    numbers = []
    for first in (1001, 2001):
        ready(10 if first == 1001 else 20, first=first)
        taken = claims()
        with transaction.atomic(), CountQueries() as count:
            intending.intend_all(taken, provider=providers.provider_for_settings())
        numbers.append(count.number)
    assert numbers[0] >= numbers[1] > 0, "the second time texts are known already"


class CountQueries:
    number = 0

    def __enter__(self) -> CountQueries:
        self._wrapper = connection.execute_wrapper(self._count)
        self._wrapper.__enter__()
        return self

    def _count(self, execute: Any, *what: Any) -> Any:
        self.number += 1
        return execute(*what)

    def __exit__(self, *error: Any) -> None:
        self._wrapper.__exit__(*error)


def test_a_row_that_the_database_refuses_takes_no_other_with_it() -> None:
    poisoned, *_ = ready(5)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse_one() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;"
            "CREATE TRIGGER refuse_one BEFORE INSERT ON notifications_sendattempt"
            f" FOR EACH ROW WHEN (NEW.message_id = '{poisoned.pk}') EXECUTE FUNCTION refuse_one()"
        )
    decided = intending.intend_all(claims(), provider=providers.provider_for_settings())
    assert [pk for pk, one in decided.items() if one == Outcome.FAILED] == [poisoned.pk]
    assert sum(isinstance(one, Intent) for one in decided.values()) == 4
    assert Message.objects.filter(state="sending").count() == SendAttempt.objects.count() == 4
    assert Message.objects.get(pk=poisoned.pk).state == "claimed"
    assert not SendAttempt.objects.filter(message=poisoned).exists()


def test_answers_written_together_leave_what_the_provider_said_before() -> None:
    first, second, third = ready(3)
    for one in claims():
        intending.intend(one, provider=providers.provider_for_settings())
    attempts.accept(Taken(second.pk, 1, "told", Event.BOUNCED), at=NOW)  # its report was faster
    taken = [Taken(one.pk, 1, f"id-{place}") for place, one in enumerate((first, second, third))]
    attempts.accept_all(taken, at=NOW)
    rows = Message.objects.order_by("pk").values_list("state", "provider_msg_id")
    assert list(rows) == [("accepted", "id-0"), ("bounced", "told"), ("accepted", "id-2")]
    stored = SendAttempt.objects.order_by("message").values_list("outcome", "provider_msg_id")
    assert list(stored) == [("accepted", "id-0"), ("accepted", "told"), ("accepted", "id-2")]


def test_a_wave_grows_while_all_goes_well_and_begins_anew_after_trouble() -> None:
    wave = dispatch.Wave(most=5)
    sizes = []
    for outcomes in ([Outcome.ACCEPTED], [Outcome.STALE], [], [], [Outcome.ACCEPTED, Outcome.LOST], []):
        sizes.append(wave.size)
        wave.learn(outcomes)
    assert sizes == [1, 2, 4, 5, 5, 1]


def test_while_a_rule_is_held_the_others_are_claimed_oldest_first_and_what_is_held_is_not_read() -> None:
    messages = ready(6)
    paused = Rule.objects.create(key="paused", name="P", kind="promise_passed", template="x", holdout_share=0)
    other = Rule.objects.create(key="other", name="O", kind="promise_passed", template="x", holdout_share=0)
    Message.objects.filter(pk__in=[one.pk for one in messages[:2]]).update(rule=paused)
    Message.objects.filter(pk=messages[3].pk).update(rule=other, not_before=NOW - timedelta(hours=2))
    holding.pause("rule:paused", reason="wording", by=None, at=NOW)
    provider = providers.provider_for_settings()
    first, _ = sending.claim("normal", limit=2, provider=provider)
    assert first.message_id == messages[3].pk
    rest = {one.message_id for one in sending.claim("normal", limit=9, provider=provider)}
    assert len(rest) == 2
    assert set(Message.objects.filter(state="ready").values_list("pk", flat=True)) == {one.pk for one in messages[:2]}


def test_a_text_filled_in_two_steps_says_what_it_says_in_one() -> None:
    names = [path.name for path in mail_templates.FOLDER.iterdir() if not path.name.startswith("_")]
    for name in sorted(names):
        for locale in ("en", "ar"):
            version = mail_versions.in_use(name, locale)
            parts = mail_versions.parts(version)
            for facts in ({"days_late": 2, "handed_over": True}, {"days_late": 0, "handed_over": False}):
                with translation.override(version.locale):
                    known = {"shop_name": "A & <B>", "today": NOW.date(), "promised_by": NOW.date(), **facts}
                    known |= {"accent": "#123456", "logo_url": "", "direction": "rtl", "start": "right"}
                    every = {**mail_templates.OPTIONAL, **known, "order_number": "<1>", "items": ["a", "b"]}
                    for part, is_html in ((parts.text, False), (parts.html, True)):
                        filled = mail_fixed.filled(part, tuple(known.items()), is_html=is_html)
                        context = {**every, "facts": {}}
                        once = part.render(Context(context, autoescape=is_html))
                        assert filled.render(Context(context, autoescape=is_html)) == once
