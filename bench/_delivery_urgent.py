"""How long an urgent message waits behind a campaign of a million.

A part of bench/delivery.py, which reports urgent_p99_s: from the moment that the message was planned (its row's
created_at, which is before the commit) to the provider's receipt. Urgent ones come at random moments: a new order that
was not handed over in time, taken in and found by the real sweep. Meanwhile two workers drain the campaign at the
usual rate (MAIL_RATE_PER_SECOND's default).
"""

from __future__ import annotations

import random
import time
from datetime import timedelta

from bench import _delivery_world as delivery
from bench._search_figures import quantile, say
from bench._search_world import World


def measure(quick: bool) -> dict[str, float]:
    """The figure; `quick`: behind 30,000, of 60 instead of 400 urgent ones."""
    backlog, urgent = (30_000, 60) if quick else (1_000_000, 400)
    with World([]) as world, delivery.provider(world.folder) as provider:
        delivery.begin(world, provider)
        _rules()
        began = time.monotonic()
        delivery.fill(backlog, lane="campaign")
        say(f"delivery: {backlog:,} campaign messages placed in {time.monotonic() - began:.0f} s")
        with delivery.workers(MAIL_RATE_PER_SECOND="1000"):
            provider.wait_until(lambda seen: seen["accepted"] >= 500, seconds=180)
            first = provider.state()["accepted"]
            began = time.monotonic()
            _plan(urgent, each=0.1)
            waits = _waits(provider, urgent)
            rate = (provider.state()["accepted"] - first) / (time.monotonic() - began)
            say(f"delivery: {rate:.0f} mails a second beside them, {delivery.state_counts()['ready']:,} still wait")
    return {"urgent_p99_s": quantile(waits, 0.99), "urgent_p50_s": quantile(waits, 0.5)}


def _rules() -> None:
    from notifications.models import Rule

    Rule.objects.all().delete()
    Rule.objects.create(
        key="urgent", name="Urgent", kind="not_handed_over", template="delay_not_handed_over", lane="urgent",
        holdout_share=0,
    )  # fmt: skip


def _plan(count: int, *, each: float) -> None:
    from core import clock
    from notifications import episodes
    from notifications.intake import storing
    from notifications.intake.facts import CustomerFact, LineFact, Placed

    chance = random.Random(7)
    for number in range(count):
        time.sleep(chance.expovariate(1 / each))
        now = clock.now()
        placed = Placed(
            at=now - timedelta(days=4),
            order_id=f"U{number}",
            number=f"U{number}",
            customer=CustomerFact(f"u{number}", f"urgent{number}@example.com", "Bo"),
            lines=(LineFact("Kettle", 1),),
            promised_ship_by=now - timedelta(days=2),
            promised_deliver_by=now + timedelta(days=3),
            carrier="Parcel Post",
            tracking_no=f"U{number:09d}",
        )
        storing.store([placed], source="urgent", now=now)
        episodes.sweep(now=now)


def _waits(provider: delivery.sendgrid.Handle, count: int) -> list[float]:
    from notifications.models import Message

    ends = time.monotonic() + 60
    while Message.objects.filter(lane="urgent", sent_at=None).exists():
        if time.monotonic() > ends:
            raise SystemExit("delivery: urgent messages wait for a minute")
        time.sleep(0.1)
    made = {str(pk): at.timestamp() for pk, at in Message.objects.filter(lane="urgent").values_list("pk", "created_at")}
    if len(made) != count:
        raise SystemExit(f"delivery: {len(made)} urgent messages were planned, not {count}")
    taken = {line["custom_args"]["preempt_message_id"]: line["wall"] for line in provider.log()}
    return [taken[message_id] - at for message_id, at in made.items()]
