"""Static files as a public host serves them: compressed, named by their content, without our own comments.

The comments are for us; on the way to a phone they would be a fifth of the style.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

_PARTS = re.compile(r"""("[^"]*"|'[^']*')|/\*.*?\*/|\s+""", re.DOTALL)
_COMMENT_LINES = re.compile(r"^[ \t]*(//.*)?\n", re.MULTILINE)
_NEEDLESS = re.compile(r"""("[^"]*"|'[^']*')|\s*([{};,])\s*|(:)\s+""")


def squeezed(css: str) -> str:
    """A style sheet without comments and needless white space. Texts in quotes stay as they are."""
    plain = _PARTS.sub(lambda found: found[1] or " ", css)
    return _NEEDLESS.sub(lambda found: found[1] or found[2] or found[3], plain).strip()


def without_comments(script: str) -> str:
    """A script of ours without the lines that are a comment only, and those that are empty."""
    return _COMMENT_LINES.sub("", script)


class _Squeezed:
    """Where post_process reads one of our own files from."""

    def __init__(self, source: Any, squeeze: Callable[[str], str]) -> None:
        self.source, self.squeeze = source, squeeze

    def open(self, path: str) -> ContentFile[bytes]:
        with self.source.open(path) as file:
            return ContentFile(self.squeeze(file.read().decode()).encode())


def _squeeze_of(name: str) -> Callable[[str], str] | None:
    if name.endswith(".css"):
        return squeezed
    return without_comments if name.startswith("js/") else None


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    @functools.cache  # noqa: B019  # there is one storage, and a page asks it seven times
    def _named(self, name: str) -> str:
        return str(super().url(name))

    def url(self, name: str, force: bool = False) -> str:
        return str(super().url(name, force)) if settings.DEBUG or force else self._named(name)

    def post_process(self, paths: dict[str, Any], *args: Any, **options: Any) -> Iterator[Any]:
        short = {
            name: (_Squeezed(storage, squeeze) if (squeeze := _squeeze_of(name)) else storage, path)
            for name, (storage, path) in paths.items()
        }
        yield from super().post_process(short, *args, **options)
