"""Which format was given, and its articles: each (source, id, locale) once, in the order of the files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import ModuleType

from kb.porting import csv_files, intercom, jsonl, markdown_folder, zendesk
from kb.porting.facts import ImportedArticle, Item, Options, Problem
from kb.porting.package import Package, Refused

AUTO = "auto"
MARKDOWN, CSV, JSONL, ZENDESK, INTERCOM = "markdown", "csv", "jsonl", "zendesk", "intercom"
MODULES: dict[str, ModuleType] = {
    MARKDOWN: markdown_folder,
    CSV: csv_files,
    JSONL: jsonl,
    ZENDESK: zendesk,
    INTERCOM: intercom,
}
# How ids are told apart that come from different places; ours name their own.
SOURCES = {ZENDESK: zendesk.SOURCE, INTERCOM: intercom.SOURCE}
_PEEK = 64_000  # bytes
_LOOKED_INTO = 20  # files
_INTERCOM = re.compile(rb'"(translated_content|workspace_id|article_content)"')
_ZENDESK = re.compile(rb'"(html_url|section_id|source_locale|source_type|category_id)"')


def detect(package: Package) -> str | Problem:
    """The format of what is in the package."""
    if package.ending(*jsonl.ENDINGS):
        return JSONL
    names = package.ending(".json")
    for name in names[:_LOOKED_INTO]:
        try:
            with package.open(name) as file:
                start = file.read(_PEEK).replace(b"\0", b"")  # of UTF-16 too
        except (Refused, OSError):
            continue
        if _INTERCOM.search(start):
            return INTERCOM
        if _ZENDESK.search(start):
            return ZENDESK
    if package.ending(".md") or not package.names:
        return MARKDOWN
    if package.ending(*csv_files.ENDINGS):
        return CSV
    if names:
        return Problem(
            names[0],
            0,
            "",
            "This JSON is neither of Zendesk Guide nor of Intercom.",
            "Say where it comes from (--format on the command line), or write our JSON lines.",
        )
    return Problem(
        package.name, 0, "", "This is neither .jsonl nor .md nor a folder. Nor is it .csv, .json or a .zip of them.",
        "Convert it to one of these.",
    )  # fmt: skip


def count(package: Package, format: str, options: Options) -> int:
    """About how many rows there are, for a progress display."""
    total: int = MODULES[format].count(package, options)
    return total


def read(package: Package, format: str, options: Options, *, is_known: Callable[[str], bool]) -> Iterator[Item]:
    """Everything in the package; first what the package itself refuses. Of two rows with one id the first counts."""
    yield from package.problems
    module = MODULES[format]
    items: Iterator[Item] = (
        module.read(package, options, is_known=is_known) if format in SOURCES else module.read(package, options)
    )
    first: dict[tuple[str, str, str], str] = {}
    for item in items:
        if isinstance(item, ImportedArticle):
            key = (item.source, item.id or item.group, item.locale)
            if key in first:
                yield item.problem(
                    "id",
                    f"{(item.id or item.group)!r} was there before, in {first[key]}.",
                    "Give each article its own id.",
                )
                continue
            first[key] = f"{item.file}, row {item.row}" if item.row else item.file
        yield item
