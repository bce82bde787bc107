"""The help centre as a file: everything (JSON lines), or the live texts in a zip, as Markdown or as a table (CSV).

What JSON lines hold is a whole help centre: imported into an empty one, every page of customers is the same again. The
zips hold the live texts, where they stand and who leads to them, with the shelves, facts, blocks and pictures in files
beside them; drafts of published articles and earlier texts are left out. Of people only the owners of articles are
named, and nothing goes along about visitors: no votes, views, tests.

Articles are read in portions and written as they come, and pictures one by one: memory does not grow with the help
centre.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import Any

import yaml
from django.contrib.auth.models import User
from django.db.models import Prefetch

from core import audit
from kb import import_leads, piece_files
from kb.models import Article, ArticleState, Category, Picture, Revision
from kb.porting import csv_files
from kb.porting.facts import NEVER
from kb.porting.markdown_folder import SHELVES
from kb.porting.pictures import Shown, replaced, shown
from kb.porting.piece_entries import FILE as PIECES
from kb.publishing import Text
from kb.rendering import slugify

JSONL, MARKDOWN, CSV = "jsonl", "markdown", "csv"
FORMATS = {JSONL: "jsonl", CSV: "csv.zip", MARKDOWN: "zip"}  # and how the file's name ends
_PORTION = 100


def format_of(name: str) -> str:
    """The format that a file's name ends as; empty where it ends as none."""
    return next((format for format, ending in FORMATS.items() if name.lower().endswith(f".{ending}")), "")


def made(format: str, *, by: User | None, history: bool) -> None:
    """Write down that somebody takes an export along."""
    audit.record(by, "export.made", None, label=format, articles=Article.objects.count(), history=history)


def chunks(format: str, *, history: bool = True) -> Iterator[bytes]:
    """The file piece by piece. `history`: JSON lines hold the texts that articles had before, too."""
    return {JSONL: _json_lines, MARKDOWN: _markdown, CSV: _csv}[format](history)


def _json_lines(history: bool) -> Iterator[bytes]:
    for category in categories():
        yield _line({"type": "category", **category})
    pictures = _Pictures()
    for piece in piece_files.exported():
        yield from map(_picture, pictures.new(*piece_files.texts(piece)))
        yield _line({"type": "piece", **piece})
    for article in _articles(history):
        said = _everything(article, history)
        others = [*said.get("revisions", ()), *([said["draft"]] if "draft" in said else [])]
        yield from map(_picture, pictures.new(said["body"], *(text["body"] for text in others)))
        yield _line({"type": "article", **said})


def _markdown(history: bool) -> Iterator[bytes]:
    out = _Stream()
    pictures = _Pictures()
    with out.zip() as file:
        yield from _beside(file, out, pictures)
        for article in _articles(False):
            values = _said(article)
            body = values.pop("body")
            for picture in pictures.new(body):
                yield _stored(file, out, picture)
            name = f"articles/{article.locale}/{article.category.key}/{article.slug}.md"
            file.writestr(name, f"---\n{_yaml(values)}---\n\n{pictures.as_files(body, top='../../../')}\n")
            yield out.take()
    yield out.take()


def _csv(history: bool) -> Iterator[bytes]:
    out = _Stream()
    pictures = _Pictures()
    with out.zip() as file:
        yield from _beside(file, out, pictures)
        met: list[str] = []  # a zip takes one file after the other: the pictures follow the table
        with file.open("articles.csv", "w") as table:
            lines = io.StringIO()
            writer = csv.DictWriter(lines, csv_files.COLUMNS, lineterminator="\r\n")
            lines.write("\ufeff")  # spreadsheets take it for another encoding without
            writer.writeheader()
            for article in _articles(False):
                values = _said(article)
                met += pictures.met(values["body"])
                values["body"] = pictures.as_files(values["body"], top="")
                writer.writerow({**values, "redirect_from": " ".join(values.get("redirect_from", ()))})
                table.write(lines.getvalue().encode())
                yield out.take()
                lines.seek(0)
                lines.truncate()
            table.write(lines.getvalue().encode())
        for digest in met:
            if (picture := Picture.objects.filter(pk=digest).first()) is not None:
                yield _stored(file, out, picture)
    yield out.take()


def _beside(file: zipfile.ZipFile, out: _Stream, pictures: _Pictures) -> Iterator[bytes]:
    """The shelves, the facts and blocks, and the pictures that blocks show."""
    file.writestr(SHELVES, _yaml(list(categories())))
    if pieces := list(piece_files.exported()):
        file.writestr(PIECES, _yaml(pieces))
    for piece in pieces:
        for picture in pictures.new(*piece_files.texts(piece)):
            yield _stored(file, out, picture)


def _stored(file: zipfile.ZipFile, out: _Stream, picture: Picture) -> bytes:
    file.writestr(_file_of(picture), bytes(picture.webp), zipfile.ZIP_STORED)
    return out.take()


class _Pictures:
    """Those that went along so far."""

    def __init__(self) -> None:
        self._files: dict[str, str] = {}  # by digest

    def met(self, *texts: str) -> list[str]:
        """The digests of the pictures that these texts show and none before did, as far as there are such."""
        wanted = {one.digest for text in texts for one in shown(text)} - {"", *self._files}
        found = sorted(Picture.objects.filter(pk__in=wanted).only("name"), key=lambda one: one.digest) if wanted else []
        self._files |= {picture.digest: _file_of(picture) for picture in found}
        return [picture.digest for picture in found]

    def new(self, *texts: str) -> Iterator[Picture]:
        """These pictures themselves, one at a time in memory."""
        for digest in self.met(*texts):
            if (picture := Picture.objects.filter(pk=digest).first()) is not None:
                yield picture

    def as_files(self, body: str, *, top: str) -> str:
        """The body with the paths of its pictures' files, for whatever program shows it; `top` leads to the zip's."""

        def path(one: Shown) -> str:
            return f"{top}{self._files[one.digest]}" if one.digest in self._files else ""

        return replaced(body, path)


