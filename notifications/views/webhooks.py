"""Where mail providers report. Nothing is believed without a signature, nothing is read before it is stored."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from notifications import delivery
from notifications.providers import sendgrid, sendgrid_events

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
