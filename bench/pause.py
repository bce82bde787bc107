"""Holding and letting go a campaign of a million while three workers send it: fault 23 at its full size.

    python -m bench.pause [--quick] [--check]

Prints one JSON line a figure. pause_s: the longest that a pause took; resume_s: the longest until the first mail
after a resume; intents_after_pause: hand-overs that began once a pause had returned; repeated: messages that
the provider got twice; skipped: messages that are neither sent nor waiting, or that one side alone calls sent.
--check: exit code 1 where one of these three counts is not 0. --quick: 30,000 in 3 rounds; a hint, no measurement.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from bench import _delivery_world as delivery
from bench._report import report
from bench._search_figures import say
from bench._search_world import World
from tests.fakes import sendgrid
from tests.waiting import until

HELD = 3.0  # seconds of each round; a worker that would begin something has long done so


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    backlog, rounds = (30_000, 3) if given.quick else (1_000_000, 10)
    counts: Counter[str] = Counter()
    with World([]) as world, delivery.provider(world.folder) as provider:
        delivery.begin(world, provider)
        began = time.monotonic()
        delivery.fill(backlog, lane="campaign")
        say(f"pause: {backlog:,} campaign messages placed in {time.monotonic() - began:.0f} s")
        pauses, resumes = [], []
        with delivery.workers():
            for _ in range(rounds):
                seen = provider.state()["accepted"]
                began = time.monotonic()
                until(lambda: provider.state()["accepted"] > seen, "mails go out", seconds=180)  # noqa: B023 - at once
                resumes.append(time.monotonic() - began)
                until(lambda: provider.state()["accepted"] > seen + 500, "more do", seconds=180)  # noqa: B023
                took, begun = _hold()
                pauses.append(took)
                counts["intents_after_pause"] += begun
        counts += _compare(provider, backlog)
    report("pause_s", max(pauses), "s")
    report("resume_s", max(resumes[1:]), "s")
    for name in ("intents_after_pause", "repeated", "skipped"):
        report(name, counts[name], "messages")
    return 1 if given.check and counts.total() else 0


def _hold() -> tuple[float, int]:
    """A pause and its end: how long the pause took, and how many hand-overs began under it."""
    from core import clock
    from notifications import holding
    from notifications.models import SendAttempt

    began = time.monotonic()
    holding.pause("all", reason="bench", by=None, at=clock.now())
    took = time.monotonic() - began
    before = SendAttempt.objects.count()
    time.sleep(HELD)
    begun = SendAttempt.objects.count() - before
    say(f"pause: held after {took:.3f} s; {before:,} were handed over, {begun} since")
    holding.resume("all", by=None)
    return took, begun


def _compare(provider: sendgrid.Handle, backlog: int) -> Counter[str]:
    """After the workers have ended, and what they had in hand is written down."""
    from notifications.models import Message

    mails = Counter(line["custom_args"]["preempt_message_id"] for line in provider.log())
    sent = {str(pk) for pk in Message.objects.filter(state="accepted").values_list("pk", flat=True)}
    # A worker that is stopped amid a request leaves it in hand: `sending` until its lease has run out.
    in_hand = {str(pk) for pk in Message.objects.filter(state="sending").values_list("pk", flat=True)}
    waiting = Message.objects.filter(state__in=["ready", "claimed"]).count()
    return Counter(
        repeated=sum(times > 1 for times in mails.values()),
        skipped=abs(backlog - len(sent) - len(in_hand) - waiting) + len((sent ^ set(mails)) - in_hand),
    )


if __name__ == "__main__":
    sys.exit(main())
