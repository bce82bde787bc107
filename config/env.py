"""Typed readers of environment variables. A value without sense stops the start, naming the variable."""

from __future__ import annotations

import os
from collections.abc import Sequence
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


def choice(name: str, default: str, *, among: Sequence[str]) -> str:
    """One of a few words."""
    value = text(name).strip().lower() or default
    if value not in among:
        raise BadSetting(f"{name}={value!r} is not known. Use one of: {', '.join(among)}.")
    return value
