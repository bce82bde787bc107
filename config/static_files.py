"""Static files as a public host serves them: compressed, named by their content, style sheets without their comments.

The comments are for us; on the way to a phone they would be a fifth of the style.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from whitenoise.storage import CompressedManifestStaticFilesStorage

_PARTS = re.compile(r"""("[^"]*"|'[^']*')|/\*.*?\*/|\s+""", re.DOTALL)
_NEEDLESS = re.compile(r"""("[^"]*"|'[^']*')|\s*([{};,])\s*|(:)\s+""")


def squeezed(css: str) -> str:
    """A style sheet without comments and needless white space. Texts in quotes stay as they are."""
    plain = _PARTS.sub(lambda found: found[1] or " ", css)
    return _NEEDLESS.sub(lambda found: found[1] or found[2] or found[3], plain).strip()


class _Squeezed:
    """Where post_process reads one style sheet from."""

    def __init__(self, source: Any) -> None:
        self.source = source

    def open(self, path: str) -> ContentFile[bytes]:
        with self.source.open(path) as file:
            return ContentFile(squeezed(file.read().decode()).encode())


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it has no types
    @functools.cache  # noqa: B019  # there is one storage, and a page asks it seven times
    def _named(self, name: str) -> str:
        return str(super().url(name))

    def url(self, name: str, force: bool = False) -> str:
        return str(super().url(name, force)) if settings.DEBUG or force else self._named(name)

    def post_process(self, paths: dict[str, Any], *args: Any, **options: Any) -> Iterator[Any]:
        short = {
            name: (_Squeezed(storage), path) if name.endswith(".css") else (storage, path)
            for name, (storage, path) in paths.items()
        }
        yield from super().post_process(short, *args, **options)
