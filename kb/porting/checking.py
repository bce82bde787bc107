"""Values of a file → one article, or what is wrong with it. Knows no database."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from kb.porting.facts import (
    ARCHIVED,
    DRAFT,
    NEVER,
    PUBLISHED,
    ImportedArticle,
    ImportedRevision,
    Note,
    Options,
    Problem,
)

LONGEST = {"id": 200, "title": 200, "category": 80, "summary": 300, "slug": 110, "source": 40, "body": 400_000,
           "comment": 300, "owner": 254}  # fmt: skip
_REQUIRED = ("id", "title", "category", "body")
_OPTIONAL = ("summary", "locale", "slug", "source", "group", "state", "visibility", "reviewed_at", "published_at",
             "comment", "owner", "review_by", "leads_to")  # fmt: skip
STATES = (PUBLISHED, DRAFT, ARCHIVED)
VISIBILITIES = ("public", "staff")
_LONGEST_ADDRESS = 500
_MOST_ADDRESSES = 50
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class _Bad(Exception):
    def __init__(self, field: str, what: str, to_do: str) -> None:
        super().__init__(field, what, to_do)
        self.field, self.what, self.to_do = field, what, to_do


def article(
    values: Mapping[str, Any], file: str, row: int, options: Options, *, notes: Sequence[Note] = ()
) -> ImportedArticle | Problem:
    """The article that these values say.

    `id` may be absent where there is a `group`: an article written on the desk that exported it has none.
    """
    try:
        return _article(values, file, row, options, notes)
    except _Bad as bad:
        said = {name: str(values.get(name) or "")[:200].replace("\0", "") for name in ("id", "locale", "title")}
        said = {name: text.encode("utf-8", "replace").decode() for name, text in said.items()}
        return Problem(file, row, bad.field, bad.what, bad.to_do, **said)


def _article(
    values: Mapping[str, Any], file: str, row: int, options: Options, notes: Sequence[Note]
) -> ImportedArticle:
    is_known_by_group = bool(values.get("group")) and not values.get("id")
    required = [name for name in _REQUIRED if name != "id" or not is_known_by_group]
    if missing := [name for name in required if values.get(name) is None]:
        there = ", ".join(str(name) for name in values if values[name] is not None) or "nothing"
        raise _Bad(missing[0], f"It is missing; the row has {there}.", "Add it.")
    texts: dict[str, str] = {}
    for name in (*_REQUIRED, *_OPTIONAL):
        texts[name] = _text(name, values.get(name), is_required=name in required)
    texts["body"] = trimmed(values["body"])
    locale = options.locale_of(texts["locale"])
    if locale not in options.locales:
        raise _Bad(
            "locale",
            f"{texts['locale']!r} is not a language of this help centre.",
            f"Use {', '.join(sorted(options.locales))}. Or say which it is: --locale-map {texts['locale']}="
            f"{options.locale}.",
        )
    return ImportedArticle(
        file=file,
        row=row,
        id=texts["id"],
        locale=locale,
        title=texts["title"],
        category=texts["category"],
        body=texts["body"],
        summary=texts["summary"],
        slug=texts["slug"],
        source=texts["source"],
        group=_group(texts["group"]),
        state=_one_of("state", texts["state"].lower(), STATES),
        visibility=_one_of("visibility", texts["visibility"].lower(), VISIBILITIES),
        old_addresses=_addresses(values.get("redirect_from")),
        reviewed_at=_moment("reviewed_at", texts["reviewed_at"]) if texts["reviewed_at"] else None,
        published_at=_moment("published_at", texts["published_at"]) if texts["published_at"] else None,
        is_major=values.get("is_major") is True,
        comment=texts["comment"],
        made_from=_count(values.get("made_from")),
        owner=texts["owner"],
        review_by=_day("review_by", texts["review_by"]),
        leads_to=_page(texts["leads_to"]),
        draft=_draft(values.get("draft")),
        revisions=_revisions(values.get("revisions")),
        notes=tuple(notes),
    )


def _text(name: str, value: Any, *, is_required: bool) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and name == "id":
        value = str(value)
    if isinstance(value, datetime) and name.endswith("_at"):  # YAML reads moments
        value = value.isoformat()
    if type(value) is date and name == "review_by":  # and days
        value = value.isoformat()
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise _Bad(name, f"It is {type(value).__name__}, not text.", "Write it in quotes.")
    if found := _NO_TEXT.search(value):
        if "\udc80" <= found[0] <= "\udcff":
            raise _Bad(name, "It holds bytes that are not UTF-8.", "Save the file as UTF-8.")
        raise _Bad(name, "It holds a character that no text may hold.", "Remove it.")
    # Spaces of odd kinds and line ends are noise everywhere but in the body, where Markdown reads them.
    text = value.strip() if name == "body" else " ".join(value.split())
    if is_required and not text:
        raise _Bad(name, "It is empty.", "Write something, or leave the article out.")
    if len(text) > (limit := LONGEST.get(name, len(text))):
        raise _Bad(name, f"It has {len(text)} characters.", f"Shorten it to {limit}.")
    return text


def _page(address: str) -> str:
    if address and not re.fullmatch(r"/[a-z]{2,3}(-[a-z0-9]+)?/[ac]/[^/\s]{1,110}/", address):
        raise _Bad(
            "leads_to", f"{address[:80]!r} is no page of a help centre.", "Write /en/a/an-article/ or /en/c/a-topic/."
        )
    return address


def trimmed(body: str) -> str:
    """The body without blank lines around it; the indent of its first line means something to Markdown."""
    lines = body.split("\n")
    while lines and not lines[0].strip():
        lines.pop(0)
    return "\n".join(lines).rstrip()


def _one_of(name: str, value: str, among: Sequence[str]) -> str:
    if value and value not in among:
        raise _Bad(name, f"{value!r} is none that there is.", f"Write one of {', '.join(among)}, or nothing.")
    return value


def _group(text: str) -> str:
    if not text:
        return ""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise _Bad("group", f"{text!r} is no UUID.", "Leave it as it was exported, or take it out.") from None


def _addresses(value: Any) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        value = re.split(r"\s+", value.strip())
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _Bad("redirect_from", "It is not a list of addresses.", "Write old addresses, each beginning with /.")
    if len(value) > _MOST_ADDRESSES:
        raise _Bad("redirect_from", f"It has {len(value)} addresses.", f"Keep {_MOST_ADDRESSES}.")
    for address in value:
        if len(address) > _LONGEST_ADDRESS:
            raise _Bad("redirect_from", f"{address[:40]}… is too long.", f"Shorten it to {_LONGEST_ADDRESS}.")
        if not re.match(r"(https?:/)?/[^/\\]", address) or any(ord(char) < 33 for char in address):
            raise _Bad("redirect_from", f"{address!r} is no address.", "Begin it with / or https://.")
        if any("\ud800" <= char <= "\udfff" for char in address):
            raise _Bad("redirect_from", "It holds bytes that are not UTF-8.", "Save the file as UTF-8.")
    return tuple(dict.fromkeys(value))


def _moment(name: str, text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise _Bad(name, f"{text!r} is no time.", "Write it like 2026-03-29T14:05:00Z.") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _day(name: str, text: str) -> str:
    if not text or text.lower() == NEVER:
        return text.lower()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise _Bad(name, f"{text!r} is no day.", f"Write it like 2026-12-24, or {NEVER}.") from None


def _count(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        raise _Bad("made_from", f"{value!r} is not the number of a text.", "Leave it as it was exported.")
    return value


def _draft(value: Any) -> tuple[str, str, str] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise _Bad("draft", "It is not a group of fields.", "Write title, summary and body, or take it out.")
    # An unfinished text may be empty.
    title, summary, body = (_text(name, value.get(name), is_required=False) for name in ("title", "summary", "body"))
    return title, summary, str(value.get("body") or "") if body else ""


def _revisions(value: Any) -> tuple[ImportedRevision, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise _Bad("revisions", "It is not a list of texts.", "Leave it as it was exported, or take it out.")
    return tuple(
        ImportedRevision(
            title=_text("title", one.get("title"), is_required=True),
            summary=_text("summary", one.get("summary"), is_required=False),
            body=_text("body", one.get("body"), is_required=True) and str(one["body"]),
            comment=_text("comment", one.get("comment"), is_required=False),
            is_major=one.get("is_major") is True,
            created_at=_moment("revisions", str(one.get("created_at"))),
        )
        for one in value
    )
