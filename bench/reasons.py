"""How well the rules of contacts/phrases.py code messages: share coded, and share right of the coded.

Truth is demo/contacts.yaml: messages of invented customers, each with the code a careful person gave it. They and the
phrases have one author, so the figures say how the rule works, not how it would do on another shop's messages.

    python bench/reasons.py [--quick]

Needs no database. --quick leaves out the thresholds that the product does not use.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench._report import report  # noqa: E402
from contacts.phrases import THRESHOLD, Reason, Rules  # noqa: E402

OTHERS = (0.0, 0.3, 0.4, 0.6, 0.7, 0.8)


def reasons_of(items: list[dict], path: tuple[str, ...] = ()) -> list[Reason]:
    found = []
    for item in items:
        here = (*path, item["key"])
        found.append(Reason(0, item["key"], "", here, tuple(item.get("patterns") or ())))
        found += reasons_of(item.get("children") or [], here)
    return [Reason(number, one.code, one.name, one.path, one.phrases) for number, one in enumerate(found, start=1)]


def measure(rules: Rules, topics: dict[str, str], letters: list[dict], threshold: float) -> dict[str, float]:
    """Counts over the letters: all, coded, of those with the right code and with the right topic."""
    verdicts = [
        (one["reason"], rules.decide(f"{one['subject']}\n{one['body']}", threshold=threshold)) for one in letters
    ]
    coded = [(truth, verdict.reason) for truth, verdict in verdicts if verdict.reason is not None]
    return {
        "messages": len(letters),
        "coded": len(coded),
        "right": sum(truth == reason.code for truth, reason in coded),
        "right_topic": sum(topics[truth] == reason.topic for truth, reason in coded),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    reasons = reasons_of(yaml.safe_load((ROOT / "demo" / "reasons.yaml").read_text(encoding="utf-8")))
    letters = yaml.safe_load((ROOT / "demo" / "contacts.yaml").read_text(encoding="utf-8"))
    rules = Rules(reasons)
    topics = {reason.code: reason.topic for reason in reasons}

    def say(name: str, chosen: list[dict], threshold: float) -> None:
        got = measure(rules, topics, chosen, threshold)
        report(f"{name}.messages", got["messages"], "messages")
        report(f"{name}.coded", got["coded"] / got["messages"], "share of messages")
        report(f"{name}.right", got["right"] / got["coded"], "share of coded")
        report(f"{name}.right_topic", got["right_topic"] / got["coded"], "share of coded")

    say("reasons", letters, THRESHOLD)
    for locale in sorted({one["locale"] for one in letters}):
        say(f"reasons.{locale}", [one for one in letters if one["locale"] == locale], THRESHOLD)
    for threshold in () if quick else OTHERS:
        say(f"reasons.threshold_{threshold}", letters, threshold)
    started = time.perf_counter()
    for one in letters:
        rules.decide(one["body"], threshold=THRESHOLD)
    report("reasons.read", (time.perf_counter() - started) / len(letters) * 1e6, "µs per message")


if __name__ == "__main__":
    main()
