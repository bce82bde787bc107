"""The search engine on Whoosh 2.7.4: its index of segments, our scoring (scoring.py) and spelling.

    <folder>/current           the name of the folder that serves
    <folder>/g000012/          one generation, never altered once it serves: a Whoosh index a language, manifest.json
    <folder>/building-…/       a commit in progress; after a crash the next commit clears it away

A commit links the files of the last generation into a new folder, lets Whoosh write there, and swaps `current`. So a
reader sees all of a commit or nothing of it, and a writer killed at any moment leaves the old generation as it was.
Never Searcher.refresh(): it brings deleted documents back. A new generation gets new readers.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from kb.search import analysis, generations
from kb.search.engine import Document, Drift, Hit, IndexDamaged, Results, SearchRequest, Stats
from kb.search.generations import Generation
from kb.search.understanding import understand
from kb.search.whoosh_import import analysis as whoosh_analysis
from kb.search.whoosh_import import fields, index

_GIST_WORDS = 40  # of a document's own words are kept to find similar ones
_KEPT = 2  # generations on disk: a reader may be opening the last but one


class Stems(whoosh_analysis.Analyzer):  # type: ignore[misc]
    """Our stems as Whoosh's tokens. Whoosh pickles it with the index, so it carries no stemmer."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, value: str, **_options: Any) -> Iterator[Any]:
        token = whoosh_analysis.Token()
        token.boost, token.stopped = 1.0, False
        for token.text in analysis.for_language(self.lang).stems(value):
            yield token


def _schema(lang: str) -> Any:
    stems = Stems(lang)
    return fields.Schema(
        key=fields.ID(unique=True),
        id=fields.STORED,
        version=fields.STORED,
        title=fields.TEXT(analyzer=stems, phrase=False),
        body=fields.TEXT(analyzer=stems, phrase=False),
        words=fields.STORED,  # each once, as written: the lexicon of the speller
        gist=fields.STORED,
        heading=fields.STORED,
    )


