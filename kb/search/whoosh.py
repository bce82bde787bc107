"""The search engine on Whoosh 2.7.4: its index of segments, and beside each segment its arrays, which searches read.

    <folder>/current           the name of the folder that serves
    <folder>/g000012/          one generation, never altered once it serves: an index a language, manifest.json
    <folder>/commit-…/         a commit in progress; after a crash the next commit clears it away
    <folder>/rebuild-…/        a rebuild in progress, beside the commits; after a crash the next one clears it away

A commit links the files of the last generation into a new folder, adds what is new and swaps `current`. So a reader
sees all of a commit or nothing of it, and a writer killed at any moment leaves the old generation as it was. Readers
never open Whoosh's own files (building.py writes them, segments.py reads them out once): its Searcher.refresh() brings
deleted documents back, and its matchers are a thousand times slower.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from kb.search import generations
from kb.search.building import Building
from kb.search.engine import Document, Drift, EngineUnavailable, Hit, IndexDamaged, Results, SearchRequest, Stats
from kb.search.generations import Generation
from kb.search.impacts import ImpactCache
from kb.search.language import Language

_KEPT = 3  # generations on disk: a reader may be opening one that served until now
_ATTEMPTS = 10  # to open the generation that serves, while a writer swaps
_TRUST_DAMAGE = 1.0  # seconds before a generation that could not be opened is tried again

Mark = tuple[int, int]
Found = TypeVar("Found")
CatchUp = Callable[[Building], AbstractContextManager[int]]


@dataclass(frozen=True)
class Layout:
    """What an index is made of, for its keeper."""

    segments: int
    deleted: int
    live: int
    path: str

    @property
    def deleted_share(self) -> float:
        return self.deleted / (self.deleted + self.live) if self.deleted else 0.0


class WhooshEngine:
    """See engine.Engine. One object serves all threads of a process; writing calls come from one process at a time."""

    name = "whoosh/2"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._current_file = str(folder / "current")  # asked for with every search
        self._cache = ImpactCache()
        self._open: tuple[Mark, Generation] | None = None
        self._refused: tuple[Mark, float, Exception] | None = None
        self._lock = threading.Lock()
        self._pending: dict[int, Document] = {}
        self._doomed: set[int] = set()

    # --- Reading ---

    def search(self, request: SearchRequest) -> Results:
        return self._ask(request.lang, lambda language: language.search(request)) or Results((), 0)

    def suggest(self, prefix: str, lang: str, *, limit: int = 8) -> Sequence[Hit]:
        return self._ask(lang, lambda language: language.suggest(prefix, limit)) or []

    def correct(self, text: str, lang: str) -> str:
        return self._ask(lang, lambda language: language.understand(SearchRequest(text, lang)).corrected) or text

    def known(self, text: str, lang: str) -> float:
        return self._ask(lang, lambda language: language.known(text)) or 0.0

    def similar(self, id: int, lang: str, *, limit: int = 3) -> Sequence[Hit]:
        return self._ask(lang, lambda language: language.similar(id, limit)) or []

    def generation(self) -> int:
        try:
            return self._current().number
        except IndexDamaged:
            return 0

    def verify(self, versions: Mapping[int, int]) -> Drift:
        have = self._versions(self._current())
        return Drift(
            missing=tuple(sorted(versions.keys() - have.keys())),
            stale=tuple(sorted(id for id, version in versions.items() if id in have and have[id] != version)),
            ghost=tuple(sorted(have.keys() - versions.keys())),
        )

    def stats(self) -> Stats:
        generation = self._current()
        return Stats(
            generation=generation.number,
            documents={lang: sum(one.live for one in held) for lang, held in generation.held.items()},
            bytes=generation.bytes,
            position=generation.position,
        )

    def layout(self) -> Layout:
        generation = self._current()
        every = [one for held in generation.held.values() for one in held]
        return Layout(
            segments=len(every),
            deleted=sum(len(one.gone) for one in every),
            live=sum(one.live for one in every),
            path=str(self._folder / generation.name),
        )

    def written_at(self) -> float:
        """When the index was last brought up to date, in seconds of this host's clock."""
        generation = self._current()
        try:
            return (self._folder / generation.name / "manifest.json").stat().st_mtime
        except OSError as error:
            raise IndexDamaged(f"{generation.name}/manifest.json: {error.strerror}") from error

    def check_every_byte(self) -> None:
        """Raise IndexDamaged where a byte of the index is not as it was written."""
        self._current().check_every_byte()

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._open[1].forget()
            self._open = self._refused = None

    def _ask(self, lang: str, question: Callable[[Language], Found]) -> Found | None:
        """What the language of the generation that serves answers; None where no document is in it."""
        generation = self._current()
        try:
            language = generation.language(lang)
            return question(language) if language else None
        except (IndexDamaged, EngineUnavailable) as error:
            if isinstance(error, IndexDamaged):
                generation.found_damaged(str(error))
            raise
        except Exception:
            # Altered bytes may raise anything before they are summed up; what is no fault of theirs is ours.
            try:
                generation.check_every_byte()
            except IndexDamaged as error:
                generation.found_damaged(str(error))
                raise
            raise

    def _current(self) -> Generation:
        """The generation that serves now; opened anew where a writer has swapped it."""
        for attempt in range(_ATTEMPTS):
            mark, name = self._serving()
            if (seen := self._open) is not None and seen[0] == mark:
                seen[1].look()
                return seen[1]
            with self._lock:
                if self._open is not None and self._open[0] == mark:
                    continue
                refused = self._refused
                if refused is not None and refused[0] == mark and time.monotonic() - refused[1] < _TRUST_DAMAGE:
                    raise refused[2]
                try:
                    before = self._open[1] if self._open is not None else None
                    opened = Generation(self._folder / name, self._cache, before)
                except IndexDamaged as error:
                    if attempt + 1 < _ATTEMPTS and self._serving()[0] != mark:
                        continue  # swapped and cleared away while we opened it
                    self._refused = (mark, time.monotonic(), error)
                    raise
                self._open, self._refused = (mark, opened), None
                if before is not None:
                    before.forget()
                return opened
        raise IndexDamaged("the index was swapped faster than it could be opened")

    def _serving(self) -> tuple[Mark, str]:
        """What `current` says; the mark changes with every swap."""
        try:
            stat = os.stat(self._current_file)
            mark = (stat.st_ino, stat.st_mtime_ns)
            if (seen := self._open) is not None and seen[0] == mark:
                return mark, ""
            return mark, Path(self._current_file).read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise IndexDamaged("there is no index yet") from error

    @staticmethod
    def _versions(generation: Generation) -> dict[int, int]:
        found: dict[int, int] = {}
        for lang in generation.held:
            if (language := generation.language(lang)) is not None:
                found |= language.versions()
        return found

    # --- Writing: one process at a time ---

    def version(self, id: int) -> int | None:
        """In which version the index has the document; None where it has not."""
        return self._current().version(id)

    def index(self, docs: Iterable[Document]) -> int:
        generation, taken = self._current(), 0
        for doc in docs:
            pending = self._pending.get(doc.id)
            have = pending.version if pending else generation.version(doc.id)
            if have is None or doc.version > have or (doc.id in self._doomed and doc.version == have):
                self._pending[doc.id] = doc
                self._doomed.discard(doc.id)
                taken += 1
        return taken

    def delete(self, ids: Iterable[int]) -> None:
        for id in ids:
            self._pending.pop(id, None)
            self._doomed.add(id)

    def commit(self, *, position: int) -> int:
        before = self._current()
        docs, doomed = list(self._pending.values()), {id for id in self._doomed if before.version(id) is not None}
        self._pending, self._doomed = {}, set()
        if not docs and not doomed:
            if position > before.position:
                before.manifest["position"] = before.position = position
                generations.write_manifest(self._folder / before.name, before.manifest)
            return before.number
        with self._building("commit") as folder:
            building = Building(folder, (self._folder / before.name, before))
            building.apply(docs, doomed)
            return self._swap(building, folder, position)

    def rebuild(self, docs: Iterable[Document], *, position: int, catch_up: CatchUp | None = None) -> int:
        """See engine.Engine. `catch_up` is entered once all is built and before the swap, and left after it.

        It applies to the building what has changed since `docs` were read, keeps other writers away until it is left,
        and gives the position up to which it has looked. Without it the caller is the only writer.
        """
        with self._building("rebuild") as folder:
            building = Building(folder)
            building.fill(docs)
            with catch_up(building) if catch_up else contextlib.nullcontext(position) as reached:
                return self._swap(building, folder, reached)

    @contextlib.contextmanager
    def _building(self, kind: str) -> Iterator[Path]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # private: Whoosh's files hold pickles
        for left_over in self._folder.glob(f"{kind}-*"):
            shutil.rmtree(left_over)
        folder = self._folder / f"{kind}-{os.getpid()}"
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _swap(self, building: Building, folder: Path, position: int) -> int:
        # Not from the old generation's number alone: its manifest may be what is damaged.
        numbers = [int(path.name[1:]) for path in self._folder.glob("g[0-9]*") if path.name[1:].isdigit()]
        number = max(numbers, default=0) + 1
        name = f"g{number:06d}"
        building.finish(number=number, position=position)
        folder.rename(self._folder / name)
        generations.replace_file(self._folder / "current", name)
        (self._folder / generations.DAMAGED).unlink(missing_ok=True)
        for path in sorted(self._folder.glob("g[0-9]*"))[:-_KEPT]:
            shutil.rmtree(path, ignore_errors=True)
        return number
