"""Typed readers of environment variables. A value without sense stops the start, naming the variable."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from datetime import datetime, time
from pathlib import Path


class BadSetting(Exception):
    """An environment variable holds something unusable. The message says which and what to write."""


_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


def raw(name: str) -> str | None:
    """The variable's text, or the content of the file that NAME_FILE points to (for mounted secrets)."""
    if (value := os.environ.get(name)) is not None:
        return value
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise BadSetting(f"{name}_FILE={path}: {error.strerror}. Point it at a readable file.") from error
    return None


def text(name: str, default: str = "") -> str:
    value = raw(name)
    return default if value is None else value


def boolean(name: str, default: bool) -> bool:
    value = raw(name)
    if value is None:
        return default
    if value.strip().lower() in _TRUE:
        return True
    if value.strip().lower() in _FALSE:
        return False
    raise BadSetting(f"{name}={value!r} is neither true nor false. Write 1 or 0.")


def integer(name: str, default: int, *, at_least: int = 0) -> int:
    value = raw(name)
    if value is None or not value.strip():
        return default
    try:
        number = int(value)
    except ValueError as error:
        raise BadSetting(f"{name}={value!r} is not a whole number.") from error
    if number < at_least:
        raise BadSetting(f"{name}={number} is too small; the least is {at_least}.")
    return number


def fraction(name: str, default: float) -> float:
    """A share from 0 to 1."""
    value = raw(name)
    if value is None or not value.strip():
        return default
    try:
        number = float(value)
    except ValueError as error:
        raise BadSetting(f"{name}={value!r} is not a number.") from error
    if not 0 <= number <= 1:
        raise BadSetting(f"{name}={number} is not a share between 0 and 1.")
    return number


def words(name: str, default: list[str]) -> list[str]:
    """Comma-separated words, blanks dropped."""
    value = raw(name)
    if value is None:
        return default
    return [word.strip() for word in value.split(",") if word.strip()]


def hours(name: str, default: str) -> tuple[time, time] | None:
    """A span of hours on the wall clock like `21:00-08:00`; None where it is set to nothing."""
    value = text(name, default).strip()
    if not value:
        return None
    try:
        begin, end = (datetime.strptime(part.strip(), "%H:%M").time() for part in value.split("-"))  # noqa: DTZ007
    except ValueError:
        raise BadSetting(f"{name}={value!r} is no span of hours. Write it like 21:00-08:00, or nothing.") from None
    if begin == end:
        raise BadSetting(f"{name}={value!r} ends when it begins. Write two different hours, or nothing.")
    return begin, end


_ORIGIN = re.compile(r"https?://(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?")


def origins(name: str) -> list[str]:
    """Comma-separated origins (scheme, host, perhaps port); `*.` may stand for any part before a host's name."""
    found = [word.lower().rstrip("/") for word in words(name, [])]
    for origin in found:
        if not _ORIGIN.fullmatch(origin):
            raise BadSetting(
                f"{name}: {origin!r} is not the origin of a site. Write scheme and host only, such as "
                "https://shop.example.com, with commas between several."
            )
    return found


_ADDRESS = re.compile(r"https://[^\s/?#]+(/[^\s?#]*)?|http://(localhost|127\.0\.0\.1)(:[0-9]{1,5})?(/[^\s?#]*)?")


def address(name: str) -> str:
    """The address of a service, without a slash at the end: https, except on this machine. Empty where not set."""
    value = text(name).strip().rstrip("/")
    if value and not _ADDRESS.fullmatch(value):
        raise BadSetting(f"{name}={value!r} is not an address. Write it in full, such as https://id.example.com.")
    return value


def together(**values: str) -> None:
    """Settings of which all have a value, or none."""
    missing = [name for name, value in values.items() if not value]
    if missing and len(missing) < len(values):
        given = [name for name in values if name not in missing]
        raise BadSetting(f"{', '.join(given)} set, but not {', '.join(missing)}. Set all of them, or none.")


def choice(name: str, default: str, *, among: Sequence[str]) -> str:
    """One of a few words."""
    value = text(name).strip().lower() or default
    if value not in among:
        raise BadSetting(f"{name}={value!r} is not known. Use one of: {', '.join(among)}.")
    return value


def pairs(name: str) -> dict[str, str]:
    """Lines or comma-separated parts like `key=value`; keys in small letters."""
    found = {}
    for part in (raw(name) or "").replace("\n", ",").split(","):
        key, equals, value = part.partition("=")
        if equals and key.strip() and value.strip():
            found[key.strip().lower()] = value.strip()
        elif part.strip():
            raise BadSetting(f"{name}: {part.strip()!r} is not of the form key=value.")
    return found


def lists(name: str) -> dict[str, list[str]]:
    """A JSON object whose values are lists of words: {"editors": ["writer", "reviewer"]}. Empty where not set."""
    value = text(name).strip()
    if not value:
        return {}
    wanted = f'{name} is not of the form {{"a group": ["a word", "another"]}}'
    try:
        found = json.loads(value)
    except ValueError as error:
        raise BadSetting(f"{wanted}: {error}.") from error
    if not isinstance(found, dict):
        raise BadSetting(f"{wanted}.")
    for key, some in found.items():
        if not isinstance(some, list) or not all(isinstance(word, str) for word in some):
            raise BadSetting(f"{wanted}: {key!r} has no list of words.")
    return found
