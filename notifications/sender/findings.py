"""What the sender check says: one finding a check, and a verdict in plain words over all of them. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

_SHOWN = 400  # characters of a record that somebody else wrote


class Level(StrEnum):
    FINE = "fine"
    NOTE = "note"  # works, and could be better; or we cannot see it from here
    PROBLEM = "problem"
    UNASKED = "unasked"  # DNS gave no answer, so nothing is known


@dataclass(frozen=True)
class Finding:
    """One check. `found`: what is. `wanted`: what should be. `record` at `name`: exactly what to publish."""

    key: str
    title: str
    level: Level
    found: str
    wanted: str = ""
    name: str = ""
    record: str = ""
    short: str = ""  # for the verdict, where it is a problem: "no DMARC record"


@dataclass(frozen=True)
class Report:
    """Everything found about one From address."""

    address: str
    providers: tuple[str, ...]
    findings: tuple[Finding, ...]

    def of(self, level: Level) -> list[Finding]:
        return [one for one in self.findings if one.level is level]

    @property
    def verdict(self) -> str:
        problems = self.of(Level.PROBLEM)
        if problems:
            refusing = [one for one in problems if one.key not in _OURS_ALONE]
            start = "Gmail and Yahoo may refuse this mail" if refusing else "Something is wrong"
            return f"{start}: {'; '.join(dict.fromkeys(one.short or one.title for one in problems))}."
        if unasked := self.of(Level.UNASKED):
            what = listed([one.title for one in unasked])
            return f"It cannot be said at present, since this could not be asked: {what}."
        return "Mailbox providers can check that this mail is yours."

    @property
    def level(self) -> Level:
        return next((level for level in (Level.PROBLEM, Level.UNASKED) if self.of(level)), Level.FINE)

    @property
    def exit_code(self) -> int:
        """0: fine; 1: problems; 2: DNS could not be asked about something, and all the rest is fine."""
        return {Level.PROBLEM: 1, Level.UNASKED: 2}.get(self.level, 0)

    def as_json(self) -> dict[str, Any]:
        return {"verdict": self.verdict, "level": self.level, **asdict(self)}


# A problem with these keeps nobody's mailbox from taking the mail.
_OURS_ALONE = {"mx"}


def report_of(saved: dict[str, Any]) -> Report:
    """A report as as_json() wrote it."""
    findings = tuple(Finding(**{**one, "level": Level(one["level"])}) for one in saved["findings"])
    return Report(saved["address"], tuple(saved["providers"]), findings)


def clean(text: str, *, most: int = _SHOWN) -> str:
    """Somebody's record for a page or a terminal: no control characters, and no longer than can be read."""
    shown = "".join("\ufffd" if unicodedata.category(letter).startswith("C") else letter for letter in text[:most])
    return shown if len(text) <= most else f"{shown}… ({len(text):,} characters)"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1]))) if words else ""
