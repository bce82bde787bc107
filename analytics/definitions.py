"""docs/metrics.md: the one text about what each number means, for its own page and beside each number."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

from kb import rendering

CAVEAT = "**How it could mislead you.**"


@dataclass(frozen=True)
class Definition:
    """One section. `anchor` is its heading's id on the page; `caveat` the HTML of how it could mislead."""

    title: str
    anchor: str
    caveat: SafeString


@dataclass(frozen=True)
class Doc:
    title: str
    html: SafeString
    definitions: dict[str, Definition]  # by title


@cache
def doc() -> Doc:
    """The rendered page with its sections; read once a process."""
    text = (settings.BASE_DIR / "docs" / "metrics.md").read_text(encoding="utf-8")
    first, _, body = text.partition("\n")
    rendered = rendering.render(body)
    anchors = {heading.text: heading.id for heading in rendered.headings}
    found = {}
    for section in body.split("\n## ")[1:]:
        title, _, content = section.partition("\n")
        _, _, after = content.partition(CAVEAT)
        caveat = rendering.render(after.strip()).html
        found[title] = Definition(title, anchors[title], mark_safe(caveat))
    return Doc(first.lstrip("# "), mark_safe(rendered.html), found)