class WhooshEngine:
    """See engine.Engine. One object serves all threads of a process; writing calls come from one process at a time."""

    name = "whoosh/1"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: tuple[tuple[int, int], Generation] | None = None
        self._lock = threading.Lock()
        self._pending: dict[int, Document] = {}
        self._doomed: set[int] = set()

    # --- Reading ---

    def search(self, request: SearchRequest) -> Results:
        language = self._current().language(request.lang)
        if language is None:
            return Results((), 0)
        understood = understand(
            request.text, language.analysis, language, request.synonyms, is_verbatim=request.is_verbatim
        )
        terms = dict(understood.terms)
        if request.max_terms is not None and len(terms) > request.max_terms:
            terms = language.rarest(terms, request.max_terms)
        ranked, total = language.collection.top(terms, request.offset + request.k)
        return Results(
            hits=tuple(language.hit(score, number) for score, number in ranked[request.offset :]),
            total=total,
            corrected=understood.corrected,
            terms=understood.meant,
            phrases=understood.phrases,
            known=understood.known,
        )

    def suggest(self, prefix: str, lang: str, *, limit: int = 8) -> Sequence[Hit]:
        language = self._current().language(lang)
        return language.suggest(prefix, limit) if language else []

    def correct(self, text: str, lang: str) -> str:
        language = self._current().language(lang)
        return (understand(text, language.analysis, language).corrected if language else "") or text

    def known(self, text: str, lang: str) -> float:
        language = self._current().language(lang)
        return understand(text, language.analysis, language, is_verbatim=True).known if language else 0.0

    def similar(self, id: int, lang: str, *, limit: int = 3) -> Sequence[Hit]:
        language = self._current().language(lang)
        return language.similar(id, limit) if language else []

    def generation(self) -> int:
        try:
            return int(self._current().manifest["generation"])
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
            generation=generation.manifest["generation"],
            documents={lang: generation.language(lang).collection.count for lang in generation.languages()},  # type: ignore[union-attr]
            bytes=sum(size for size, _crc in generation.manifest["files"].values()),
            position=generation.manifest["position"],
        )

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._open[1].close()
                self._open = None

    def _current(self) -> Generation:
        """The generation that serves now; opened anew where another process has swapped it."""
        for attempt in (1, 2, 3):
            try:
                stat = os.stat(self._folder / "current")
                mark = (stat.st_ino, stat.st_mtime_ns)
                if (seen := self._open) is not None and seen[0] == mark:
                    return seen[1]
                with self._lock:
                    if self._open is None or self._open[0] != mark:
                        name = (self._folder / "current").read_text()
                        # The old one is not closed: other threads may be reading it. It goes with its last reader.
                        self._open = (mark, Generation(self._folder / name))
                    return self._open[1]
            except OSError as error:
                raise IndexDamaged("there is no index yet") from error
            except IndexDamaged:
                # Perhaps only cleared away by a writer two generations on, between our two looks.
                if attempt == 3:
                    raise
        raise AssertionError("unreachable")

    @staticmethod
    def _versions(generation: Generation) -> dict[int, int]:
        have: dict[int, int] = {}
        for lang in generation.languages():
            if (language := generation.language(lang)) is not None:
                have |= language.versions()
        return have

    # --- Writing ---

    def index(self, docs: Iterable[Document]) -> int:
        have = self._versions(self._current())
        newer = {doc.id: doc for doc in docs if doc.version > have.get(doc.id, -1)}
        self._pending |= newer
        return len(newer)

    def delete(self, ids: Iterable[int]) -> None:
        self._doomed |= set(ids) & self._versions(self._current()).keys()

    def commit(self, *, position: int) -> int:
        old = self._current()
        number = int(old.manifest["generation"])
        if not self._pending and not self._doomed:
            if position > old.manifest["position"]:
                old.manifest["position"] = position
                generations.replace_file(self._folder / f"g{number:06d}" / "manifest.json", json.dumps(old.manifest))
            return number
        with self._building() as building:
            generations.link_files(self._folder / f"g{number:06d}", building, old.manifest["files"])
            touched = {doc.lang for doc in self._pending.values()} | set(old.languages())
            for lang in sorted(touched):
                self._write(building / lang, lang)
            self._swap(building, number + 1, position, known=old.manifest["files"])
        return number + 1

    def rebuild(self, docs: Iterable[Document], *, position: int) -> int:
        # Not from the old generation's number alone: its manifest may be what is damaged.
        numbers = [int(path.name[1:]) for path in self._folder.glob("g[0-9]*") if path.name[1:].isdigit()]
        number = max(numbers, default=0) + 1
        self._pending, self._doomed = {doc.id: doc for doc in docs}, set()
        with self._building() as building:
            for lang in sorted({doc.lang for doc in self._pending.values()}):
                self._write(building / lang, lang)
            self._swap(building, number, position, known={})
        return number

    @contextlib.contextmanager
    def _building(self) -> Iterator[Path]:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # private: Whoosh's files hold pickles
        for left_over in self._folder.glob("building-*"):
            shutil.rmtree(left_over)
        building = self._folder / f"building-{os.getpid()}"
        building.mkdir(mode=0o700)
        try:
            yield building
        finally:
            shutil.rmtree(building, ignore_errors=True)
            self._pending, self._doomed = {}, set()

    def _write(self, folder: Path, lang: str) -> None:
        docs = [doc for doc in self._pending.values() if doc.lang == lang]
        if not folder.exists():
            folder.mkdir(mode=0o700)
            whoosh_index = index.create_in(str(folder), _schema(lang))
        else:
            whoosh_index = index.open_dir(str(folder))
        writer = whoosh_index.writer(limitmb=64)
        # A document that changed its language leaves its old one too.
        for id in self._doomed | self._pending.keys():
            writer.delete_by_term("key", str(id))
        for doc in docs:
            writer.add_document(
                key=str(doc.id),
                id=doc.id,
                version=doc.version,
                title=doc.title,
                body=doc.body,
                words=" ".join(sorted(set(analysis.words(f"{doc.title}\n{doc.body}")))),
                gist=_gist(doc),
                heading=doc.title,
            )
        writer.commit()
        whoosh_index.close()

    def _swap(self, building: Path, number: int, position: int, *, known: Mapping[str, Any]) -> None:
        files: dict[str, Any] = {}
        for path in sorted(building.glob("*/*")):
            name = f"{path.parent.name}/{path.name}"
            if path.name.endswith("LOCK"):
                path.unlink()  # a linked lock file would be one lock for two generations
                continue
            files[name] = known.get(name) or [path.stat().st_size, zlib.crc32(path.read_bytes())]
        manifest = {"generation": number, "position": position, "files": files}
        (building / "manifest.json").write_text(json.dumps(manifest))
        name = f"g{number:06d}"
        building.rename(self._folder / name)
        generations.replace_file(self._folder / "current", name)
        for path in sorted(self._folder.glob("g[0-9]*"))[:-_KEPT]:
            shutil.rmtree(path, ignore_errors=True)


def _gist(doc: Document) -> list[tuple[str, int]]:
    language = analysis.for_language(doc.lang)
    counts = Counter(
        language.stem(word)
        for word in [*analysis.words(doc.title) * 3, *analysis.words(doc.body)]
        if len(word) > 2 and not language.is_stop(word) and not word.isdigit()
    )
    return counts.most_common(_GIST_WORDS)
