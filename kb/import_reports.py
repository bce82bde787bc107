"""How an import is asked for, what came of each row, and what it all came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import User

from kb.models import ImportOutcome
from kb.porting import formats
from kb.porting.facts import ImportedArticle, Note, Problem


@dataclass(frozen=True)
class Asked:
    """How to import. `source` and `locale` are those of rows which name none.

    `as_drafts`: nothing is published, whatever the files say. `overwrites`: the file counts, also where an editor
    changed the article on the desk since the last import.
    """

    format: str = formats.AUTO
    source: str = ""
    locale: str = ""
    locale_map: Mapping[str, str] = field(default_factory=dict)
    as_drafts: bool = False
    overwrites: bool = False
    is_dry: bool = False
    by: User | None = None


@dataclass(frozen=True)
class Result:
    """What came of one row. `number` counts the rows of all files from 1."""

    number: int
    outcome: ImportOutcome
    item: ImportedArticle | Problem
    notes: tuple[Note, ...] = ()
    article_id: int | None = None

    @property
    def problem(self) -> Problem | None:
        """Why the row was not taken in."""
        if isinstance(self.item, Problem):
            return self.item
        if self.outcome in (ImportOutcome.REFUSED, ImportOutcome.CONFLICT):
            note = self.notes[0]
            return self.item.problem(note.field, note.what, note.to_do)
        return None


@dataclass
class Report:
    """What an import did. `problems` are refused rows, conflicts, and pictures that were refused; `broken_links`:
    (where, id) of links to articles that are not there; `notes`: (where, note) on rows that were taken in.
    """

    format: str = ""
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    conflict: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)
    notes: list[tuple[str, Note]] = field(default_factory=list)
    broken_links: list[tuple[str, str]] = field(default_factory=list)
    index_note: str = ""

    def add(self, result: Result) -> None:
        setattr(self, result.outcome, getattr(self, result.outcome) + 1)
        if (problem := result.problem) is not None:
            self.problems.append(problem)
        elif isinstance(result.item, ImportedArticle):
            for note in result.notes:
                if note.is_refusal:
                    self.problems.append(result.item.problem(note.field, note.what, note.to_do))
                else:
                    self.notes.append((result.item.where, note))

    def __str__(self) -> str:
        conflicts = f", {self.conflict} in conflict with the desk" if self.conflict else ""
        return f"{self.new} new, {self.changed} changed, {self.unchanged} unchanged, {self.refused} refused{conflicts}"


class Recorder:
    """Told of each batch, in its transaction. This one keeps nothing; kb/import_runs.py keeps rows."""

    done_before = 0  # rows that an earlier try of this import took in

    def begin(self, *, format: str, total: int) -> None:
        """Before the first row."""

    def batch(self, results: Sequence[Result], *, done: int) -> None:
        """These rows are through; `done` counts all that were looked at."""

    def alive(self) -> None:
        """Something that takes long went on; outside any transaction."""

    def was_written(self, number: int) -> bool:
        """Whether the row was new or changed in an earlier try."""
        return False

    def was_refused(self, number: int) -> bool:
        """Whether the row was refused in an earlier try."""
        return False

    def broken_links(self, links: Sequence[tuple[int, str]]) -> None:
        """(number of the row, id) of links that lead nowhere."""
