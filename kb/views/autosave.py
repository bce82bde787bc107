"""What the editor's script asks for while somebody writes (static/js/autosave.js): saves, and who else is there."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import roles
from core.roles import ADMIN, REVIEWER, WRITER, desk
from kb import presence, publishing
from kb.models import Article
from kb.publishing import Text
from kb.views import asking


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def save(request: HttpRequest, pk: int) -> HttpResponse:
    """title, summary, body over the draft that was `version`: 200 with the new version, 409 where somebody else saved
    first (nothing is stored), 422 where a field cannot be stored, with what is wrong.
    """
    article = get_object_or_404(Article.objects.select_related("draft"), pk=pk)
    given = request.POST
    body = _lines(given.get("body", ""), before=article.draft.body)
    text = Text(asking.words(request, "title"), asking.words(request, "summary"), body)
    if not text.title:
        return JsonResponse({"problem": _("Not saved: the title is empty.")}, status=422)
    for name, value, most in (("title", text.title, 200), ("summary", text.summary, 300), ("body", text.body, 200_000)):
        if len(value) > most:
            problem = _("Not saved: the %(field)s is longer than %(most)s characters.") % {"field": name, "most": most}
            return JsonResponse({"problem": problem}, status=422)
    try:
        draft = publishing.save_draft(
            article, text, version=asking.number(given.get("version")), by=roles.user_of(request)
        )
    except publishing.DraftConflict as conflict:
        return JsonResponse(
            {
                "who": str(conflict.saved_by or _("somebody")),
                "is_me": conflict.saved_by == request.user,
                "at": date_format(timezone.localtime(conflict.saved_at), "H:i:s"),
            },
            status=409,
        )
    return JsonResponse({"version": draft.version, "at": date_format(timezone.localtime(draft.updated_at), "H:i:s")})


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def here(request: HttpRequest, pk: int) -> HttpResponse:
    """The editor is open: who holds the article, since when, and which version its draft has. `leave`: it is closed;
    `take_over`: from whoever holds it.
    """
    article, user = get_object_or_404(Article, pk=pk), roles.user_of(request)
    if request.POST.get("leave"):
        presence.leave(article, user)
        return HttpResponse(status=204)
    found = presence.beat(article, user, take_over=bool(request.POST.get("take_over")))
    since = date_format(timezone.localtime(found.since), "H:i") if found.since else ""
    return JsonResponse({"name": found.name, "since": since, "is_me": found.is_me, "version": found.version})


def _lines(body: str, *, before: str) -> str:
    """A browser's field knows one kind of line end: a body that says what `before` says is that."""
    body = body.replace("\r\n", "\n").replace("\0", "")
    return before if body == before.replace("\r\n", "\n").replace("\r", "\n") else body
