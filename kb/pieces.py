"""Facts and blocks are made, changed from a moment on, and taken out of use here; each change is in the audit log."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import audit, clock
from core.commits import after_commit
from kb import fact_kinds, facts, placeholders, refilling, used_in
from kb.models import Piece, PieceKind, PieceVersion

_KEY = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LONGEST_KEY = 60
_AT_ONCE_SECONDS = 1.0
_RESERVED = {"new"}  # a page of the desk has this address


class Refused(Exception):
    """Nothing was written. The message says why and what to do; `field` names the form's field, or a locale's value."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ChangedMeanwhile(Refused):
    """Somebody else changed the piece after the form was opened."""


class StillUsed(Refused):
    """It stands in texts. `uses` lists them."""

    def __init__(self, uses: used_in.Uses) -> None:
        super().__init__(
            _("It is used in %(number)d places, so it stays. Take it out of these texts first.")
            % {"number": uses.total}
        )
        self.uses = uses


def read_values(kind: str, written: Mapping[str, str]) -> dict[str, Any]:
    """What was written by locale ("" for all languages), as it is kept. Raises Refused, its field the locale."""
    values = {}
    for locale, text in written.items():
        if not text.strip():
            continue
        try:
            values[locale] = fact_kinds.read(kind, text)
        except fact_kinds.BadValue as error:
            raise Refused(str(error), field=f"value_{locale or 'all'}") from error
        if kind == PieceKind.MARKDOWN:
            _check_block(text, locale)
    if facts.EVERYWHERE not in values:
        raise Refused(_("Write what it says in every language that has nothing of its own."), field="value_all")
    return values


def create(
    *, sort: str, key: str, kind: str, name: str, values: Mapping[str, Any], by: User | None,
    effective_at: datetime | None = None, more: Sequence[tuple[datetime, Mapping[str, Any]]] = (),
) -> Piece:  # fmt: skip
    """A new fact or block, at once or from `effective_at` on; `more` is what else it says, from when on, where an
    export of another help centre tells. Raises Refused."""
    key, now = key.strip().lower(), clock.now()
    if not _KEY.fullmatch(key) or len(key) > _LONGEST_KEY or key in _RESERVED:
        raise Refused(
            _("Use small letters, digits and single hyphens, like return-window; “new” is taken."), field="key"
        )
    try:
        with transaction.atomic():
            piece = Piece.objects.create(
                sort=sort, key=key, kind=kind, name=name.strip(), created_at=now, created_by=by
            )
            version = _add(piece, values, effective_at or now, by)
            for since, said in more:
                _add(piece, said, since, by)
            audit.record(by, f"{sort}.created", piece, label=piece.name, **_detail(piece, None, version))
    except IntegrityError as error:
        if "piece_key_unique_in_sort" not in str(error):
            raise
        raise Refused(
            _("There is one with this key already. Choose another, or change that one."), field="key"
        ) from error
    return piece


def change(
    piece: Piece, values: Mapping[str, Any], *, seen: int, by: User | None, effective_at: datetime | None = None
) -> PieceVersion | None:
    """Let the piece say this at once, or from `effective_at` on; None where it says so already.

    `seen` is the newest version that the editor knew of, 0 for none. Raises Refused, ChangedMeanwhile.
    """
    now = clock.now()
    if effective_at is not None and effective_at <= now:
        raise Refused(
            _("This moment has passed. Choose a later one, or leave it empty: then it counts at once."),
            field="effective_at",
        )
    with transaction.atomic():
        Piece.objects.select_for_update().get(pk=piece.pk)
        if newest(piece) != seen:
            raise ChangedMeanwhile(
                _("Somebody else changed it while you were writing. Look at what it says now, then save again.")
            )
        before = piece.versions.filter(withdrawn_at=None, effective_at__lte=effective_at or now).first()
        if before is not None and before.values == values:
            return None
        version = _add(piece, values, effective_at or now, by)
        action = "scheduled" if effective_at else "changed"
        audit.record(by, f"{piece.sort}.{action}", piece, label=piece.name, **_detail(piece, before, version))
    if not effective_at:
        # What fits into a second is live with the answer, whether or not a worker runs; the rest is asked for.
        after_commit(partial(refilling.run, seconds=_AT_ONCE_SECONDS))
    return version


