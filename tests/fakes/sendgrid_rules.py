"""What POST /v3/mail/send refuses, as its API reference says. Knows nothing of our adapter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

RESERVED_HEADERS = frozenset(
    [
        "x-sg-id",
        "x-sg-eid",
        "received",
        "dkim-signature",
        "content-type",
        "content-transfer-encoding",
        "to",
        "from",
        "subject",
        "reply-to",
        "cc",
        "bcc",
    ]
)
TOP_LEVEL = frozenset(
    [
        "personalizations",
        "from",
        "reply_to",
        "reply_to_list",
        "subject",
        "content",
        "attachments",
        "template_id",
        "headers",
        "categories",
        "custom_args",
        "send_at",
        "batch_id",
        "asm",
        "ip_pool_name",
        "mail_settings",
        "tracking_settings",
        "sections",
    ]
)
PERSONAL = frozenset(
    [
        "to",
        "cc",
        "bcc",
        "from",
        "subject",
        "headers",
        "substitutions",
        "dynamic_template_data",
        "custom_args",
        "send_at",
    ]
)
MOST_PERSONALIZATIONS = MOST_RECIPIENTS = 1000
MOST_CATEGORIES = 10
MOST_CUSTOM_BYTES = MOST_SUBSTITUTED_BYTES = 10_000
FURTHEST = timedelta(hours=72)

_ADDRESS = re.compile(r"[^@\s<>(),;:\"\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
Error = dict[str, Any]


def errors(payload: Any, *, now: datetime, refused: frozenset[str] = frozenset()) -> list[Error]:
    """Everything wrong with a request's JSON, in SendGrid's form; empty when it is taken.

    `refused` are addresses (lower case) that this account may not write to.
    """
    if not isinstance(payload, dict):
        return [_error("Invalid type. Expected: object.", "(root)")]
    return list(_all(payload, now, refused))


def _error(message: str, field: str | None) -> Error:
    return {"message": message, "field": field, "help": None}


def _all(payload: dict[str, Any], now: datetime, refused: frozenset[str]) -> Iterator[Error]:
    for key in payload.keys() - TOP_LEVEL:
        yield _error(f"Additional property {key} is not allowed", "(root)")
    yield from _address(payload.get("from"), "from", frozenset())
    if "reply_to" in payload:
        yield from _address(payload["reply_to"], "reply_to", frozenset())
    yield from _personalizations(payload, now, refused)
    yield from _subject(payload)
    yield from _content(payload)
    yield from _categories(payload.get("categories", []))
    yield from _headers(payload.get("headers", {}), "headers")
    yield from _custom_args(payload.get("custom_args", {}), "custom_args")
    yield from _send_at(payload.get("send_at"), "send_at", now)


def _address(value: Any, field: str, refused: frozenset[str]) -> Iterator[Error]:
    if not isinstance(value, dict) or not isinstance(value.get("email"), str):
        yield _error("The email is required and must be a string.", f"{field}.email")
        return
    if not _ADDRESS.fullmatch(value["email"]) or len(value["email"]) > 320:
        yield _error("Does not contain a valid address.", f"{field}.email")
    elif value["email"].lower() in refused:
        yield _error(f"The address {value['email']} is refused.", f"{field}.email")
    if not isinstance(value.get("name", ""), str):
        yield _error("The name must be a string.", f"{field}.name")
    for key in value.keys() - {"email", "name"}:
        yield _error(f"Additional property {key} is not allowed", field)


def _personalizations(payload: dict[str, Any], now: datetime, refused: frozenset[str]) -> Iterator[Error]:
    people = payload.get("personalizations")
    if not isinstance(people, list) or not people:
        yield _error("The personalizations field is required and must have at least one.", "personalizations")
        return
    if len(people) > MOST_PERSONALIZATIONS:
        yield _error("You may not have more than 1000 personalizations.", "personalizations")
    recipients = 0
    for index, person in enumerate(people):
        field = f"personalizations.{index}"
        if not isinstance(person, dict):
            yield _error("Invalid type. Expected: object.", field)
            continue
        for key in person.keys() - PERSONAL:
            yield _error(f"Additional property {key} is not allowed", field)
        if not person.get("to"):
            yield _error("The to array is required and must have at least one recipient.", f"{field}.to")
        seen: set[str] = set()
        for kind in ("to", "cc", "bcc"):
            entries = person.get(kind, [])
            if not isinstance(entries, list):
                yield _error("Invalid type. Expected: array.", f"{field}.{kind}")
                continue
            for place, entry in enumerate(entries):
                recipients += 1
                yield from _address(entry, f"{field}.{kind}.{place}", refused)
                address = str(entry.get("email", "")).lower() if isinstance(entry, dict) else ""
                if address in seen:
                    yield _error(
                        "Each email address in the personalization block should be unique.",
                        f"{field}.{kind}.{place}.email",
                    )
                seen.add(address)
        yield from _headers(person.get("headers", {}), f"{field}.headers")
        yield from _custom_args(person.get("custom_args", {}), f"{field}.custom_args")
        yield from _send_at(person.get("send_at"), f"{field}.send_at", now)
        yield from _substitutions(person.get("substitutions", {}), f"{field}.substitutions")
    if recipients > MOST_RECIPIENTS:
        yield _error("You may not have more than 1000 recipients.", "personalizations")


def _substitutions(values: Any, field: str) -> Iterator[Error]:
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        yield _error("Substitutions must be an object of strings.", field)
    elif sum(len(key.encode()) + len(value.encode()) for key, value in values.items()) > MOST_SUBSTITUTED_BYTES:
        yield _error("The substitutions of a personalization may not exceed 10000 bytes.", field)


def _subject(payload: dict[str, Any]) -> Iterator[Error]:
    if payload.get("template_id"):
        return
    people = [p for p in payload.get("personalizations") or [] if isinstance(p, dict)]
    subjects = [payload["subject"]] if "subject" in payload else [person.get("subject") for person in people]
    if not subjects or not all(isinstance(subject, str) and subject for subject in subjects):
        yield _error("The subject is required.", "subject")


def _content(payload: dict[str, Any]) -> Iterator[Error]:
    if payload.get("template_id"):
        return
    parts = payload.get("content")
    if not isinstance(parts, list) or not parts:
        yield _error("The content is required: at least one part.", "content")
        return
    types = []
    for index, part in enumerate(parts):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str) or not part["type"]:
            yield _error("The content type is required.", f"content.{index}.type")
        elif not isinstance(part.get("value"), str) or not part["value"]:
            yield _error("The content value must be a string, not empty.", f"content.{index}.value")
        else:
            types.append(part["type"])
    if "text/plain" in types[1:]:
        yield _error("If present, text/plain must be first, then text/html, then others.", "content")
    if len(set(types)) != len(types):
        yield _error("Each content type may be there once.", "content")


def _categories(values: Any) -> Iterator[Error]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        yield _error("Categories must be an array of strings.", "categories")
    elif len(values) > MOST_CATEGORIES or len(set(values)) != len(values):
        yield _error("There must be no more than 10 categories, each once.", "categories")
    elif any(len(value) > 255 for value in values):
        yield _error("A category may not be longer than 255 characters.", "categories")


def _headers(values: Any, field: str) -> Iterator[Error]:
    if not isinstance(values, dict):
        yield _error("Headers must be an object.", field)
        return
    for key, value in values.items():
        if key.lower() in RESERVED_HEADERS:
            yield _error(f"The header {key} is reserved.", f"{field}.{key}")
        if not isinstance(value, str) or not (key + value).isascii() or "\n" in value or "\r" in value:
            yield _error("A header must be one line of ASCII text.", f"{field}.{key}")


def _custom_args(values: Any, field: str) -> Iterator[Error]:
    if not isinstance(values, dict):
        yield _error("Custom args must be an object.", field)
    elif not all(isinstance(value, str) for value in values.values()):
        yield _error("Each custom arg must be a string.", field)
    elif len(json.dumps(values, ensure_ascii=False).encode("utf-8", "replace")) >= MOST_CUSTOM_BYTES:
        yield _error("Custom args must be less than 10000 bytes.", field)


def _send_at(value: Any, field: str, now: datetime) -> Iterator[Error]:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        yield _error("send_at must be an integer, a unix timestamp.", field)
    elif value > (now + FURTHEST).timestamp():
        yield _error("Scheduling more than 72 hours in advance is forbidden.", field)
