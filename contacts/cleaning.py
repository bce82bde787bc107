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


# What says who asked. Masks are words, so that a reader sees what stood there.
_EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)*")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_ORDER = re.compile(r"#\s?\d{3,}\b|\b[A-Z]{1,5}-?\d{4,}\b")
_NUMBER = re.compile(r"\+?\(?\d(?:[\s().\-–/]{0,2}\d){5,}")
_POSTCODE = re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]?\s?\d[A-Z]{2}\b")
_GREETING = re.compile(
    r"(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hola|buenas|estimad\w+|hallo|guten)\b", re.IGNORECASE
)
_FAREWELL = re.compile(
    r"(?:(?:kind|best|warm|many)\s+(?:regards|wishes|thanks)|regards|cheers|sincerely|"
    r"thanks?(?: you)?(?: in advance| so much| very much)?|yours\b.*|"
    r"un saludo|saludos|gracias|mit freundlichen .*|viele gr\w+|danke)[\s,.!–-]*",
    re.IGNORECASE,
)
_SIGNATURE_LINES = 4  # after a farewell


def anonymous(text: str, *, names: tuple[str, ...] = (), order_number: str = "") -> str:
    """A message without what we know says who wrote it: addresses, numbers, links, order and post codes, these names,
    the greeting and what stands under the farewell.

    A name that nobody told us stays, so a person must read it before anybody else does.
    """
    lines = block(text).split("\n")
    if lines and _GREETING.match(lines[0].strip()) and len(lines[0].split()) <= 5:
        lines = lines[1:]
    for number, said in enumerate(lines):
        if len(lines) - number <= _SIGNATURE_LINES + 1 and _FAREWELL.fullmatch(said.strip()):
            lines = lines[:number]
            break
    found = "\n".join(lines)
    if order_number.strip():
        found = re.sub(re.escape(order_number.strip()), "[order]", found, flags=re.IGNORECASE)
    for pattern, mask in (
        (_EMAIL, "[e-mail]"),
        (_LINK, "[link]"),
        (_ORDER, "[order]"),
        (_NUMBER, "[number]"),
        (_POSTCODE, "[postcode]"),
    ):
        found = pattern.sub(mask, found)
    parts = {part for name in names for part in re.findall(r"\w{2,}", name)}
    for part in sorted(parts, key=len, reverse=True):
        found = re.sub(rf"\b{re.escape(part)}\b", "[name]", found)
    return re.sub(r"\n{3,}", "\n\n", found).strip()
