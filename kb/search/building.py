"""A new generation of the Whoosh index in the making: the one place that writes with Whoosh.

It lives in a folder of its own until it is finished, so whatever ends the writer leaves the serving one as it was. What
it does not alter is linked from the generation before; no file is ever altered, only left out or added. What it costs
depends on what changes, not on how much there is.
"""

from __future__ import annotations

import contextlib
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kb.search import analysis, arrays, generations, segments
from kb.search.arrays import ArrayFile
from kb.search.engine import Document
from kb.search.generations import Generation
from kb.search.pool import SegmentWriter
from kb.search.segments import NONE_GONE, Held, Segment
from kb.search.whoosh_import import analysis as whoosh_analysis
from kb.search.whoosh_import import fields, index, reading

_GIST_WORDS = 40  # of a document's own words are kept to find similar ones
_SMALL = (16, 128)  # live documents of segments that are merged once there are _MANY of them, most first
_MANY = 8


class Stems(whoosh_analysis.Analyzer):  # type: ignore[misc]
    """Our stems as Whoosh's tokens, of a text or of stems made already. Whoosh pickles it: it carries no stemmer."""

    def __init__(self, lang: str) -> None:
        self.lang = lang

    def __call__(self, value: str | list[str], **_options: Any) -> Iterator[Any]:
        token = whoosh_analysis.Token()
        token.boost, token.stopped = 1.0, False
        for token.text in analysis.for_language(self.lang).stems(value) if isinstance(value, str) else value:
            yield token


def _schema(lang: str) -> Any:
    stems = Stems(lang)
    return fields.Schema(
        id=fields.STORED,
        version=fields.STORED,
        category=fields.STORED,
        visibility=fields.STORED,
        title=fields.TEXT(analyzer=stems, phrase=False),
        body=fields.TEXT(analyzer=stems, phrase=False),
        words=fields.STORED,  # each once, as written: for the lexicon
        gist=fields.STORED,
        heading=fields.STORED,
    )


class Building:
    """A generation being made in `folder`, which must not be there yet, on top of `before` where that is given."""

    def __init__(self, folder: Path, before: tuple[Path, Generation] | None = None) -> None:
        self._folder = folder
        self._held: dict[str, list[Held]] = {}
        self._known: dict[str, list[int]] = {}
        folder.mkdir(mode=0o700)
        if before is not None:
            path, generation = before
            generations.link_files(path, folder, generation.files)
            self._held = {lang: list(held) for lang, held in generation.held.items()}
            self._known = generation.files

    def version(self, id: int) -> int | None:
        """The version in which it holds the document."""
        for held in self._held.values():
            for one in held:
                if (number := one.number(id)) >= 0:
                    return int(one.segment.versions[number])
        return None

    def fill(self, docs: Iterable[Document]) -> None:
        """Take a whole collection, language by language into one segment each, document by document."""
        with contextlib.ExitStack() as stack:
            writers: dict[str, _LanguageWriter] = {}
            for doc in docs:
                if doc.lang not in writers:
                    writers[doc.lang] = stack.enter_context(_LanguageWriter(self._folder / doc.lang, doc.lang))
                writers[doc.lang].add(doc)
            for lang, writer in writers.items():
                self._held[lang] = writer.finish([])

    def apply(self, docs: Iterable[Document], doomed: Iterable[int] = ()) -> None:
        """Take these documents in place of what there is of them, and leave the doomed ones out."""
        by_language: dict[str, list[Document]] = {}
        leaving = set(doomed)
        for doc in docs:
            by_language.setdefault(doc.lang, []).append(doc)
            leaving.add(doc.id)
        for lang in sorted(self._held.keys() | by_language.keys()):
            held = self._held.get(lang, [])
            gone = [[n for id in leaving if (n := one.number(id)) >= 0] for one in held]
            if any(gone) or lang in by_language:
                with _LanguageWriter(self._folder / lang, lang) as writer:
                    writer.leave_out(held, gone)
                    for doc in by_language.get(lang, []):
                        writer.add(doc)
                    self._held[lang] = writer.finish(held)

    def finish(self, *, number: int, position: int) -> None:
        """Write the manifest; then the folder may be given its place."""
        files: dict[str, list[int]] = {}
        for lang in self._held:
            for path in sorted((self._folder / lang).iterdir()):
                if path.name.endswith("LOCK"):
                    path.unlink()  # a linked lock file would be one lock for two generations
                    continue
                name = f"{lang}/{path.name}"
                files[name] = self._known.get(name) or [path.stat().st_size, _crc(path)]
        languages = {lang: [[one.name, one.gone_name] for one in held] for lang, held in self._held.items()}
        manifest = {"generation": number, "position": position, "files": files, "languages": languages}
        generations.write_manifest(self._folder, manifest)


