"""The lists of `tag=value;` in which DKIM keys and DMARC policies are written (RFC 6376, 3.2). Pure."""

from __future__ import annotations

import re

_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def read(text: str) -> tuple[dict[str, str], list[str]]:
    """The tags in their order, names in lower case, and what is wrong with the writing."""
    found: dict[str, str] = {}
    wrong: list[str] = []
    for part in text.strip().rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not equals or not _TAG.fullmatch(name):
            wrong.append(f"“{part.strip()[:60]}” is not written as tag=value")
        elif name in found:
            wrong.append(f"the tag {name} stands there twice")
        else:
            found[name] = value.strip()
    return found, wrong
