"""The ledger held against the provider's own count: what bench/soak.py has to say in the end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

Mail = tuple[str, int]  # message, attempt

SENT = ("accepted", "delivered", "bounced", "dropped")
OPEN = ("ready", "claimed", "sending", "unknown")


@dataclass
class Ledger:
    """What our database says."""

    states: dict[str, str]  # message -> state
    addresses: dict[str, str]
    attempts: dict[Mail, str]  # -> outcome


@dataclass
class Verdict:
    """`sentences`: what does not agree, for people; a few of each."""

    lost: int = 0
    doubled: int = 0  # mails too many that the ledger does not own up to
    duplicate_detected: int = 0  # those that it does
    mismatches: int = 0  # mails that one side knows and the other does not, and states that do not follow
    sentences: list[str] = field(default_factory=list)

    def say(self, sentence: str) -> None:
        if len(self.sentences) < 20:
            self.sentences.append(sentence)


def read_log(path: Path) -> Counter[Mail]:
    """What the provider took: each mail by its message and attempt, and how often."""
    taken: Counter[Mail] = Counter()
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            named = json.loads(line)["custom_args"]
            taken[named["preempt_message_id"], int(named["preempt_attempt"])] += 1
    return taken


def read_ledger() -> Ledger:
    from notifications.models import Message, SendAttempt

    rows = Message.objects.values_list("pk", "state", "customer__email")
    states, addresses = {}, {}
    for pk, state, address in rows.iterator(chunk_size=10_000):
        states[str(pk)], addresses[str(pk)] = state, address
    attempts = SendAttempt.objects.values_list("message_id", "n", "outcome").order_by("pk")
    return Ledger(states, addresses, {(str(pk), n): outcome for pk, n, outcome in attempts.iterator(chunk_size=10_000)})


def judge(ledger: Ledger, taken: Counter[Mail], *, planned: int) -> Verdict:
    """Every message's state against what the provider really took."""
    verdict = Verdict(lost=planned - len(ledger.states))
    if verdict.lost:
        verdict.say(f"{planned} messages were planned, {len(ledger.states)} are there")
    owned = {mail for mail, outcome in ledger.attempts.items() if outcome in ("accepted", "duplicate")}
    for mail in owned ^ set(taken):
        verdict.mismatches += 1
        verdict.say(
            f"{mail}: {'we' if mail in owned else 'the provider'} alone knows of it; {ledger.attempts.get(mail)}"
        )
    detected = Counter(message for (message, _), outcome in ledger.attempts.items() if outcome == "duplicate")
    verdict.duplicate_detected = detected.total()
    mails: Counter[str] = Counter()
    for (message, _), times in taken.items():
        mails[message] += times
    for message, state in ledger.states.items():
        _judge_one(verdict, message, state, ledger.addresses[message], mails[message], detected[message])
    for message in mails.keys() - ledger.states.keys():
        verdict.mismatches += 1
        verdict.say(f"{message} is with the provider and not in the ledger")
    return verdict


def _judge_one(verdict: Verdict, message: str, state: str, address: str, mails: int, detected: int) -> None:
    is_refused = address.startswith("refused")
    if state in OPEN or (not mails and not is_refused):
        verdict.lost += 1
        verdict.say(f"{message} is {state}, the provider has it {mails} times")
    if (state in SENT) != bool(mails) or (state == "failed") != is_refused:
        verdict.mismatches += 1
        verdict.say(f"{message} to {address} is {state}, the provider has it {mails} times")
    if (surplus := max(0, mails - 1)) != detected:
        verdict.doubled += max(0, surplus - detected)
        verdict.mismatches += 1
        verdict.say(f"{message} went out {mails} times, {detected} of them known as duplicates")
