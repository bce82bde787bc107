"""Articles that many journeys begin with are brought in by the first of a process and put back for the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from tests import emptying


@dataclass(frozen=True)
class _Kept:
    rows: dict[str, bytes]  # table -> what COPY wrote
    index: dict[Path, bytes]


_kept: dict[str, _Kept] = {}


def once(name: str, make: Callable[[], object]) -> None:
    """The rows, and the files in SEARCH_INDEX_DIR, that `make` makes in an empty database.

    What depends on the hour, and what lies in a folder beside the index, is no matter for it.
    """
    if not emptying.may_switch_triggers_off():
        make()
        return
    if name not in _kept:
        make()
        _kept[name] = _Kept(_rows(), _files(Path(settings.SEARCH_INDEX_DIR)))
        return
    kept = _kept[name]
    for path, content in kept.index.items():
        file = Path(settings.SEARCH_INDEX_DIR) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    with transaction.atomic(), connection.cursor() as cursor:
        # Foreign keys held when the rows were written, and what triggers would write is among them. Sequences have
        # gone on from there: no later row takes a key of these.
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, rows in kept.rows.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(rows)


def demo_with_reasons() -> None:
    """All articles of the demo, and the reasons to write that its contact form knows."""
    demo = settings.BASE_DIR / "demo"

    def bring_in() -> None:
        call_command("load_reasons", demo / "reasons.yaml", verbosity=0)
        call_command("import_articles", demo / "articles", source="demo", verbosity=0)

    once("the demo's articles and reasons", bring_in)


def _rows() -> dict[str, bytes]:
    found = {}
    with connection.cursor() as cursor:
        for table in emptying.tables():
            with cursor.copy(f"COPY (SELECT * FROM {table}) TO STDOUT") as copy:
                rows = b"".join(bytes(block) for block in copy)
            if rows:
                found[table] = rows
    return found


def _files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
