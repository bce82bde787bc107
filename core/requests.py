"""One structured log line a request, with an id that the answer carries too."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import uuid_utils
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotFound

logger = logging.getLogger("preempt.request")

LONGEST_PART = 40  # of a path; what is longer is a signed token, except for a few articles' names


class Discreet(logging.Filter):
    """Takes the request object and long parts of paths (signed links) out of a log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.__dict__.pop("request", None)
        if record.name.startswith("django.") and isinstance(record.args, tuple):
            record.args = tuple(_without_token(arg) if isinstance(arg, str) else arg for arg in record.args)
        return True


class RequestLogMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        started = time.perf_counter()
        request_id = uuid_utils.uuid7().hex
        # No address of ours has one, and PostgreSQL refuses text with it.
        response = HttpResponseNotFound() if "\0" in request.path else self.get_response(request)
        response.headers["X-Request-Id"] = request_id
        # The path without its query string: queries and signed links hold what people wrote or own.
        logger.info(
            "request",
            extra={
                "request_id": request_id,
                "method": request.method,
                "path": _without_token(request.path),
                "status": response.status_code,
                "ms": round((time.perf_counter() - started) * 1000, 1),
            },
        )
        return response


def is_from_another_site(request: HttpRequest) -> bool:
    """Whether a page of another site sent this form. Every browser of today says so; a program may say nothing.

    For forms that need no cookie to be read (a vote in a frame of another site has none), in place of Django's token.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in ("same-origin", "none")
    origin = request.headers.get("Origin")
    return origin is not None and origin != f"{request.scheme}://{request.get_host()}"


def _without_token(path: str) -> str:
    return "/".join(part if len(part) < LONGEST_PART else "…" for part in path.split("?")[0].split("/"))
