"""Customer pages inside a shop's own page: the same views under /embed/, with a frame of their own.

Every page of the help centre has a second address, /embed/ before its usual one. There request.is_embedded is true
(base templates then leave out what the panel's own frame gives), every address that a view or template makes stays
under /embed/, and the hosts of WIDGET_HOSTS may frame the answer. Nothing else may be framed by anybody. What keeps an
address for later keeps get_script_prefix() with it.

Only what stands under a language is reached this way: the desk, the API and the webhooks are not.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import get_script_prefix, set_script_prefix
from django.utils import translation

from core import csp

FOLDER = "/embed/"
_FRAMES = ("iframe", "frame")


def hosts() -> str:
    """The origins that may frame our customer pages, as the policy writes them."""
    return " ".join(["'self'", *settings.WIDGET_HOSTS])


class EmbeddingMiddleware:
    """Stands before everything that looks at the path, the language or the visitor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.is_embedded = request.path_info.startswith(FOLDER)  # type: ignore[attr-defined]
        outside = get_script_prefix()
        if not request.path_info.startswith(FOLDER):
            if _is_lost(request):
                return HttpResponseRedirect(outside.rstrip("/") + FOLDER + request.get_full_path()[len(outside) :])
            return self.get_response(request)
        inside = outside.rstrip("/") + FOLDER
        if request.path_info != FOLDER:  # the way in has an address of its own
            if elsewhere := _elsewhere(request, outside=outside, inside=inside):
                return HttpResponseRedirect(elsewhere)
            request.path_info = request.path_info[len(FOLDER) - 1 :]
        # No page here does anything for a signed-in person, and what changes something needs a token that it holds.
        # Django's check needs a cookie, which browsers keep from frames.
        request.csrf_processing_done = True  # type: ignore[attr-defined]
        request.embedded_in = hosts()  # type: ignore[attr-defined]
        set_script_prefix(inside)
        try:
            response = self.get_response(request)
        finally:
            set_script_prefix(outside)
        _frame(response, outside=outside, inside=inside)
        return response


def _is_lost(request: HttpRequest) -> bool:
    """Whether a link that was stored without /embed/ was followed inside the panel."""
    is_framed = request.headers.get("Sec-Fetch-Dest") in _FRAMES
    return is_framed and request.method == "GET" and _has_language(request.path_info)


def _elsewhere(request: HttpRequest, *, outside: str, inside: str) -> str:
    """The address that an embedded page should have been asked for at; empty where it is this one."""
    page = request.get_full_path()[len(inside) :].lstrip("/")
    if not _has_language("/" + request.path_info[len(FOLDER) :]):
        # Whatever stands outside the languages is not for customers; what is just without its language gets one.
        return f"{inside}{translation.get_language_from_request(request)}/{page}"
    return f"{outside}{page}" if _is_alone(request) else ""


def _is_alone(request: HttpRequest) -> bool:
    """Whether it is opened in a tab of its own, where the panel's narrow page would look lost."""
    return request.headers.get("Sec-Fetch-Dest") == "document" and request.method in ("GET", "HEAD")


def _has_language(path: str) -> bool:
    return bool(translation.get_language_from_path(path))


def _frame(response: HttpResponseBase, *, outside: str, inside: str) -> None:
    """Who may frame this answer, and that what it leads to is embedded too."""
    response.headers["Content-Security-Policy"] = csp.policy(frame_ancestors=hosts())
    # Knows no list of hosts; the policy, which does, is understood by every browser that the widget runs in.
    response.headers.pop("X-Frame-Options", None)
    response.headers["X-Robots-Tag"] = "noindex"
    to = response.headers.get("Location", "")
    if to.startswith(outside) and not to.startswith((inside, "//")) and _has_language("/" + to[len(outside) :]):
        response.headers["Location"] = inside + to[len(outside) :]
