"""What the desk does with translations."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import roles
from core.roles import ADMIN, REVIEWER, WRITER, desk
from kb import publishing, translations
from kb.models import Article
from kb.views import asking


@require_POST
@desk(REVIEWER, ADMIN)
def catch_up(request: HttpRequest, pk: int) -> HttpResponse:
    """The editor compared the live text with text `says` of the original, and it says the same."""
    article = get_object_or_404(Article, pk=pk)
    number = asking.number(request.POST.get("says"))
    try:
        publishing.catch_up(article, number, by=roles.user_of(request))
        messages.success(
            request,
            _("Taken down: this translation says what text %(number)s of the original says.") % {"number": number},
        )
    except publishing.PublishingError as error:
        messages.error(request, str(error))
    return redirect("desk:article-edit", pk)


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft of the article in another language, its text as a start; or the one that there is already."""
    article = get_object_or_404(Article.objects.select_related("draft", "live_revision", "category", "owner"), pk=pk)
    try:
        made, is_new = translations.start(article, request.POST.get("locale", ""), by=roles.user_of(request))
    except publishing.PublishingError as error:
        messages.error(request, str(error))
        return redirect("desk:article-edit", pk)
    if is_new:
        messages.success(request, _("This is the draft of the translation. Write over the text, then publish it."))
    else:
        messages.info(request, _("There is an article in this language already: this one."))
    return redirect("desk:article-edit", made.pk)
