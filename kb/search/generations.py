"""One generation of the Whoosh index on disk: checked against its manifest, then opened."""

from __future__ import annotations

import json
import os
import shutil
import threading
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kb.search.engine import IndexDamaged
from kb.search.language import Language
from kb.search.whoosh_import import index


class Generation:
    """One generation on disk, opened language by language as they are asked for."""

    def __init__(self, folder: Path) -> None:
        try:
            self.manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
        except (OSError, ValueError) as error:
            raise IndexDamaged(f"{folder.name}: no readable manifest") from error
        self._folder = folder
        self._languages: dict[str, Language | None] = {}
        self._lock = threading.Lock()
        self._check()

    def language(self, lang: str) -> Language | None:
        """None where no document is in this language."""
        with self._lock:
            if lang not in self._languages:
                self._languages[lang] = self._open(lang)
            return self._languages[lang]

    def languages(self) -> list[str]:
        return sorted({name.partition("/")[0] for name in self.manifest["files"]})

    def close(self) -> None:
        for language in self._languages.values():
            if language is not None:
                language.close()

    def _open(self, lang: str) -> Language | None:
        if lang not in self.languages():
            return None
        try:
            reader = index.open_dir(str(self._folder / lang)).reader()
            return Language(reader, lang)
        except Exception as error:  # Whoosh raises whatever its pickles and structs do
            raise IndexDamaged(f"{self._folder.name}/{lang}: {error}") from error

    def _check(self) -> None:
        for name, (size, crc) in self.manifest["files"].items():
            try:
                content = (self._folder / name).read_bytes()
            except OSError as error:
                raise IndexDamaged(f"{self._folder.name}/{name}: {error.strerror}") from error
            if len(content) != size or zlib.crc32(content) != crc:
                raise IndexDamaged(f"{self._folder.name}/{name}: not as it was written")


def link_files(old: Path, new: Path, names: Iterable[str]) -> None:
    for name in names:
        (new / name).parent.mkdir(exist_ok=True, mode=0o700)
        try:
            os.link(old / name, new / name)
        except OSError:  # a file system without links
            shutil.copy2(old / name, new / name)


def replace_file(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(path)
