"""What a post of the contact form brings: the visit that it names, and files, taken within their limits.

No page of the form sets or wants a CSRF cookie: nobody is signed in, so nothing could be done in somebody's name, and
inside a shop's page browsers would withhold the cookie. A page is known by its signed visit instead, and what another
site's page posts counts as a page whose token was lost: it is shown, and sent only if the person presses Send. Moreover
the middleware would read the body before LimitedUpload is in place.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from contacts import attachments, uploading, visits
from contacts.attachments import Refused
from contacts.models import FormVisit
from core import clock, crypto, ratelimit, visitors


@dataclass(frozen=True)
class Posted:
    """What a post brought: the visit it names, whether that is a page of ours, and the files that were refused."""

    visit: FormVisit
    is_ours: bool
    refused: Sequence[Refused]


def takes_uploads(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view whose posts may bring files, without a cookie. A body that cannot be read is answered in words."""

    @csrf_exempt
    @require_http_methods(["GET", "HEAD", "POST"])
    # Kept by the browser, so that its back button brings what was typed; asked for anew otherwise.
    @cache_control(private=True, no_cache=True)
    @wraps(view)
    def taking(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            request.upload_handlers = [uploading.LimitedUpload(request)]
            try:
                request.POST  # noqa: B018  read here, where its errors are caught
            except (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent):
                return render(request, "contacts/unreadable.html", {"is_too_much": True}, status=413)
            except MultiPartParserError:
                return render(request, "contacts/unreadable.html", status=400)
        return view(request, *args, **kwargs)

    return taking


def read(request: HttpRequest) -> Posted:
    """The visit that the posted page names, its row there; a new one where the token is not ours. Keeps the files."""
    try:
        visit_id, is_ours = visits.id_of(request.POST.get("visit", "")), True
        # What another site's page posts, the person did not write here.
        if request.headers.get("Sec-Fetch-Site") == "cross-site":
            visit_id, is_ours = uuid.uuid4(), False
    except crypto.BadLink:
        visit_id, is_ours = uuid.uuid4(), False
    visit = open_visit(request, visit_id)
    (handler,) = request.upload_handlers
    assert isinstance(handler, uploading.LimitedUpload)  # noqa: S101 (for mypy: takes_uploads put it there)
    refused = [Refused(one.name, one.limit) for one in handler.dropped]
    given = [file for file in request.FILES.getlist(uploading.FIELD) if isinstance(file, UploadedFile)]
    if given:
        refused += _keep(request, visit, given)
    return Posted(visit, is_ours, refused)


def _keep(request: HttpRequest, visit: FormVisit, given: list[UploadedFile[bytes]]) -> list[Refused]:
    if not attachments.may_upload(len(given), visitor=str(visit.visitor or ""), network=ratelimit.network_of(request)):
        return [Refused(file.name or "", uploading.Limit.TOO_OFTEN) for file in given]
    return attachments.keep(visit.pk, given, now=clock.now())


def open_visit(request: HttpRequest, visit_id: uuid.UUID, *, after_article_id: int | None = None) -> FormVisit:
    """The visit's row; drawn into an arm and announced where it is new."""
    return visits.open_form(
        visit_id,
        visitor=visitors.of(request),
        locale=get_language() or settings.LANGUAGE_CODE,
        now=clock.now(),
        after_article_id=after_article_id,
    )


def is_robot(request: HttpRequest) -> bool:
    """Whether nobody looks at what is answered: nothing that it shows may be taken down."""
    return request.method == "HEAD" or visitors.of(request).why_not in ("bot", "prefetch")
