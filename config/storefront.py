"""The demo's shop front: a few pages of Fernhill & Co on an origin of their own, with the help widget on them.

A small WSGI application without Django, since a shop's own pages know nothing of ours but the one script tag. Its
policy is as strict as a host's can be. SITE_URL says where the help centre is.
"""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "demo" / "shop"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

StartResponse = Callable[[str, list[tuple[str, str]]], Any]


def policy(help_centre: str) -> str:
    """What the widget needs of a host that allows nothing else: two lines with the help centre's origin."""
    return (
        f"default-src 'none'; script-src 'self' {help_centre}; frame-src {help_centre}; "
        "style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """One file of demo/shop; in its pages HELP_CENTRE stands for the help centre's address."""
    help_centre = os.environ.get("SITE_URL", "http://localhost:8000").rstrip("/")
    path = FOLDER / (str(environ.get("PATH_INFO", "/")).strip("/") or "index.html")
    if path.parent != FOLDER or path.suffix not in _TYPES or not path.is_file():
        return _answer(start_response, "404 Not Found", b"<!doctype html><title>Not found</title><p>Not found</p>")
    body = path.read_bytes()
    if path.suffix == ".html":
        body = body.replace(b"HELP_CENTRE", html.escape(help_centre).encode())
    return _answer(start_response, "200 OK", body, type=_TYPES[path.suffix], policy=policy(help_centre))


def _answer(
    start_response: StartResponse,
    status: str,
    body: bytes,
    *,
    type: str = _TYPES[".html"],
    policy: str = "default-src 'none'",
) -> list[bytes]:
    headers = [
        ("Content-Type", type),
        ("Content-Length", str(len(body))),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-cache"),
    ]
    start_response(status, headers)
    return [body]
