"""Many messages through the real workers while everything breaks: is any lost, does any go out twice?

Celery's worker and beat, `manage.py dispatch`, the web server and PostgreSQL run as production starts them, beside a
SendGrid on loopback which keeps its own count in a file. Workers are killed with -9 and stopped, the database is shut
down in the middle of everything, the broker forgets its queue; the provider hangs, resets, answers 429 and 500, with
the mail taken or not, and its reports come late, doubled, out of order or not at all. Then there is peace, and every
message's state is held against what the provider really took.

    python -m bench.soak [--quick] [--messages 200000] [--minutes 10] [--broker rabbitmq] [--seed N] [--check] [--keep]

--broker rabbitmq: Celery's tasks go through quorum queues of a RabbitMQ of its own (Debian's package), which is killed
and started again, in place of the queue in PostgreSQL, which is emptied.
--minutes: how long the faults go on, in which all messages come due; settling takes some minutes more. --check: exit
code 1 where one was lost or doubled or the ledger differs from the provider's count. The leases are seconds instead of
a minute and an unknown one is looked into after a minute or two, not thirty, by SEND_LEASE_SECONDS and
UNKNOWN_AFTER_SECONDS; no code is changed. Where too few were handed over beside an unknown one to speak against it, the
rule's policy (here never_lost) decides after settling.DEADLINE: the attempts' times are then moved back by it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import socket
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench import _soak_ledger, _soak_storm, _soak_world
from bench._report import report
from bench._soak_broker import Rabbit

REPOSITORY = Path(__file__).resolve().parent.parent


def main() -> int:
    given = _arguments()
    size = _size(given)
    home = REPOSITORY / ".data" / "soak"
    from config import embedded

    embedded.stop(home)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    rabbit = Rabbit(home / "rabbitmq") if given.broker == "rabbitmq" else None
    try:
        return _run(given, size, home, rabbit)
    finally:
        if rabbit is not None:
            rabbit.stop()


def _run(given: argparse.Namespace, size: _soak_world.Size, home: Path, rabbit: Rabbit | None) -> int:
    from config import embedded, supervisor

    listeners = supervisor.listen(8800)
    with socket.create_server(("127.0.0.1", 0)) as free:
        fake_port = free.getsockname()[1]
    port = listeners[0].getsockname()[1]
    if rabbit is not None:
        rabbit.start()
    url = rabbit.url if rabbit else ""
    _soak_world.set_environment(home, size, port=port, fake_port=fake_port, broker_url=url)
    embedded.ensure(home)

    import django

    django.setup()
    from django.core.management import call_command

    say = _Said()
    say(f"seed {given.seed}")
    call_command("migrate", verbosity=0)
    _soak_world.plant(size.messages, seconds=0.8 * size.seconds)
    say(f"{size.messages:,} messages come due")
    with supervisor.Supervisor(logs=home / "logs", say=say) as parts:
        soak = _Soak(given, size, parts, home, say, rabbit)
        soak.start_parts(listeners, fake_port=fake_port)
        soak.storm_on()
        soak.settle()
        verdict = soak.report()
    for sentence in verdict.sentences:
        print(f"soak: {sentence}", file=sys.stderr)
    is_broken = bool(verdict.lost or verdict.doubled or verdict.mismatches)
    if not given.keep and not is_broken:
        embedded.stop(home)
        shutil.rmtree(home, ignore_errors=True)
    return 1 if given.check and is_broken else 0


class _Said:
    """Says what happens, on stderr: stdout is for figures."""

    def __init__(self) -> None:
        self.began = time.monotonic()

    def __call__(self, line: str) -> None:
        print(f"{time.monotonic() - self.began:6.1f} s  {line.splitlines()[0]}", file=sys.stderr, flush=True)


class _Soak:
    """The steps, with what they share."""

    def __init__(
        self,
        given: argparse.Namespace,
        size: _soak_world.Size,
        parts: Any,
        home: Path,
        say: _Said,
        rabbit: Rabbit | None,
    ) -> None:
        from tests.fakes import sendgrid

        self.size, self.home, self.say = size, home, say
        self.log = home / "provider.jsonl"
        self.fake = sendgrid.Handle(url=os.environ["SENDGRID_URL"], log=self.log)
        self.rng = random.Random(given.seed)
        self.seed = given.seed
        self.pace = 4.0 if given.quick else 1.0
        self.seen_unknown: set[_soak_ledger.Mail] = set()
        own = random.Random(self.rng.random())
        self.storm = _soak_storm.Storm(own, parts, self.fake, home=home, size=size, rabbit=rabbit)
        self.broker = given.broker
        self.unknown = self.by_deadline = 0
        self._next_word, self.words_every = 0.0, 2.0 if given.quick else 5.0

    def start_parts(self, listeners: list[socket.socket], *, fake_port: int) -> None:
        from config import supervisor

        port = listeners[0].getsockname()[1]
        log = ("--log", str(self.log), "--key-file", str(self.home / "events.pem"))
        events_to = ("--events-to", f"http://127.0.0.1:{port}/webhooks/sendgrid")
        fake = (sys.executable, "-m", "tests.fakes.sendgrid", "--port", str(fake_port), *log, *events_to)
        dispatch = (sys.executable, "manage.py", "dispatch")
        self.storm.start(supervisor.Part("sendgrid", fake))
        self.storm.start(supervisor.web(listeners))
        refused, outcomes = _soak_world.addresses(self.size.messages)
        self._when_it_answers(refuse_addresses=refused, outcomes=outcomes)
        for part in (supervisor.worker(), supervisor.beat(), supervisor.Part("dispatch", dispatch)):
            self.storm.start(part)

    def _when_it_answers(self, **order: Any) -> None:
        ends = time.monotonic() + 60
        while True:
            try:
                return self.fake.order(**order)
            except OSError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.1)

    def storm_on(self) -> None:
        """From the first mail on: what has not started cannot be killed."""
        ends = time.monotonic() + 120
        while not self.fake.state()["accepted"] and time.monotonic() < ends:
            self._look()
            time.sleep(0.1)
        began = time.monotonic()
        blows = _soak_storm.blows(self.rng, seconds=self.size.seconds, broker=self.broker, pace=self.pace)
        self.say(f"{len(blows)} blows in {self.size.seconds:.0f} s")
        while (now := time.monotonic() - began) < self.size.seconds:
            while blows and blows[0].at <= now:
                self.storm.deal(blows.pop(0))
            self._look()
            time.sleep(0.05)
        self.storm.end()

    def settle(self) -> None:
        """Until nothing is under way any more, here and at the provider."""
        self.say("peace")
        self._next_word = 0.0
        ends = time.monotonic() + self.size.peace
        # By then an unknown one has been looked into; one that had too few neighbours waits for the deadline.
        a_day_later = time.monotonic() + self.size.lease + self.size.unknown_after + 60
        while time.monotonic() < ends:
            left = self._look()
            is_quiet = self.fake.state()["events"]["pending"] == 0 and not _soak_world.patiently(_unread)
            if left == 0 and is_quiet:
                return self.say("nothing is under way")
            if left and left == self.unknown and is_quiet and time.monotonic() > a_day_later:
                self.by_deadline += _soak_world.patiently(_let_a_day_pass)
            time.sleep(0.2)
        self.say("it did not come to an end")

    def _look(self) -> int | None:
        """One round: tend the processes; now and then ask what is under way. None where nobody was asked."""
        self.storm.tend()
        if time.monotonic() < self._next_word:
            return None
        self._next_word = time.monotonic() + self.words_every
        states, unknown = _soak_world.patiently(_states)
        self.seen_unknown |= unknown
        left, self.unknown = sum(states[state] for state in _soak_ledger.OPEN), states["unknown"]
        counted = ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
        self.say(f"{counted}; blows {self.storm.dealt.total()}")
        return left

    def report(self) -> _soak_ledger.Verdict:
        taken = _soak_ledger.read_log(self.log)
        ledger = _soak_ledger.read_ledger()
        verdict = _soak_ledger.judge(ledger, taken, planned=self.size.messages)
        events = self.fake.state()["events"]
        outcomes = Counter(ledger.attempts.values())
        report("soak_seed", self.seed, "")
        report("soak_minutes", (time.monotonic() - self.say.began) / 60, "min")
        report("messages", self.size.messages, "messages")
        report("provider_took", taken.total(), "mails")
        report("ledger_took", outcomes["accepted"] + outcomes["duplicate"], "mails")
        for kind, count in sorted(self.storm.dealt.items()):
            report(f"blows_{kind}", count, "times")
        report("events_posted", events["posted"], "events")
        report("events_doubled", events.get("doubled", 0), "events")
        report("events_never_sent", events.get("lost", 0), "events")
        report("attempts_not_sent", outcomes["not_sent"], "attempts")
        settled = Counter(ledger.attempts.get(mail, "none") for mail in self.seen_unknown)
        report("unknown_seen", len(self.seen_unknown), "attempts")
        report("unknown_settled_by_report", settled["accepted"] + settled["duplicate"], "attempts")
        report("unknown_settled_by_witnesses", outcomes["unknown"] - self.by_deadline, "attempts")
        report("unknown_settled_by_deadline", self.by_deadline, "attempts")
        report("duplicate_detected", verdict.duplicate_detected, "mails")
        report("ledger_mismatches", verdict.mismatches, "mails and messages")
        report("lost", verdict.lost, "messages")
        report("doubled", verdict.doubled, "mails")
        return verdict


def _states() -> tuple[Counter[str], set[_soak_ledger.Mail]]:
    from django.db.models import Count

    from notifications.models import Message, MessageState, SendAttempt

    states = Counter(dict(Message.objects.values_list("state").annotate(count=Count("pk")).order_by()))
    lost = SendAttempt.objects.filter(message__state=MessageState.UNKNOWN, outcome="unknown")
    return states, {(str(pk), n) for pk, n in lost.values_list("message_id", "n")}


def _let_a_day_pass() -> int:
    """For those of whom nothing can be told: their rule says what to do after settling.DEADLINE, which is sending."""
    from django.db.models import F
    from django.db.models.functions import Now

    from notifications import settling
    from notifications.models import MessageState, SendAttempt

    unknown = SendAttempt.objects.filter(message__state=MessageState.UNKNOWN, outcome="unknown")
    young = unknown.filter(started_at__gt=Now() - settling.DEADLINE)
    return young.update(started_at=F("started_at") - settling.DEADLINE)


def _unread() -> bool:
    from notifications.models import InboundDelivery

    return InboundDelivery.objects.exclude(state="done").exists()


def _size(given: argparse.Namespace) -> _soak_world.Size:
    if given.quick:
        return _soak_world.Size(
            messages=given.messages or 1500, seconds=8, peace=400, lease=10, unknown_after=12, latest_report=2.0
        )
    seconds = given.minutes * 60
    messages = given.messages or int(200_000 * min(1.0, given.minutes / 10))
    return _soak_world.Size(
        messages=messages,
        seconds=seconds,
        peace=max(600.0, 6 * seconds),
        lease=30,
        unknown_after=90,
        latest_report=15.0,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="1,500 messages in about a minute")
    parser.add_argument("--messages", type=int, help="200,000, and fewer where --minutes is less than 10")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--broker", choices=list(_soak_storm.BROKER_EVERY), default="pgmq")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the database, the logs and the provider's log there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
