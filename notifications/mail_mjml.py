"""Where MJML is not well made, by line: the compiler says only that it is not."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from notifications import mail_templates

ELEMENTS = frozenset({
    "mjml", "mj-head", "mj-body", "mj-include", "mj-attributes", "mj-all", "mj-class", "mj-breakpoint", "mj-font",
    "mj-preview", "mj-style", "mj-title", "mj-raw", "mj-accordion", "mj-accordion-element", "mj-accordion-text",
    "mj-accordion-title", "mj-button", "mj-carousel", "mj-carousel-image", "mj-column", "mj-divider", "mj-group",
    "mj-hero", "mj-image", "mj-navbar", "mj-navbar-link", "mj-section", "mj-social", "mj-social-element", "mj-spacer",
    "mj-table", "mj-text", "mj-wrapper",
})  # fmt: skip
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "wbr", "col", "area", "base", "source"})
_FORBIDDEN = frozenset({"script", "iframe", "object", "embed", "form", "input", "video", "audio", "link", "base"})
_TAG = re.compile(r"<(/?)([a-zA-Z][\w-]*)((?:\"[^\"]*\"|'[^']*'|[^<>\"'])*?)(/?)>")
_BLANK = re.compile(r"<!--.*?-->|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
_INCLUDE = re.compile(r'<mj-include path="([^"]*)" />')


def problems(mjml: str) -> Iterator[tuple[int, str, str]]:
    """(line, what is wrong, what to do), the first few of it."""
    source = _BLANK.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), mjml)
    yield from _in_attributes(mjml)
    open_tags: list[tuple[str, int]] = []
    is_seen = False
    for found in _TAG.finditer(source):
        line = source.count("\n", 0, found.start()) + 1
        closes, name, is_alone = found[1] == "/", found[2].lower(), found[4] == "/"
        if not is_seen and name != "mjml":
            yield line, f"It begins with <{name}>.", "Put everything between <mjml> and </mjml>."
            return
        is_seen = True
        if name in ("mjml", "mj-include") or name.startswith("mj-"):
            yield from _of_name(line, name, mjml, found.start())
        elif name in _FORBIDDEN:
            yield (
                line,
                f"<{name}> cannot stand in a mail.",
                "Mail programs take it out, or take the mail for a danger. Remove it.",
            )
        if is_alone or (name in _VOID and not closes):
            continue
        if not closes:
            open_tags.append((name, line))
        elif not open_tags:
            yield line, f"</{name}> closes nothing.", "Take it out, or open it before."
            return
        elif open_tags[-1][0] != name:
            inner, its_line = open_tags[-1]
            yield (
                its_line,
                f"<{inner}> is not closed before </{name}> in line {line}.",
                f"Write </{inner}> where it ends.",
            )
            return
        else:
            open_tags.pop()
    if not is_seen:
        yield 1, "There is no MJML in it.", "Put everything between <mjml> and </mjml>."
    elif open_tags:
        name, line = open_tags[-1]
        yield line, f"<{name}> is never closed.", f"Write </{name}> where it ends."


def _of_name(line: int, name: str, mjml: str, start: int) -> Iterator[tuple[int, str, str]]:
    if name not in ELEMENTS:
        close = difflib.get_close_matches(name, ELEMENTS, n=1)
        yield line, f"There is no element <{name}>.", f"Did you mean <{close[0]}>?" if close else "Take it out."
    elif name == "mj-include":
        include = _INCLUDE.match(mjml, start)
        known = sorted(mail_templates.includes())
        if include is None or include[1] not in known:
            yield (
                line, "This include is not there.",
                f'Write it as <mj-include path="…" /> with one of: {", ".join(known)}.',
            )  # fmt: skip


def _in_attributes(mjml: str) -> Iterator[tuple[int, str, str]]:
    """A filter's quotes inside an attribute's end it too early."""
    for number, line in enumerate(mjml.splitlines(), start=1):
        if re.search(r'=\s*"[^"{]*\{\{[^}"]*"[^}]*\}\}', line) and re.search(r'<[^<>]*=\s*"[^"{]*\{\{[^}"]*:"', line):
            yield (
                number,
                "A filter with quotes stands inside an attribute.",
                "Put it into the text, or write the attribute without the filter.",
            )