def _file_of(picture: Picture) -> str:
    stem = slugify(picture.name.rpartition(".")[0]).encode("ascii", "ignore").decode().strip("-")[:40]
    return f"pictures/{stem or 'picture'}-{picture.digest}.webp"


def _picture(picture: Picture) -> bytes:
    content = base64.b64encode(picture.webp).decode()
    return _line({"type": "picture", "digest": picture.digest, "name": picture.name, "webp": content})


class _Stream:
    """What zipfile needs of a file that is sent away as it is written."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, content: bytes) -> int:
        self._written += content
        return len(content)

    def flush(self) -> None:
        """Nothing waits elsewhere."""

    def zip(self) -> zipfile.ZipFile:
        """An archive that is written here; no more than write() and flush() is used."""
        return zipfile.ZipFile(self, "w", zipfile.ZIP_DEFLATED)  # type: ignore[call-overload, no-any-return]

    def take(self) -> bytes:
        content = bytes(self._written)
        self._written.clear()
        return content


def categories() -> Iterator[dict[str, Any]]:
    """The shelves with their names in every language, and the addresses that they had."""
    for category in Category.objects.prefetch_related("texts", "redirects", "old_addresses"):
        texts = sorted(category.texts.all(), key=lambda text: text.locale)
        old: dict[str, list[str]] = {}
        for redirect in sorted(category.redirects.all(), key=lambda one: (one.locale, one.old_slug)):
            old.setdefault(redirect.locale, []).append(redirect.old_slug)
        paths = sorted((one.locale, one.path) for one in category.old_addresses.all())
        said = {
            "key": category.key,
            "topic": category.topic,
            "icon": category.icon,
            "position": category.position,
            "name": {text.locale: text.name for text in texts},
            "slug": {text.locale: text.slug for text in texts},
            "description": {text.locale: text.description for text in texts if text.description},
            "old_slugs": old,
            "redirect_from": [{"locale": locale, "path": path} for locale, path in paths],
        }
        yield {name: value for name, value in said.items() if value not in ({}, [])}


def _articles(history: bool) -> Iterator[Article]:
    rows = Article.objects.select_related("category", "draft", "live_revision", "made_from", "owner", "leads_to")
    rows = rows.prefetch_related("redirects", "old_addresses")
    if history:
        rows = rows.prefetch_related(Prefetch("revisions", Revision.objects.order_by("number").defer("html", "text")))
    last = 0
    # By their ids and not by a cursor: an export over a slow line holds no transaction open.
    while portion := list(islice(rows.filter(pk__gt=last).order_by("pk"), _PORTION)):
        yield from portion
        last = portion[-1].pk


def _said(article: Article) -> dict[str, Any]:
    """What every format holds: the live text, or the draft of an article that was never published."""
    live = article.live_revision if article.state != ArticleState.DRAFT else None
    text = Text.of(live or article.draft)
    said: dict[str, Any] = {"id": article.external_id, "source": article.source}
    said |= {
        "group": str(article.translation_group),
        "locale": article.locale,
        "title": text.title or article.slug,
        "summary": text.summary,
        "category": article.category.key,
        "slug": article.slug,
        "state": article.state,
        "visibility": article.visibility,
        "redirect_from": _addresses(article),
        "reviewed_at": article.reviewed_at.isoformat() if article.reviewed_at else "",
        "owner": (article.owner.email or article.owner.get_username()) if article.owner else "",
        "review_by": _review_by(article),
        "leads_to": import_leads.address_of(article),
        "body": text.body,
    }
    return {name: value for name, value in said.items() if value not in ("", [])} | {"body": text.body}


def _review_by(article: Article) -> str:
    if article.review_by is not None:
        return article.review_by.isoformat()
    # A published article gets a day when it is imported, unless it is said that it has none.
    return NEVER if article.state == ArticleState.PUBLISHED else ""


def _addresses(article: Article) -> list[str]:
    ours = sorted((redirect.locale, redirect.old_slug) for redirect in article.redirects.all())
    old = sorted(one.path for one in article.old_addresses.all())
    return [*(f"/{locale}/a/{slug}/" for locale, slug in ours), *old]


def _everything(article: Article, history: bool) -> dict[str, Any]:
    said = _said(article)
    live = article.live_revision if article.state != ArticleState.DRAFT else None
    if live is not None:
        said |= {"published_at": live.created_at.isoformat(), "is_major": live.is_major, "comment": live.comment}
        if Text.of(article.draft) != Text.of(live):
            said["draft"] = _text(article.draft)
        if history:
            said["revisions"] = [
                {
                    **_text(old),
                    "comment": old.comment,
                    "is_major": old.is_major,
                    "created_at": old.created_at.isoformat(),
                }
                for old in article.revisions.all()
                if old.number < live.number
            ]
            said["made_from"] = article.made_from.number if article.made_from else 0
    return said


def _text(written: Any) -> dict[str, str]:
    text = Text.of(written)
    return {"title": text.title, "summary": text.summary, "body": text.body}


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


def _yaml(values: Any) -> str:
    return str(yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=10_000))
