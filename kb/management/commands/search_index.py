"""manage.py search_index rebuild | verify | stats | run"""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import asdict
from typing import Any

from django.core.checks import Tags
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kb import search
from kb.search import indexer, indexing
from kb.search.engine import Drift, EngineUnavailable, IndexDamaged
from kb.search.whoosh import WhooshEngine

_NAMED = 20  # ids of each kind that are named


class Command(BaseCommand):
    help = (
        "The search index of this host. rebuild: make it anew from the database, while the old one serves. verify: "
        "compare it with the database (exit code 1: differs). stats: what is in it and how far it is behind. run: "
        "keep it up to date until stopped."
    )
    requires_system_checks = [Tags.compatibility]  # of the settings; all would import every page

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["rebuild", "verify", "stats", "run"])
        parser.add_argument("--json", action="store_true", help="verify and stats: for machines")

    def handle(self, *, action: str, json: bool, **options: Any) -> None:
        self._is_json = json
        try:
            getattr(self, f"_{action}")()
        except IndexDamaged as error:
            raise CommandError(f"The index cannot be used: {error}. Run: manage.py search_index rebuild") from error
        except EngineUnavailable as error:
            raise CommandError(f"The search engine does not answer: {error}") from error
        except indexing.WriterBusy as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The index could not be written: {error}. What there was serves on.") from error

    def _run(self) -> None:
        asked: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: asked.append(number))
        indexer.run(stopped=lambda: bool(asked))

    def _rebuild(self) -> None:
        started = time.monotonic()
        told, is_terminal = 0, self.stdout.isatty()

        def tell(done: int, total: int) -> None:
            nonlocal told
            share = done * 100 // total
            if share < told + (1 if is_terminal else 10) and done < total:
                return
            told = share
            rate = done / max(time.monotonic() - started, 1e-6)
            line = f"{done} of {total} articles, {rate:.0f} a second, {(total - done) / rate:.0f} s to go"
            self.stdout.write(f"\r{line:<78}" if is_terminal else line, ending="" if is_terminal else "\n")
            self.stdout.flush()

        indexing.rebuild(progress=tell)
        if is_terminal:
            self.stdout.write("")
        self.stdout.write(f"rebuilt in {time.monotonic() - started:.1f} s")
        self._stats()

    def _verify(self) -> None:
        engine = search.engine()
        if isinstance(engine, WhooshEngine):
            engine.check_every_byte()
        drift = indexing.verify()
        self.stdout.write(json.dumps(asdict(drift)) if self._is_json else _in_words(drift))
        if drift:
            sys.exit(1)

    def _stats(self) -> None:
        engine = search.engine()
        stats, lag = engine.stats(), indexing.lag()
        rows: dict[str, object] = {
            "engine": engine.name,
            "generation": stats.generation,
            "documents": dict(stats.documents),
            "bytes": stats.bytes,
            "position": stats.position,
            "lag_articles": lag.articles,
            "lag_seconds": round(lag.seconds, 3),
            "has_indexer": indexing.has_indexer(),
        }
        if isinstance(engine, WhooshEngine):
            layout = engine.layout()
            rows |= {"segments": layout.segments, "deleted_share": round(layout.deleted_share, 4), "path": layout.path}
        if self._is_json:
            self.stdout.write(json.dumps(rows))
            return
        rows["documents"] = ", ".join(f"{count} {lang}" for lang, count in stats.documents.items()) or "none"
        rows["bytes"] = f"{stats.bytes:,}"
        for name, value in rows.items():
            self.stdout.write(f"{name.replace('_', ' '):<14} {value}")


def _in_words(drift: Drift) -> str:
    if not drift:
        return "The index holds what is published, and nothing else."
    kinds = (
        (drift.missing, "published, but not in the index"),
        (drift.stale, "in the index in an old version"),
        (drift.ghost, "in the index, but not published"),
    )
    lines = []
    for ids, what in kinds:
        if ids:
            more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
            lines.append(f"{len(ids)} {what}: article {', '.join(map(str, ids[:_NAMED]))}{more}")
    return "\n".join(
        [*lines, "The indexer (search_index run) brings changes in within a second; else: search_index rebuild"]
    )
