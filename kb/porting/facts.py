"""What the files of every format come down to. Knows no database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime

PUBLISHED, DRAFT, ARCHIVED = "published", "draft", "archived"
NEVER = "never"  # as the day of the next review


@dataclass(frozen=True)
class Problem:
    """What was refused. `row` counts from 1 and is 0 where the file as a whole is meant.

    `id`, `locale` and `title` are those of the article, as far as they could be read.
    """

    file: str
    row: int
    field: str
    what: str
    to_do: str
    id: str = ""
    locale: str = ""
    title: str = ""

    def __str__(self) -> str:
        where = self.file + (f", row {self.row}" if self.row else "") + (f", field {self.field}" if self.field else "")
        return f"{where}: {self.what} {self.to_do}"


@dataclass(frozen=True)
class Note:
    """What an editor should know of an article that was taken in, or of a conflict.

    `is_refusal`: a part of it, a picture, was not taken in; it counts among the problems of the import.
    """

    field: str
    what: str
    to_do: str = ""
    is_refusal: bool = False


@dataclass(frozen=True)
class ImportedRevision:
    """One text that an article had before the one that is live."""

    title: str
    summary: str
    body: str
    comment: str
    is_major: bool
    created_at: datetime


@dataclass(frozen=True)
class ImportedArticle:
    """One article in one language as a file has it, checked as far as that needs no database.

    It is known again by (source, id, locale), or by (group, locale) where it has no id. `source` and `group` are empty
    where the file names none. `state` is empty where the import decides, `visibility` where it is as it was.
    """

    file: str
    row: int
    id: str
    locale: str
    title: str
    category: str  # key or name of the shelf
    body: str  # Markdown
    summary: str = ""
    slug: str = ""
    source: str = ""
    group: str = ""
    state: str = ""
    visibility: str = ""
    old_addresses: tuple[str, ...] = ()
    reviewed_at: datetime | None = None
    draft: tuple[str, str, str] | None = None  # title, summary, body, where it says something else than the live text
    revisions: tuple[ImportedRevision, ...] = ()  # oldest first, without the live one
    # Of the live text; None and empty where the import decides.
    published_at: datetime | None = None
    is_major: bool = False
    comment: str = ""
    # Of a translation: the number of the original's text that it says the same as; 0: nobody has said; None: not told.
    made_from: int | None = None
    # E-mail address or user name of who looks after it, and the day of the next review: 2026-12-24, "never"; empty
    # where the file does not say.
    owner: str = ""
    review_by: str = ""
    leads_to: str = ""  # the page that readers of an archived article are led to: /en/a/slug/ or /en/c/slug/
    notes: tuple[Note, ...] = ()
    # digest() of the file, where that is more than what stands here: its pictures', too.
    mark: str = ""

    def problem(self, field: str, what: str, to_do: str) -> Problem:
        return Problem(self.file, self.row, field, what, to_do, self.id, self.locale, self.title)

    @property
    def text(self) -> tuple[str, str, str]:
        return self.title, self.summary, self.body

    @property
    def where(self) -> str:
        return f"{self.file}, row {self.row}" if self.row else self.file

    def digest(self) -> str:
        """The same for the same content, wherever in whatever file it stands."""
        if self.mark:
            return self.mark
        said = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _NO_CONTENT}
        said["old_addresses"] = sorted(self.old_addresses)
        for name in _CAME_LATER:
            if not said[name]:  # so that what was marked before there were such fields is known again
                del said[name]
        return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


_NO_CONTENT = {"file", "row", "notes", "revisions", "mark"}
_CAME_LATER = ("owner", "review_by", "leads_to")


@dataclass(frozen=True)
class ImportedCategory:
    """One shelf as a file has it; names, slugs and descriptions by locale.

    `is_ours`: the file knows the shelf better than the desk does (categories.yaml, our own export). A shelf of another
    help centre is only made where there is none with its key or one of its names.
    """

    file: str
    row: int
    key: str
    name: Mapping[str, str]
    topic: str = ""
    icon: str = ""
    position: int = 0
    slug: Mapping[str, str] = field(default_factory=dict)
    description: Mapping[str, str] = field(default_factory=dict)
    old_slugs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    old_addresses: tuple[tuple[str, str], ...] = ()  # (locale, path)
    is_ours: bool = False


@dataclass(frozen=True)
class ImportedPiece:
    """A fact or a block: what it says by locale ("" for all languages), as an editor writes it, and from when on.

    `versions` are in no order; the moment of one that counts from now on is None.
    """

    file: str
    row: int
    sort: str
    key: str
    kind: str
    name: str
    versions: tuple[tuple[datetime | None, Mapping[str, str]], ...]
    is_archived: bool = False


@dataclass(frozen=True)
class ImportedPicture:
    """A picture of an export of ours: the bytes that pages show, and their digest, by which texts name it."""

    file: str
    row: int
    digest: str
    name: str
    webp: bytes = field(repr=False)


Item = ImportedArticle | ImportedCategory | ImportedPiece | ImportedPicture | Problem


@dataclass(frozen=True)
class Options:
    """How to read. `locales` are those of the help centre, `locale` that of rows which name none.

    `locale_map`: the file's word for a language → ours. Others are taken as the nearest of `locales`.
    """

    locale: str
    locales: tuple[str, ...]
    locale_map: Mapping[str, str] = field(default_factory=dict)

    def locale_of(self, word: str) -> str:
        """Ours for the file's word for a language; empty where none of ours is near."""
        wanted = word.strip().lower().replace("_", "-")
        if not wanted:
            return self.locale
        mapped = {theirs.lower().replace("_", "-"): ours for theirs, ours in self.locale_map.items()}
        if wanted in mapped:
            return mapped[wanted]
        if wanted in self.locales:
            return wanted
        stem = wanted.partition("-")[0]
        near = [code for code in self.locales if code.partition("-")[0] == stem]
        return stem if stem in near else near[0] if near else ""
