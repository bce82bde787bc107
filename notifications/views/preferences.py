"""Stop writing to me: the page behind the link at the foot of each mail, and the mailbox's own button."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from core import clock, crypto
from notifications import links, suppression
from notifications.models import EpisodeKind, SuppressionReason


# The signed link is the permission: a mailbox posts without cookies (RFC 8058), and so may a person.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows the button and changes nothing, since mail scanners follow links. POST stops the mails."""
    try:
        link = links.read_unsubscribe_link(token)
    except crypto.BadLink:
        return render(request, "notifications/unsubscribe_failed.html", status=404)
    if is_done := request.method == "POST":
        suppression.suppress(link.person, scope=link.scope, reason=SuppressionReason.UNSUBSCRIBED, at=clock.now())
    with translation.override(link.locale):
        request.LANGUAGE_CODE = link.locale
        return render(request, "notifications/unsubscribe.html", {"is_done": is_done, "about": EpisodeKind(link.scope)})
