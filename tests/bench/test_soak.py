"""What bench/soak.py calls lost, doubled and a mismatch, by ledgers and provider's counts made by hand."""

from __future__ import annotations

import random
from collections import Counter

from bench import _soak_storm
from bench._soak_ledger import Ledger, Mail, Verdict, judge


def judged(states: dict[str, str], attempts: dict[Mail, str], *taken: Mail, planned: int | None = None) -> Verdict:
    addresses = {message: "refused7@example.com" if message == "r" else "person1@example.com" for message in states}
    return judge(Ledger(states, addresses, attempts), Counter(taken), planned=planned or len(states))


def numbers(verdict: Verdict) -> tuple[int, int, int, int]:
    return verdict.lost, verdict.doubled, verdict.duplicate_detected, verdict.mismatches


def test_a_ledger_that_agrees_is_without_fault() -> None:
    verdict = judged(
        {"a": "delivered", "b": "accepted", "r": "failed"},
        {("a", 1): "unknown", ("a", 2): "accepted", ("b", 1): "accepted", ("r", 1): "rejected"},
        ("a", 2),
        ("b", 1),
    )
    assert numbers(verdict) == (0, 0, 0, 0)


def test_what_is_not_settled_or_never_came_is_lost() -> None:
    verdict = judged({"a": "unknown", "b": "failed", "c": "ready"}, {("a", 1): "unknown"})
    assert verdict.lost == 3
    assert judged({"a": "accepted"}, {("a", 1): "accepted"}, ("a", 1), planned=2).lost == 1


def test_sent_by_the_ledger_alone_is_lost_and_by_the_provider_alone_a_mismatch() -> None:
    assert numbers(judged({"a": "accepted"}, {("a", 1): "accepted"})) == (1, 0, 0, 2)
    assert numbers(judged({"r": "failed"}, {("r", 1): "rejected"}, ("r", 1))) == (0, 0, 0, 2)


def test_two_mails_are_doubled_unless_the_ledger_owns_up_to_them() -> None:
    known = judged({"a": "delivered"}, {("a", 1): "duplicate", ("a", 2): "accepted"}, ("a", 1), ("a", 2))
    assert numbers(known) == (0, 0, 1, 0)
    hidden = judged({"a": "delivered"}, {("a", 1): "unknown", ("a", 2): "accepted"}, ("a", 1), ("a", 2))
    assert (hidden.doubled, hidden.duplicate_detected) == (1, 0)
    same_attempt = judged({"a": "delivered"}, {("a", 1): "accepted"}, ("a", 1), ("a", 1))
    assert same_attempt.doubled == 1


def test_a_seed_is_a_storm() -> None:
    first, again, other = (_soak_storm.blows(random.Random(seed), seconds=600, broker="pgmq") for seed in (1, 1, 2))
    assert first == again != other
    kinds = Counter(blow.kind for blow in first)
    assert kinds.keys() == {"restart_database", "wipe_broker", *_soak_storm.EVERY}
    on_rabbitmq = {blow.kind for blow in _soak_storm.blows(random.Random(1), seconds=600, broker="rabbitmq")}
    assert on_rabbitmq - kinds.keys() == {"restart_broker"}
    assert kinds["restart_database"] >= 7
