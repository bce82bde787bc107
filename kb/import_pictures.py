"""The pictures of an import: files beside the texts become pictures of ours, and the texts say so.

A picture is made by the same code as one that an editor uploads. It is made before the batch that shows it begins, so
that no transaction waits for it; one that no text shows in the end goes after 30 days, as all do. A file that cannot be
a picture blocks nothing: its text keeps the address that it had, readers see the words, and the report says why.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from django.contrib.auth.models import User

from kb import picture_files, pictures
from kb.models import Picture
from kb.porting.facts import ImportedArticle, ImportedPicture, ImportedPiece, Note, Problem
from kb.porting.package import Package, Refused
from kb.porting.pictures import Files, Shown, digest_of, replaced, shown
from kb.rendering_blocks import picture_reference

MOST = 100  # pictures of one article
_TO_DO_MISSING = "Put the file there, or upload it on the desk."


@dataclass(frozen=True)
class _Made:
    """What came of a file: what a text says of it, or why not."""

    reference: str = ""
    refusal: str = ""


class Pictures:
    """Those of one import. `alive` is called after each picture that took its time."""

    def __init__(self, package: Package, *, is_dry: bool, by: User | None, alive: Callable[[], None]) -> None:
        self._package = package
        self._files = Files(package.names)
        self._is_dry = is_dry
        self._by = by
        self._alive = alive
        self._made: dict[str, _Made] = {}  # by the file's name
        self._sums: dict[str, str] = {}
        self._here: dict[str, bool] = {}  # by digest: whether the help centre has it, or would

    def weighed(self, item: ImportedArticle) -> tuple[ImportedArticle, int]:
        """The article with a mark that changes when its pictures' files do; and how many it shows."""
        names = {self._files.find(one, item.file) for text in _texts(item) for one in shown(text)} - {""}
        if not names:
            return item, 0
        said = [item.digest(), *sorted(f"{name}:{self._sum(name)}" for name in names)]
        return replace(item, mark=_sum("\n".join(said))), len(names)

    def taken(self, item: ImportedArticle, known: Collection[str]) -> ImportedArticle:
        """The article with our names of its pictures, each made where it is new.

        `known` are the marks under which it was stored: with one of them there is nothing to do, unless something was
        refused then.
        """
        if item.mark and item.mark in known:
            return item
        notes: dict[Note, None] = {}
        made = self._texts_with(item, notes)
        done = replace(made, notes=(*item.notes, *notes))
        return replace(done, mark=incomplete(item.mark)) if any(note.is_refusal for note in notes) else done

    def piece(self, item: ImportedPiece) -> tuple[ImportedPiece, Problem | None]:
        """The block with our names of its pictures, and the first thing that is to be told of them."""
        notes: dict[Note, None] = {}
        versions = tuple(
            (since, {locale: self._text(text, item.file, notes) for locale, text in says.items()})
            for since, says in item.versions
        )
        problems = [Problem(item.file, item.row, item.key, note.what, note.to_do) for note in notes]
        return replace(item, versions=versions), next(iter(problems), None)

    def store(self, item: ImportedPicture) -> Problem | None:
        """A picture of an export of ours, as it is."""
        if self._is_here(item.digest):
            return None
        try:
            made = picture_files.made_elsewhere(item.webp, digest=item.digest)
        except picture_files.Refused as refused:
            return Problem(item.file, item.row, "webp", str(refused), "The articles come in without it.")
        self._keep(made, item.name)
        self._alive()
        return None

    def expect(self, item: ImportedPicture) -> None:
        """An earlier try of this import has seen it."""
        self._here[item.digest] = True

    def _texts_with(self, item: ImportedArticle, notes: dict[Note, None]) -> ImportedArticle:
        def ours(text: str) -> str:
            return self._text(text, item.file, notes)

        return replace(
            item,
            body=ours(item.body),
            draft=(*item.draft[:2], ours(item.draft[2])) if item.draft else None,
            revisions=tuple(replace(old, body=ours(old.body)) for old in item.revisions),
        )

    def _text(self, text: str, file: str, notes: dict[Note, None]) -> str:
        count = 0

        def name(one: Shown) -> str:
            nonlocal count
            if one.digest and self._is_here(one.digest):
                return ""
            if not (found := self._files.find(one, file)):
                if reference := _exported(one):
                    return reference
                notes[_missing(one)] = None
                return ""
            count += 1
            if count > MOST:
                what = f"It shows more than {MOST} pictures; the others were not brought in."
                notes[Note("body", what, "Split the article.", is_refusal=True)] = None
                return ""
            made = self._of(found)
            if made.refusal:
                what = f"The picture {found} was refused: {made.refusal}"
                notes[Note("body", what, "Until then readers see its words.", is_refusal=True)] = None
            elif one.words is not None and not one.words.strip():
                what = f"The picture {found} has no words for whoever does not see it."
                notes[Note("body", what, "Write what it shows between the brackets.")] = None
            return made.reference

        return replaced(text, name)

    def _of(self, name: str) -> _Made:
        if name not in self._made:
            self._made[name] = self._make(name)
            self._alive()
        return self._made[name]

    def _make(self, name: str) -> _Made:
        try:
            content = self._package.read(name, most=picture_files.MAX_BYTES)
            digest = digest_of(name)
            if digest and hashlib.sha256(content).hexdigest().startswith(digest):
                if size := Picture.objects.filter(pk=digest).values_list("width", "height").first():
                    return _Made(reference=picture_reference(digest, *size))
                made = picture_files.made_elsewhere(content, digest=digest)
            else:
                made = picture_files.make(io.BytesIO(content), size=len(content), name=name.rpartition("/")[2])
        except Refused as refused:
            return _Made(refusal=f"{refused.problem.what} {refused.problem.to_do}")
        except picture_files.Refused as refused:
            return _Made(refusal=str(refused))
        self._keep(made, name.rpartition("/")[2])
        return _Made(reference=picture_reference(made.digest, made.width, made.height))

    def _keep(self, made: picture_files.Made, name: str) -> None:
        self._here[made.digest] = True
        if not self._is_dry:
            pictures.store(made, name=name, by=self._by)

    def _is_here(self, digest: str) -> bool:
        if not self._here.get(digest):
            self._here[digest] = Picture.objects.filter(pk=digest).exists()
        return self._here[digest]

    def _sum(self, name: str) -> str:
        if name not in self._sums:
            try:
                self._sums[name] = hashlib.sha256(self._package.read(name, most=picture_files.MAX_BYTES)).hexdigest()
            except Refused as refused:
                self._sums[name] = refused.problem.what
        return self._sums[name]


def incomplete(mark: str) -> str:
    """The mark of an article some of whose pictures were refused: the next import tries them again."""
    return _sum(f"without some of its pictures {mark}")


def _texts(item: ImportedArticle) -> Sequence[str]:
    return [item.body, *(old.body for old in item.revisions), *([item.draft[2]] if item.draft else [])]


def _exported(one: Shown) -> str:
    """Our name of a picture that is here, where only the table of an export came back and not its files."""
    digest = digest_of(one.address)
    size = Picture.objects.filter(pk=digest).values_list("width", "height").first() if digest else None
    return picture_reference(digest, *size) if size else ""


def _missing(one: Shown) -> Note:
    if one.digest:
        return Note("body", f"The picture {one.digest} is neither here nor in the import.", "Upload it on the desk.")
    return Note("body", f"The picture {one.address[:200]} is not among the files.", _TO_DO_MISSING)


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
