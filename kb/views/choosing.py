"""Where two people changed the same place of a draft: one chooses place by place, and sees the text that this makes."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core.roles import ADMIN, REVIEWER, WRITER, desk
from kb import desk_article
from kb.merging import Choice
from kb.refusals import DraftConflict
from kb.views import asking, conflict
from kb.views.editor import ArticleForm

PREFIX = "place-"  # of the fields that hold the choices
_KNOWN = {choice.value: choice for choice in Choice}


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """The page of the conflict again, its text made of what was chosen. Nothing is saved.

    The form holds the text of whoever came second, as they wrote it, and the version that both began with. Where a
    third person saved since, the places may be other ones: they are chosen anew.
    """
    article = get_object_or_404(desk_article.articles(), pk=pk)
    form = ArticleForm(request.POST)
    if not form.is_valid():
        return redirect("desk:article-edit", pk)
    given = {name.removeprefix(PREFIX): value for name, value in request.POST.items() if name.startswith(PREFIX)}
    choices = {place: _KNOWN[value] for place, value in given.items() if value in _KNOWN}
    if asking.number(request.POST.get("theirs", "")) != article.draft.version:
        choices = {}
        messages.warning(request, _("Somebody saved this draft once more just now. Look at the places again."))
    refused = DraftConflict(form.text(), article.draft, made_from=form.cleaned_data["version"] or 0)
    return conflict.page(request, article, form, refused, choices=choices)
