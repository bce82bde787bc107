"""What is shown where a request cannot be read at all: too much of it, damaged, or without its cookie."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render

_TOO_MUCH = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400. 413 where more came than we take (settings.DATA_UPLOAD_*), and what to do about it."""
    if isinstance(exception, DisallowedHost):
        return HttpResponseBadRequest("No such host here.", content_type="text/plain")  # no page has an address there
    is_too_much = isinstance(exception, _TOO_MUCH)
    status = 413 if is_too_much else 400
    return render(request, "400.html", {"is_too_much": is_too_much, "status": status}, status=status)


def csrf_failed(request: HttpRequest, reason: str) -> HttpResponse:
    """settings.CSRF_FAILURE_VIEW: a form of the desk came without its cookie. `reason` is for developers."""
    return render(request, "400.html", {"is_without_cookie": True, "status": 403}, status=403)
