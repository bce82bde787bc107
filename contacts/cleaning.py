"""What people and files send us, made fit to store and to show. Pure.

Invisible characters go without a word, since nothing that anybody wrote is lost with them; what has a meaning stays.
"""

from __future__ import annotations

import re

# Control characters other than tab and line feed (PostgreSQL refuses NUL), and the marks that turn the direction of
# writing, which can make a name or an order number read as something else.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_SPACES = re.compile(r"\s+")


def is_one_line(text: str) -> bool:
    """False where a line break is inside: the mark of an attempt to smuggle in a header."""
    return not re.search("[\r\n\x0b\x0c\x85\u2028\u2029]", text.strip())


def line(text: str) -> str:
    """One line of text: invisible characters gone, runs of white space made one space."""
    return _SPACES.sub(" ", _INVISIBLE.sub(" ", text)).strip()


def block(text: str) -> str:
    """Text of many lines: line ends made \\n, invisible characters gone, blank edges cut."""
    text = re.sub("\r\n?|\x0b|\x0c|\x85|\u2028|\u2029", "\n", text)
    return _INVISIBLE.sub("", text).strip()
