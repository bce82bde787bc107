"""Articles from files into the help centre, once or every night: only what changed in the files is written.

An article is known again by (source, id, locale). One transaction an article: what is refused blocks no other, and
nothing is half-written.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q

from kb import article_files, categories, publishing, rendering
from kb.article_files import Problem, Row
from kb.models import Article, Category, Revision
from kb.publishing import Text
from kb.search import indexing

_COMMENT = "imported"  # marks the revisions that came from a file


@dataclass
class Report:
    """What an import did. `broken_links`: (where, id) of links to articles that are not there."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)
    broken_links: list[tuple[str, str]] = field(default_factory=list)
    index_note: str = ""

    def __str__(self) -> str:
        return f"{self.new} new, {self.changed} changed, {self.unchanged} unchanged, {len(self.problems)} refused"


def run(
    path: Path,
    *,
    source: str = "import",
    locale: str | None = None,
    categories_file: Path | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Import the articles at `path` (.jsonl, .md, or a folder of .md) and bring the search index up to date.

    `progress(done, all)` is called after each row. A dry run does everything and takes it back.
    """
    report = Report()
    with transaction.atomic() if dry_run else nullcontext():
        _Import(report, source).run(path, locale or settings.LANGUAGE_CODE, categories_file, progress)
        if dry_run:
            transaction.set_rollback(True)
    if not dry_run and report.new + report.changed:
        try:
            indexing.apply_changes()
        except indexing.WriterBusy as error:
            report.index_note = f"The articles are in, but not yet found by search: {error}"
    return report


class _Import:
    def __init__(self, report: Report, source: str) -> None:
        self.report = report
        self.source = source
        self.locales = {code for code, _ in settings.LANGUAGES}
        self.known: dict[tuple[str, str], Article] = {}
        self.imported: dict[int, Text] = {}  # what the files last said, by article
        self.groups: dict[str, uuid.UUID] = {}
        self.shelves: dict[tuple[str, str], Category] = {}
        self.links: list[tuple[str, set[str]]] = []

    def run(
        self, path: Path, locale: str, categories_file: Path | None, progress: Callable[[int, int], None] | None
    ) -> None:
        self._store_categories(categories_file or categories.file_near(path))
        self._load_known()
        total = article_files.count(path)
        for done, row in enumerate(article_files.read(path, locale=locale, locales=self.locales), start=1):
            if isinstance(row, Problem):
                self.report.problems.append(row)
            else:
                self._take(row)
            if progress is not None:
                progress(done, max(total, done))
        self._check_links()

    def _store_categories(self, file: Path | None) -> None:
        for shelf in categories.read(file, locales=self.locales) if file else ():
            if isinstance(shelf, Problem):
                self.report.problems.append(shelf)
                continue
            try:
                categories.store(shelf)
            except DatabaseError as error:
                self.report.problems.append(
                    Problem(
                        str(file), 0, "key", f"{shelf.key!r} was refused: {_first_line(error)}.", "Is a slug taken?"
                    )
                )

    def _load_known(self) -> None:
        articles = Article.objects.filter(source=self.source).exclude(external_id="")
        for article in articles.select_related("live_revision", "draft"):
            self.known[article.external_id, article.locale] = article
            self.groups[article.external_id] = article.translation_group
        revisions = Revision.objects.filter(article__source=self.source, comment=_COMMENT).order_by("number")
        for pk, *text in revisions.values_list("article_id", "title", "summary", "body"):
            self.imported[pk] = Text(*text)

    def _take(self, row: Row) -> None:
        try:
            with transaction.atomic():
                outcome = self._apply(row)
        except publishing.PublishingError as error:
            self.report.problems.append(row.problem("", str(error), "Then import again."))
        except DatabaseError as error:
            self.shelves.clear()  # one of them may have been made in the transaction that is gone
            self.report.problems.append(
                row.problem("", f"The database refused it: {_first_line(error)}.", "Change it.")
            )
        else:
            if isinstance(outcome, Problem):
                self.report.problems.append(outcome)
            else:
                setattr(self.report, outcome, getattr(self.report, outcome) + 1)

    def _apply(self, row: Row) -> str | Problem:
        text = Text(row.title, row.summary, row.body)
        category = self._shelf(row)
        article = self.known.get((row.id, row.locale))
        if article is None:
            article = publishing.create_article(
                locale=row.locale,
                category=category,
                title=row.title,
                summary=row.summary,
                body=row.body,
                slug=row.slug or row.title,
                source=self.source,
                external_id=row.id,
                translation_group=self.groups.get(row.id),
                by=None,
            )
            self._publish(article, row)
            self.known[row.id, row.locale] = article
            self.groups.setdefault(row.id, article.translation_group)
            return "new"
        # Compared with what the files said last, not with what is live: an editor may have improved on it since.
        live = article.live_revision
        is_same_text = self.imported.get(article.pk) == text or (live is not None and Text.of(live) == text)
        is_same_shelf = article.category_id == category.pk
        if is_same_text and is_same_shelf:
            return "unchanged"
        if not is_same_text:
            if refused := self._unsafe_to_change(article, row):
                return refused
            draft = article.draft
            publishing.save_draft(article, text, version=draft.version, by=None)
            self._publish(article, row)
        publishing.move(article, category, ring=False)
        return "changed"

    def _unsafe_to_change(self, article: Article, row: Row) -> Problem | None:
        if article.state == "archived":
            return row.problem("", "The article was archived on the desk.", "Publish it there, or leave the row out.")
        live = article.live_revision
        if live is None or Text.of(article.draft) != Text.of(live):
            return row.problem(
                "", "Its draft on the desk holds changes that are not published.", "Publish or undo them, then import."
            )
        return None

    def _publish(self, article: Article, row: Row) -> None:
        revision = publishing.publish(article, by=None, comment=_COMMENT, ring=False)
        self.imported[article.pk] = Text.of(revision)
        where = f"{row.file}, row {row.row}" if row.row else row.file
        self.links.append((where, rendering.article_links(revision.html)))

    def _shelf(self, row: Row) -> Category:
        key = (row.category, row.locale)
        if key not in self.shelves:
            self.shelves[key] = categories.find_or_make(row.category, row.locale)
        return self.shelves[key]

    def _check_links(self) -> None:
        wanted = {reference for _, references in self.links for reference in references}
        if not wanted:
            return
        found = Article.objects.published().filter(Q(external_id__in=wanted) | Q(slug__in=wanted))
        there = {name for pair in found.values_list("external_id", "slug") for name in pair}
        self.report.broken_links = [
            (where, reference) for where, references in self.links for reference in sorted(references - there)
        ]


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
