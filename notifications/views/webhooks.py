"""Where mail providers, shops and trackers report. Nothing is believed without a signature, nothing is read before it
is stored.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core import clock
from notifications import delivery
from notifications.intake import receiving
from notifications.intake.sources import FOLDER, SOURCES, variable
from notifications.providers import sendgrid, sendgrid_events

SENDGRID_PATH = "/webhooks/sendgrid"
LARGEST = 4 * 1024 * 1024  # bytes; SendGrid's batches stay well below


@csrf_exempt
@require_POST
def sendgrid_report(request: HttpRequest) -> HttpResponse:
    """200: stored (or known). 401: no key is set, or the signature is missing or wrong. 413: too large."""
    if int(request.headers.get("Content-Length") or 0) > LARGEST:
        return HttpResponse("too large", status=413, content_type="text/plain")
    # Not request.body, which is limited to what forms may hold. One byte more shows a length that was a lie.
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return HttpResponse("too large", status=413, content_type="text/plain")
    signature = request.headers.get(sendgrid_events.SIGNATURE_HEADER, "")
    timestamp = request.headers.get(sendgrid_events.TIMESTAMP_HEADER, "")
    if not sendgrid.verify(settings.SENDGRID_EVENT_PUBLIC_KEY, signature, timestamp, body):
        return HttpResponse("not signed by SendGrid", status=401, content_type="text/plain")
    delivery.store(
        sendgrid.NAME,
        body,
        headers={
            sendgrid_events.SIGNATURE_HEADER: signature[:500],
            sendgrid_events.TIMESTAMP_HEADER: timestamp[:50],
        },
    )
    return HttpResponse("stored", content_type="text/plain")


class WebhookMiddleware:
    """Answers /hooks/<source>/ and SendGrid's reports before the middleware of pages: no session, language, visitor or
    form's token has a part in a call, and hundreds come in a second. The former with and without the slash at the end,
    since people type the address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == SENDGRID_PATH:
            return sendgrid_report(request)
        if not request.path_info.startswith(FOLDER):
            return self.get_response(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"], headers={"Content-Length": "0"})
        return receive(request, request.path_info.removeprefix(FOLDER).removesuffix("/"))


def receive(request: HttpRequest, name: str) -> HttpResponse:
    """A call of a source (notifications/intake/sources.py). 200: stored, or known. 401: not signed by a secret of ours.
    404: no such source. 413: too large.
    """
    source = SOURCES.get(name)
    if source is None:
        return _plain("There is no such source.", 404)
    try:
        body = _body(request, source.largest)
    except OSError:  # Django's own and the server's
        return _plain("The call broke off.", 400)
    if body is None:
        receiving.refuse(source, receiving.TOO_LARGE)
        return _plain(f"More than {source.largest} bytes.", 413)
    headers = {name.lower(): value for name, value in request.headers.items()}
    signed_by = receiving.signer(source, body, headers, now=clock.now())
    if signed_by is None:
        if source.is_greeting(body):
            return _plain("ready", 200)
        receiving.refuse(source, receiving.FORGED)
        return _plain(f"Not signed with a secret of {variable(source)}, or not in time.", 401)
    receiving.store(source, body, headers, signed_by=signed_by)
    return _plain("stored", 200)


def _body(request: HttpRequest, largest: int) -> bytes | None:
    """The raw bytes; None where there are more than `largest`, of which no more than one is read."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > largest:
        return None
    # Sent in chunks, it names no length, and Django would read nothing. The server knows where it ends.
    is_chunked = bool(request.META.get("wsgi.input_terminated")) and not request.META.get("CONTENT_LENGTH")
    stream = request.META["wsgi.input"] if is_chunked else request
    body: bytes = stream.read(largest + 1)
    return None if len(body) > largest else body


def _plain(text: str, status: int) -> HttpResponse:
    # The length is named, so that the connection is kept for the next call.
    return HttpResponse(text, status=status, content_type="text/plain", headers={"Content-Length": str(len(text))})
