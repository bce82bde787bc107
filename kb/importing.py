"""Articles from files into the help centre, once or every night: only what changed in the files is written.

An article is known again by (source, id, locale), or by its translation group where the file gives it no id. What a
file said last is remembered (ImportMark), so that the next import can tell what changed there from what changed here:
what an editor changed on the desk is never overwritten unasked.

Rows are taken in batches, one transaction a batch: what is refused blocks no other, and a batch that dies with its
process is done again. A dry run looks at everything and writes nothing of it. kb/import_writing.py writes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Q

from kb import categories, four_eyes, import_leads, import_writing, piece_files, publishing
from kb.import_pictures import Pictures
from kb.import_planning import Planner
from kb.import_plans import Plan
from kb.import_reports import Asked, Recorder, Report, Result
from kb.models import Article, ImportOutcome
from kb.porting import formats, markdown_folder, package, piece_entries
from kb.porting.facts import (
    DRAFT,
    ImportedArticle,
    ImportedCategory,
    ImportedPicture,
    ImportedPiece,
    Item,
    Note,
    Options,
    Problem,
)
from kb.search import indexing

BATCH = 100  # rows of one transaction
_PICTURES = 50  # that they show, about
_PICTURE_BYTES = 200_000  # of an export's pictures count as one more
_LINK = re.compile(r"\]\(article:([^)\s#]+)")


def run(
    path: Path,
    *,
    source: str = "import",
    locale: str | None = None,
    categories_file: Path | None = None,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
    asked: Asked | None = None,
    recorder: Recorder | None = None,
    is_alone: bool = False,
    is_indexed: bool = True,
) -> Report:
    """Import what is at `path` (a file, a folder, a zip) and bring the search index up to date.

    `asked` says more than `source`, `locale` and `dry_run`, and stands in their place. `progress(done, all)` is called
    after each row. Shelves and facts that the files do not hold are looked for in the folders around them, unless they
    are in a zip or `is_alone`. `is_indexed=False` leaves the search index alone: for who takes it all back.
    """
    asked = asked or Asked(source=source, locale=locale or "", is_dry=dry_run)
    work = _Import(asked, recorder or Recorder(), progress)
    facts_file = None
    if not is_alone and path.suffix.lower() != ".zip":
        categories_file = categories_file or categories.file_near(path)
        facts_file = piece_files.near(categories_file, path)
    elif categories_file is not None:
        facts_file = piece_files.near(categories_file)
    try:
        with package.opened(path) as opened:
            work.run(opened, categories_file, facts_file)
    except package.Refused as refused:
        work.end_with(Result(1, ImportOutcome.REFUSED, refused.problem))
    report = work.report
    if is_indexed and not asked.is_dry and (report.new or report.changed or work.has_written_before):
        try:
            indexing.apply_changes()
        except indexing.WriterBusy as error:
            report.index_note = f"The articles are in, but not yet found by search: {error}"
    return report


class _Import:
    def __init__(self, asked: Asked, recorder: Recorder, progress: Callable[[int, int], None] | None) -> None:
        self.asked = asked
        self.recorder = recorder
        self.report = Report()
        self.has_written_before = False
        self._progress = progress
        self._options = Options(
            locale=asked.locale or settings.LANGUAGE_CODE,
            locales=tuple(code for code, _ in settings.LANGUAGES),
            locale_map=asked.locale_map,
        )
        self._total = 0
        self._links: set[tuple[int, str, str]] = set()  # number of the row, where it is, id
        self._ids: set[str] = set()  # of this import
        self._translated: list[import_writing.Translated] = []
        self._leads: list[import_leads.Lead] = []

    def run(self, opened: package.Package, categories_file: Path | None, facts_file: Path | None) -> None:
        format = self.asked.format
        found = formats.detect(opened) if format == formats.AUTO else format
        if isinstance(found, Problem):
            self.end_with(Result(1, ImportOutcome.REFUSED, found))
            return
        self.report.format = found
        source = self.asked.source or formats.SOURCES.get(found, "import")
        self._planner = Planner(
            source=source,
            as_drafts=self.asked.as_drafts,
            overwrites=self.asked.overwrites,
            is_dry=self.asked.is_dry,
        )
        self._pictures = Pictures(opened, is_dry=self.asked.is_dry, by=self.asked.by, alive=self.recorder.alive)
        self._total = formats.count(opened, found, self._options)
        self.recorder.begin(format=found, total=self._total)
        items = [
            self._pieces(opened, facts_file),
            self._shelves(opened, categories_file),
            self._items(opened, found, source),
        ]
        for batch in self._batches(enumerate(chain.from_iterable(items), start=1)):
            self._take(batch)
        if not self.asked.is_dry:
            import_writing.catch_up(self._translated)
        self._check_links(import_leads.follow(self._leads))

    def end_with(self, result: Result) -> None:
        """Nothing can be read: that is the whole report."""
        self.report.add(result)
        if not self.recorder.done_before:
            with transaction.atomic():
                self.recorder.batch([result], done=1)

    def _pieces(self, opened: package.Package, beside: Path | None) -> Iterator[Item]:
        inside = [name for name in opened.names if name.replace("\\", "/").rpartition("/")[2] == piece_entries.FILE]
        for name in inside:
            yield from piece_entries.read(opened, name)
        if beside is not None and not inside:
            with package.opened(beside) as file:
                yield from piece_entries.read(file, beside.name)

    def _shelves(self, opened: package.Package, beside: Path | None) -> Iterator[Item]:
        inside = opened.ending(markdown_folder.SHELVES)
        for name in inside:
            yield from markdown_folder.shelves(opened, name, self._options)
        if beside is not None and not inside:
            with package.opened(beside) as file:
                yield from markdown_folder.shelves(file, beside.name, self._options)

    def _items(self, opened: package.Package, format: str, source: str) -> Iterator[Item]:
        known = Article.objects.filter(source=source)
        seen: dict[str, bool] = {}

        def is_known(id: str) -> bool:
            if id not in seen:
                seen[id] = known.filter(external_id=id).exists()
            return seen[id]

        yield from formats.read(opened, format, self._options, is_known=is_known)

    def _batches(self, items: Iterable[tuple[int, Item]]) -> Iterator[list[tuple[int, Item]]]:
        """Of BATCH rows, or of fewer where they show many pictures: a batch must be through in a minute."""
        batch: list[tuple[int, Item]] = []
        weight = 0
        for number, item in items:
            if isinstance(item, ImportedArticle) and number > self.recorder.done_before:
                item, shows = self._pictures.weighed(item)
                weight += shows
            elif isinstance(item, ImportedPicture):
                weight += 1 + len(item.webp) // _PICTURE_BYTES
            batch.append((number, item))
            if len(batch) >= BATCH or weight >= _PICTURES:
                yield batch
                batch, weight = [], 0
        if batch:
            yield batch

    def _take(self, batch: Sequence[tuple[int, Item]]) -> None:
        shelves = [item for _, item in batch if isinstance(item, ImportedCategory)]
        for number, item in batch:
            if isinstance(item, ImportedPiece):
                self._planner.expect(item)
            elif isinstance(item, ImportedArticle):
                self._ids.add(item.id or item.slug)
                if number <= self.recorder.done_before and self.recorder.was_written(number):
                    self.has_written_before = True
                    self._note(number, item)
                if number <= self.recorder.done_before and not self.recorder.was_refused(number):
                    self._look_at_links(number, item)
            elif isinstance(item, ImportedPicture) and number <= self.recorder.done_before:
                self._pictures.expect(item)
        fresh = self._with_pictures([pair for pair in batch if pair[0] > self.recorder.done_before])
        if not fresh and not shelves:
            return
        try:
            with transaction.atomic():
                results = self._written(fresh, shelves)
                self.recorder.batch(results, done=batch[-1][0])
        except DatabaseError:
            # One of them cannot be stored: each by itself, so that it blocks no other.
            self._planner.forget()
            before = [pair for pair in batch if pair[0] <= self.recorder.done_before]
            results = [result for pair in [*before, *fresh] for result in self._alone(pair)]
        for result in results:
            self.report.add(result)
            if isinstance(result.item, ImportedArticle) and result.problem is None:
                item = result.item
                self._look_at_links(result.number, item)
                if result.outcome in (ImportOutcome.NEW, ImportOutcome.CHANGED):
                    self._note(result.number, item)
        if self._progress is not None:
            for number, _ in batch:
                self._progress(number, max(self._total, batch[-1][0]))

    def _with_pictures(self, pairs: Sequence[tuple[int, Item]]) -> list[tuple[int, Item]]:
        """The rows with our names of their pictures, which are made here, where new; before any transaction."""
        marked = [item for _, item in pairs if isinstance(item, ImportedArticle) and item.mark]
        marks = self._planner.marks(marked)
        done: list[tuple[int, Item]] = []
        for number, item in pairs:
            if isinstance(item, ImportedArticle):
                item = self._pictures.taken(item, marks.get(self._planner.key(item), ""))
            elif isinstance(item, ImportedPicture):
                item = self._pictures.store(item) or item
            done.append((number, item))
        return done

    def _alone(self, pair: tuple[int, Item]) -> list[Result]:
        number, item = pair
        is_fresh = number > self.recorder.done_before
        try:
            with transaction.atomic():
                shelves = [item] if isinstance(item, ImportedCategory) else []
                results = self._written([pair] if is_fresh else [], shelves)
                self.recorder.batch(results, done=max(number, self.recorder.done_before))
        except DatabaseError as error:
            self._planner.forget()
            what, to_do = f"The database refused it: {_first_line(error)}.", "Change it."
            if isinstance(item, ImportedCategory):
                problem = Problem(item.file, item.row, "key", f"{item.key!r}: {what}", "Is a slug taken?")
            elif isinstance(item, ImportedArticle):
                problem = item.problem("", what, to_do)
            else:
                problem = item if isinstance(item, Problem) else Problem(item.file, item.row, "", what, to_do)
            results = [Result(number, ImportOutcome.REFUSED, problem)]
            with transaction.atomic():
                self.recorder.batch(results if is_fresh else [], done=max(number, self.recorder.done_before))
        return results

    def _piece(self, item: ImportedPiece) -> Problem | None:
        if piece_files.is_here(item.sort, item.key):
            return None
        if self.asked.is_dry:
            return piece_files.check(item)
        item, problem = self._pictures.piece(item)
        return piece_files.store(item) or problem

    def _written(self, batch: Sequence[tuple[int, Item]], shelves: Sequence[ImportedCategory]) -> list[Result]:
        for shelf in shelves:
            self._planner.declare(shelf)
        results = []
        for number, item in batch:
            problem = self._piece(item) if isinstance(item, ImportedPiece) else item
            if isinstance(problem, Problem):
                results.append(Result(number, ImportOutcome.REFUSED, problem))
        articles = [(number, item) for number, item in batch if isinstance(item, ImportedArticle)]
        plans = self._planner.plan([item for _, item in articles])
        made: dict[int, int] = {}
        drafts: list[int] = []
        if not self.asked.is_dry:
            made = import_writing.create([plan for plan in plans if plan.outcome == ImportOutcome.NEW])
        for (number, item), plan in zip(articles, plans, strict=True):
            if plan.outcome == ImportOutcome.CHANGED and not self.asked.is_dry:
                plan = _changed(plan)
            pk = made.get(id(plan)) or (plan.known.pk if plan.known else None)
            results.append(Result(number, plan.outcome, item, plan.notes, pk))
            is_written = plan.outcome in (ImportOutcome.NEW, ImportOutcome.CHANGED) and not self.asked.is_dry
            if is_written and pk and (plan.state == DRAFT or plan.draft != plan.text):
                drafts.append(pk)
        four_eyes.note_import(drafts, by=self.asked.by)
        return sorted(results, key=lambda result: result.number)

    def _note(self, number: int, item: ImportedArticle) -> None:
        """What can be done only once all articles are there."""
        if item.leads_to and not self.asked.is_dry:
            source = self._planner.source_of(item)
            lead = import_leads.Lead(number, item.where, source, item.id, item.group, item.locale, item.leads_to)
            self._leads.append(lead)
        if item.locale != settings.LANGUAGE_CODE:
            key = import_writing.Translated(
                self._planner.source_of(item), item.id, item.group, item.locale, item.made_from
            )
            self._translated.append(key)

    def _look_at_links(self, number: int, item: ImportedArticle) -> None:
        self._links |= {(number, item.where, id) for id in _LINK.findall(item.body)}

    def _check_links(self, leads: Sequence[import_leads.Lead]) -> None:
        wanted = {id for _, _, id in self._links}
        there: set[str] = set()
        for some in _portions(sorted(wanted), 1000):
            found = Article.objects.published().filter(Q(external_id__in=some) | Q(slug__in=some))
            there |= {name for pair in found.values_list("external_id", "slug") for name in pair}
        if self.asked.is_dry:
            there |= self._ids
        broken = sorted(link for link in self._links if link[2] not in there)
        broken += [(lead.number, lead.where, lead.to) for lead in leads]
        self.report.broken_links = sorted((where, id) for _, where, id in broken)
        if broken:
            with transaction.atomic():
                self.recorder.broken_links([(number, id) for number, _, id in broken])


def _changed(plan: Plan) -> Plan:
    """The plan carried out; where the desk does not let it be, refused with the reason."""
    try:
        with transaction.atomic():
            import_writing.change(plan)
    except publishing.PublishingError as error:
        return plan.refused(Note("", str(error), "Then import again."))
    return plan


def _portions(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
