"""A webhook's bytes into JSON, or a plain reason why not."""

from __future__ import annotations

import json
from typing import Any

from notifications.intake.source import Unreadable

_DEEPEST = 60  # no source nests a tenth of it


def decode(body: bytes) -> Any:
    """The JSON value. Raises Unreadable for what is no JSON, or nothing that could be kept in the database."""
    try:
        payload = json.loads(body.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        byte = body[error.start]
        raise Unreadable(f"the body is not UTF-8: byte {error.start} is 0x{byte:02x}") from None
    except RecursionError:
        raise Unreadable("the body is nested too deeply to be read") from None
    except json.JSONDecodeError as error:
        why = error.msg.removesuffix(" at")
        raise Unreadable(f"the body is not JSON: {why} at line {error.lineno}, column {error.colno}") from None
    except ValueError as error:  # a number of thousands of digits, NaN
        raise Unreadable(f"the body is not JSON that can be used: {error}") from None
    _check(payload, has_escapes=b"\\u" in body)
    return payload


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _check(payload: Any, *, has_escapes: bool) -> None:
    """Depth, and with escapes: the characters that only an escape can bring in and no text of PostgreSQL can hold."""
    layer = [payload]
    for _depth in range(_DEEPEST):
        deeper: list[Any] = []
        for value in layer:
            if isinstance(value, dict):
                deeper += value.values()
                if has_escapes:
                    deeper += value.keys()
            elif isinstance(value, list):
                deeper += value
            elif has_escapes and isinstance(value, str):
                if "\x00" in value:
                    raise Unreadable(f"a text holds a NUL character: {value.replace(chr(0), '␀')[:60]!r}")
                try:
                    value.encode()
                except UnicodeEncodeError:
                    raise Unreadable("a text holds half of a surrogate pair, which is no character") from None
        layer = deeper
        if not layer:
            return
    raise Unreadable(f"the body is nested deeper than {_DEEPEST} levels")
