"""Facts and blocks that come along with articles (kb/porting/piece_entries.py), and as an export writes them.

Only those that are not there yet are made: what an editor has changed since stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.conf.locale import LANG_INFO

from core import clock
from kb import fact_kinds, pieces
from kb.models import Piece, PieceKind, PieceSort, PieceVersion
from kb.porting.facts import ImportedPiece, Problem
from kb.porting.piece_entries import EVERYWHERE, FILE


def near(*paths: Path | None) -> Path | None:
    """The nearest facts.yaml: beside one of `paths`, or in one of the two folders above it."""
    folders = [path if path.is_dir() else path.parent for path in paths if path is not None]
    candidates = [folder for path in folders for folder in (path, *list(path.resolve().parents)[:2])]
    return next((found for folder in candidates if (found := folder / FILE).is_file()), None)


def is_here(sort: str, key: str) -> bool:
    return Piece.objects.filter(sort=sort, key=key).exists()


def check(item: ImportedPiece) -> Problem | None:
    """What can be said against it before it is made; of a block not whether there are the facts that it holds."""
    kind = item.kind
    if kind not in PieceKind.values or (kind == PieceKind.MARKDOWN) != (item.sort == PieceSort.BLOCK):
        kinds = ", ".join(value for value in PieceKind.values if value != PieceKind.MARKDOWN)
        return Problem(item.file, item.row, "kind", f"There is no kind {kind!r}.", f"Choose one of {kinds}.")
    codes = {code for _, says in item.versions for code in says}
    if unknown := sorted(codes - {"", *LANG_INFO}):
        to_do = f"Write its code, or `{EVERYWHERE}`."
        return Problem(item.file, item.row, "says", f"{unknown[0]!r} is no language.", to_do)
    try:
        if item.sort == PieceSort.FACT:
            _values(item)
    except pieces.Refused as refused:
        return _refused(item, refused)
    return None


def store(item: ImportedPiece) -> Problem | None:
    """Make the fact or block, which is not there yet; or say why it cannot be made."""
    if problem := check(item):
        return problem
    try:
        (first, said), *more = _values(item)
        made = pieces.create(
            sort=item.sort,
            key=item.key,
            kind=item.kind,
            name=item.name,
            values=said,
            by=None,
            effective_at=first,
            more=more,
        )
        if item.is_archived:
            pieces.archive(made, by=None)
    except pieces.Refused as refused:
        return _refused(item, refused)
    return None


def _values(item: ImportedPiece) -> list[tuple[datetime, dict[str, Any]]]:
    """Oldest first. Raises pieces.Refused."""
    served, now = {"", *dict(settings.LANGUAGES)}, clock.now()
    read = [
        (since or now, pieces.read_values(item.kind, {code: text for code, text in says.items() if code in served}))
        for since, says in item.versions
    ]
    return sorted(read, key=lambda one: one[0])


def _refused(item: ImportedPiece, refused: pieces.Refused) -> Problem:
    return Problem(item.file, item.row, item.key, str(refused), "Then import again.")


def exported() -> Iterator[dict[str, Any]]:
    """Every fact, then every block, as piece_entries reads it; each with all that it ever said or will say."""
    now = clock.now()
    for piece in Piece.objects.order_by("-sort", "key").prefetch_related("versions"):
        versions = sorted(
            (version for version in piece.versions.all() if version.withdrawn_at is None),
            key=lambda version: (version.effective_at, version.pk),
        )
        current = next((version for version in reversed(versions) if version.effective_at <= now), None)
        said: dict[str, Any] = {piece.sort: piece.key, "name": piece.name}
        if piece.sort == PieceSort.FACT:
            said["kind"] = piece.kind
        if current is not None:
            said |= _version(piece, current)
        if others := [_version(piece, version) for version in versions if version is not current]:
            said["versions"] = others
        if piece.archived_at is not None:
            said["archived"] = True
        if versions:
            yield said


def texts(entry: Mapping[str, Any]) -> Iterator[str]:
    """All that an entry of exported() says."""
    for one in (entry, *entry.get("versions", ())):
        says = one.get("says", "")
        yield from says.values() if isinstance(says, dict) else [says]


def _version(piece: Piece, version: PieceVersion) -> dict[str, Any]:
    says = {locale or EVERYWHERE: fact_kinds.write(piece.kind, value) for locale, value in version.values.items()}
    since: datetime = version.effective_at
    return {"says": says[EVERYWHERE] if set(says) == {EVERYWHERE} else says, "from": since.isoformat()}