class _LanguageWriter:
    """One Whoosh writer: leave_out, add, finish. Leaving it unfinished drops what it did."""

    def __init__(self, folder: Path, lang: str) -> None:
        self._folder, self._lang = folder, lang
        if folder.exists():
            self._index = index.open_dir(str(folder))
        else:
            folder.mkdir(mode=0o700)
            self._index = index.create_in(str(folder), _schema(lang))
        self._writer = SegmentWriter(self._index)

    def __enter__(self) -> _LanguageWriter:
        return self

    def __exit__(self, *_error: object) -> None:
        if not self._writer.is_closed:
            # Not cancel(): after a write that failed it fails too, by another error. The folder is dropped anyway.
            self._writer.writelock.release()
        self._index.close()

    def add(self, doc: Document) -> None:
        language = analysis.for_language(doc.lang)
        title, body = language.words(doc.title), language.words(doc.body)
        self._writer.add_document(
            id=doc.id,
            version=doc.version,
            category=doc.category,
            visibility=doc.visibility,
            title=[language.stem(word) for word in title],
            body=[language.stem(word) for word in body],
            words=" ".join({word for word in (*title, *body) if word.isalpha()}),
            gist=_gist(language, title, body),
            heading=doc.title,
        )

    def leave_out(self, held: list[Held], gone: list[list[int]]) -> None:
        """Delete documents by the numbers in the segments as they are held."""
        numbers = {one.name: found for one, found in zip(held, gone, strict=True)}
        for segment in self._writer.segments:
            for number in numbers[_name(segment)]:
                segment.delete_document(number)

    def finish(self, held: list[Held]) -> list[Held]:
        """Commit; returns the segments that there are now."""
        known = {one.name: one for one in held}
        self._writer.commit(mergetype=lambda writer, found: _merge(writer, found, known))
        found = []
        for segment in self._index._segments():
            name = _name(segment)
            if (one := known.get(name)) is None:
                reader = reading.SegmentReader(self._index.storage, self._index.schema, segment)
                with contextlib.closing(reader):
                    arrays.write(self._folder / name, segments.read(reader, self._writer.pool, self._lang))
                one = Held(Segment(ArrayFile(self._folder / name)), name, NONE_GONE)
            found.append(self._with_deletions(one, segment))
        return found

    def _with_deletions(self, one: Held, segment: Any) -> Held:
        if segment.deleted_count() == len(one.gone):
            return one
        gone = np.array(sorted(segment.deleted_docs()), np.uint32)
        # Another name for other contents: a file that generations share is never altered.
        name = f"{one.name}-{len(gone)}"
        arrays.write(self._folder / name, {"gone": gone})
        if one.gone_name:
            (self._folder / one.gone_name).unlink()
        return Held(one.segment, one.name, gone, name)


def _name(segment: Any) -> str:
    # Starts as the segment's own files do, so that Whoosh clears it away with them.
    return f"{segment.segment_id()}.arrays"


def _merge(writer: SegmentWriter, found: list[Any], known: Mapping[str, Held]) -> list[Any]:
    """Whoosh's merge policy of ours: only small segments, so that no commit waits for a large merge."""
    kept = [segment for segment in found if segment.doc_count() > 0]
    for most in _SMALL:
        small = [segment for segment in kept if segment.doc_count() <= most]
        if len(small) >= _MANY:
            for segment in small:
                with contextlib.closing(reading.SegmentReader(writer.storage, writer.schema, segment)) as reader:
                    writer.take_over(reader, known[_name(segment)].segment.all_postings())
            return [segment for segment in kept if segment not in small]
    return kept


def _crc(path: Path) -> int:
    crc = 0
    with path.open("rb") as file:
        for chunk in iter(lambda: file.read(1 << 20), b""):
            crc = zlib.crc32(chunk, crc)
    return crc


def _gist(language: analysis.Analysis, title: list[str], body: list[str]) -> list[tuple[str, int]]:
    counts = Counter(
        language.stem(word)
        for word in [*title * 3, *body]
        if len(word) > 2 and not language.is_stop(word) and not word.isdigit()
    )
    return counts.most_common(_GIST_WORDS)