def rename(piece: Piece, name: str, *, by: User | None) -> None:
    """Call it otherwise on the desk; its key, and so every text, stays."""
    if name.strip() and name.strip() != piece.name:
        with transaction.atomic():
            Piece.objects.filter(pk=piece.pk).update(name=name.strip())
            audit.record(by, f"{piece.sort}.renamed", piece, label=name.strip(), before=piece.name)
        piece.name = name.strip()


def withdraw(version: PieceVersion, *, by: User | None) -> None:
    """Take back a change whose moment has not come. Raises Refused."""
    now = clock.now()
    with transaction.atomic():
        waiting = PieceVersion.objects.filter(pk=version.pk, withdrawn_at=None, effective_at__gt=now)
        if not waiting.update(withdrawn_at=now):
            raise Refused(_("Its moment has come, or somebody else took it back. Load the page again."))
        piece = version.piece
        detail = {"at": version.effective_at.isoformat(), "values": _written(piece, version)}
        audit.record(by, f"{piece.sort}.withdrawn", piece, label=piece.name, **detail)


def archive(piece: Piece, *, by: User | None) -> None:
    """Take it out of use: no text may hold it from now on. What it said is kept. Raises StillUsed."""
    with transaction.atomic():
        # Against a text being published with it: that one waits for this lock, or this one sees it.
        Piece.objects.select_for_update().get(pk=piece.pk)
        if (uses := used_in.of(piece)).total:
            raise StillUsed(uses)
        if Piece.objects.filter(pk=piece.pk, archived_at=None).update(archived_at=clock.now()):
            audit.record(by, f"{piece.sort}.archived", piece, label=piece.name)


def bring_back(piece: Piece, *, by: User | None) -> None:
    with transaction.atomic():
        if Piece.objects.filter(pk=piece.pk).exclude(archived_at=None).update(archived_at=None):
            audit.record(by, f"{piece.sort}.restored", piece, label=piece.name)


def newest(piece: Piece) -> int:
    """The id of the newest version, scheduled ones among them; what change() is given as `seen`."""
    return piece.versions.filter(withdrawn_at=None).order_by("-pk").values_list("pk", flat=True).first() or 0


def _add(piece: Piece, values: Mapping[str, Any], effective_at: datetime, by: User | None) -> PieceVersion:
    known = {facts.EVERYWHERE, *(code for code, _name in settings.LANGUAGES)}
    kept = {locale: value for locale, value in values.items() if locale in known}
    return PieceVersion.objects.create(
        piece=piece, values=kept, effective_at=effective_at, created_at=clock.now(), created_by=by
    )


def _check_block(markdown: str, locale: str) -> None:
    field = f"value_{locale or 'all'}"
    if placeholders.ends_open(markdown):
        raise Refused(
            _("A passage of code (```) is not closed, and would swallow what follows. Close it."), field=field
        )
    filled = facts.fill("", "", markdown, locale=locale or settings.LANGUAGE_CODE)
    missing = [problem.code for problem in filled.problems]
    if any(sort == placeholders.BLOCK for sort, _key in placeholders.mentioned(markdown)):
        raise Refused(_("A block cannot hold another block. Write the words themselves."), field=field)
    if missing:
        raise Refused(
            _("There is no such fact, or it has no value yet: %(codes)s.") % {"codes": ", ".join(missing)}, field=field
        )


def _detail(piece: Piece, before: PieceVersion | None, after: PieceVersion) -> dict[str, Any]:
    return {
        "change": refilling.told(piece, before, after, settings.LANGUAGE_CODE),
        "values": _written(piece, after),
        "at": after.effective_at.isoformat(),
    }


def _written(piece: Piece, version: PieceVersion) -> dict[str, str]:
    """By locale, as an editor writes it; of a block only the beginning."""
    return {locale or "all": fact_kinds.write(piece.kind, value)[:300] for locale, value in version.values.items()}
