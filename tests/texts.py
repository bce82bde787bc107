"""What customers' texts there are, read from the code: templates by Django's own reader, Python by its syntax."""

from __future__ import annotations

import ast
import fnmatch
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.utils.translation.template import templatize

from config import customer_texts

Key = str | tuple[str, str]  # a text; (one, many)

_SINGLE = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_PLURAL = {"ngettext", "ngettext_lazy"}
_IN_TEMPLATE = re.compile(
    r"""\b(n?gettext)\(u?('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")(?:,\s*u?('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))?"""
)


def files() -> list[Path]:
    """The templates and modules of this checkout whose texts customers can meet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.html", "*.txt", "*.xml", "*.mjml"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    ours = [name for name in listed if name and not any(fnmatch.fnmatch(name, each) for each in _left_out())]
    return [settings.BASE_DIR / name for name in ours]


def _left_out() -> Iterator[str]:
    yield from customer_texts.STAFF_FILES
    yield from ("tests/*", "bench/*", "docs/*", "demo/*", "requirements/*", "*/migrations/*")


def texts() -> set[Key]:
    """Every marked text of these files."""
    found: set[Key] = set()
    for path in files():
        source = path.read_text(encoding="utf-8")
        found |= set(_of_module(source) if path.suffix == ".py" else _of_template(source, str(path)))
    return found


def _of_module(source: str) -> Iterator[Key]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        words = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if name in _SINGLE and words:
            yield words[0]
        elif name in _PLURAL and len(words) > 1:
            yield words[0], words[1]


def _of_template(source: str, origin: str) -> Iterator[Key]:
    for match in _IN_TEMPLATE.finditer(templatize(source, origin=origin)):
        one = ast.literal_eval(match[2])
        yield (one, ast.literal_eval(match[3])) if match[1] == "ngettext" and match[3] else one
