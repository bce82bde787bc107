"""What the editor's writing surface asks for: the preview, pictures, and articles to link to."""

from __future__ import annotations

from typing import Any, cast

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import csp, roles
from core.roles import ADMIN, REVIEWER, WRITER, desk
from kb import article_html, picture_files, pictures
from kb.models import Article, Picture
from kb.search import query
from kb.views import piece_choices

LONGEST = 200_000  # characters of a text
_FOR_EVER = "public, max-age=31536000, immutable"
_FRAMED = csp.policy(frame_ancestors="'self'")
_LOCKED = "default-src 'none'; sandbox"  # of a picture opened by itself
_OFFERED = 6
_SHOWN = 24


@require_http_methods(["GET", "HEAD", "POST"])
@desk(WRITER, REVIEWER, ADMIN)
def preview(request: HttpRequest) -> HttpResponse:
    """What is being written as customers would read it: a page of its own, for a frame. By POST with the text."""
    given = request.POST
    locale = given.get("locale") or request.GET.get("locale", "")
    if not translation.check_for_language(locale):
        locale = translation.get_language()
    title, summary, body = given.get("title", ""), given.get("summary", ""), given.get("body", "")[:LONGEST]
    with translation.override(locale):
        filled, notes = piece_choices.preview(title, summary, body, locale)
        context = {
            "title": filled.title,
            "summary": filled.summary,
            "html": notes + article_html.for_reader(filled.rendered.html, locale),
            "locale": locale,
            "is_preview": True,
            "theme": "dark" if given.get("preview-theme") == "dark" else "light",
        }
        response = render(request, "desk/article_preview.html", context)
    response["Content-Security-Policy"] = _FRAMED
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


@require_POST
@desk(WRITER, REVIEWER, ADMIN)
def upload(request: HttpRequest) -> JsonResponse:
    """One picture, for the script. 200 with what the text says of it, 422 with why it was not taken."""
    file = request.FILES.get("picture")
    if file is None:
        return JsonResponse({"error": _("No picture came with this request. Choose it again.")}, status=422)
    try:
        picture = pictures.keep(cast("UploadedFile[bytes]", file), by=roles.user_of(request))
    except picture_files.Refused as refused:
        return JsonResponse({"error": str(refused)}, status=422)
    return JsonResponse({"src": pictures.reference(picture), "width": picture.width, "height": picture.height})


@require_http_methods(["GET", "HEAD", "POST"])
@desk(WRITER, REVIEWER, ADMIN)
def pictures_page(request: HttpRequest) -> HttpResponse:
    """All pictures, the newest first, each with what a text says to show it; and a plain form to add one."""
    error = ""
    if request.method == "POST":
        try:
            file = request.FILES.get("picture")
            if file is None:
                raise picture_files.Refused(_("Choose a picture first."))
            picture = pictures.keep(cast("UploadedFile[bytes]", file), by=roles.user_of(request))
            return redirect(f"{reverse('desk:pictures')}?new={picture.digest}#new")
        except picture_files.Refused as refused:
            error = str(refused)
    context = {
        "section": "articles",
        "error": error,
        "new": request.GET.get("new", ""),
        "pictures": [
            {
                "picture": picture,
                "address": pictures.address(picture),
                "reference": pictures.reference(picture),
                "goes_on": picture.unused_since + pictures.KEPT_UNUSED if picture.unused_since else None,
            }
            for picture in Picture.objects.defer("webp", "half").select_related("uploaded_by")[:_SHOWN]
        ],
    }
    return render(request, "desk/pictures.html", context, status=422 if error else 200)


@require_safe
def picture(request: HttpRequest, digest: str, half: str = "") -> HttpResponse:
    """A picture's bytes, for everybody. The address says what they are, so they may be kept for ever."""
    data = Picture.objects.filter(pk=digest).values_list("half" if half else "webp", flat=True).first()
    if not data:
        raise Http404("no such picture")
    response = HttpResponse(bytes(data), content_type="image/webp")
    response["Cache-Control"] = _FOR_EVER
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = _LOCKED
    return response


@require_safe
@desk(WRITER, REVIEWER, ADMIN)
def link_choices(request: HttpRequest) -> JsonResponse:
    """Articles to link to by these words: what search finds among the published, and drafts by their title."""
    words = request.GET.get("q", "")[:200].strip()
    locale = request.GET.get("locale", "")
    locale = locale if translation.check_for_language(locale) else translation.get_language()
    if not words:
        return JsonResponse({"choices": []})
    found = [result.article_id for result in query.find(words, locale=locale, k=_OFFERED, is_staff=True).results]
    by_id = Article.objects.select_related("draft", "live_revision").in_bulk(found)
    drafts = (
        Article.objects.filter(Q(draft__title__icontains=words) | Q(slug__icontains=words))
        .exclude(pk__in=found)
        .exclude(state="archived")
        .select_related("draft", "live_revision")
        .order_by("-draft__updated_at")[:_OFFERED]
    )
    rows = [*(by_id[pk] for pk in found if pk in by_id), *drafts]
    return JsonResponse({"choices": [_choice(article) for article in rows[: 2 * _OFFERED]]})


def _choice(article: Article) -> dict[str, Any]:
    shown = article.live_revision or article.draft
    notes = [article.locale]
    if article.live_revision is None:
        notes.append(_("draft: the link works once it is published"))
    elif article.visibility == "staff":
        notes.append(_("staff only: customers cannot open it"))
    return {"insert": f"article:{article.slug}", "title": shown.title, "note": " · ".join(notes)}
