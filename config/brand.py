"""The desk's page of the shop's name and look: change it, see it before it counts, go back; and who changed what."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.brand_form import LABELS, BrandForm, changed
from core import brand, brand_colours, contrast, csp, roles
from core.brand import Draft
from core.brand_look import Link
from core.roles import ADMIN, desk
from kb import rendering, selectors
from kb.models import Article

_CHANGES_SHOWN = 20
_SCREENS = (("home", "light"), ("home", "dark"), ("article", "light"), ("article", "dark"))
_FRAMED = csp.POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")


@dataclass(frozen=True)
class Reading:
    """What the page says beside the accent's field."""

    colour: str
    ratio: float
    better: str
    on_dark: str
    ratio_on_dark: float


@require_http_methods(["GET", "HEAD", "POST"])
@desk(ADMIN)
def page(request: HttpRequest) -> HttpResponse:
    """The form; by POST it is saved, or comes back with everything that was typed and what to do about it."""
    if request.method != "POST":
        newest = brand.newest()
        return _page(request, BrandForm.filled(brand.draft_of(newest), after=newest.pk if newest else 0))
    what, _sep, colour = request.POST.get("do", "save").partition(":")
    form = BrandForm(changed(request.POST, accent=colour) if what == "use" else request.POST, request.FILES)
    is_good = form.is_valid()
    if what != "save":
        return _page(request, form)
    if not is_good:
        return _page(request, form, status=400)
    try:
        is_new = brand.save(form.draft(), after=form.cleaned_data["after"], by=roles.user_of(request))
    except brand.Overtaken as overtaken:
        form.data = changed(form.data, after=str(overtaken.newest.pk))
        form.add_error(
            None,
            _("%(who)s saved another look while you had this page open. Yours is below: save again to put it on top.")
            % {"who": overtaken.newest.made_by or _("Somebody")},
        )
        return _page(request, form, status=409)
    if is_new:
        messages.success(request, _("Saved. Every page shows it within two seconds, and the next e-mails too."))
    else:
        messages.info(request, _("Nothing has changed: this is the look that customers see already."))
    return redirect("desk:brand")


@require_POST
@desk(ADMIN)
def reset(request: HttpRequest) -> HttpResponse:
    """Back to the settings' own look; the one before stays in the list of changes."""
    newest = brand.newest()
    if brand.save(Draft(), after=newest.pk if newest else 0, by=roles.user_of(request)):
        messages.success(request, _("Back to the default look. The one before is in the list of changes."))
    else:
        messages.info(request, _("This is the default look already."))
    return redirect("desk:brand")


@require_POST
@desk(ADMIN)
def check(request: HttpRequest) -> HttpResponse:
    """While somebody types or chooses a file: the preview, and what the colours are worth."""
    form = BrandForm(request.POST, request.FILES)
    context = {**_shown(form), "form": form, "is_swap": True, "has_file": bool(request.FILES)}
    return render(request, "desk/_partials/brand_check.html", context)


@require_GET
@desk(ADMIN)
def preview(request: HttpRequest, screen: str) -> HttpResponse:
    """One of our pages in a look that nobody has saved, for the frames of the desk's page."""
    draft = _draft_in(request.GET)
    look = replace(
        brand.look_of(draft), preview_css_url=f"{reverse('desk:brand-preview-css')}?{request.GET.urlencode()}"
    )
    scheme = request.GET.get("scheme", "")
    context = {
        "brand": look, "shop_name": look.name, "is_preview": True,
        "theme": scheme if scheme in ("light", "dark") else "light",
    }  # fmt: skip
    with translation.override(settings.LANGUAGE_CODE):
        template, more = _article() if screen == "article" else _home()
        response = render(request, template, {**context, **more})
    response["Content-Security-Policy"] = _FRAMED
    response["X-Frame-Options"] = "SAMEORIGIN"
    return response


@require_GET
@desk(ADMIN)
def preview_css(request: HttpRequest) -> HttpResponse:
    look = brand.look_of(_draft_in(request.GET))
    return HttpResponse(look.css, content_type="text/css; charset=utf-8")


def _page(request: HttpRequest, form: BrandForm, *, status: int = 200) -> HttpResponse:
    context = {
        **_shown(form),
        "section": "brand",
        "form": form,
        "is_default": brand.newest() is None or brand.draft_of(brand.newest()) == Draft(),
        "changes": [
            (change.row, [_told(*difference) for difference in change.what]) for change in brand.history(_CHANGES_SHOWN)
        ],
    }
    response = render(request, "desk/brand.html", context, status=status)
    response["Content-Security-Policy"] = f"{csp.POLICY}; frame-src 'self'"  # our own pages, in the preview
    return response


def _told(key: str, was: str, now: str) -> tuple[Any, str, str, bool]:
    """A difference as the list of changes says it: label, before, after, whether they are colours."""
    if key.startswith("logo"):  # a digest says nothing but that it is another picture
        was, now = (_("picture %(number)s") % {"number": value[:6]} if value else "" for value in (was, now))
    return LABELS[key], was, now, key in ("accent", "hero")


def _shown(form: BrandForm) -> dict[str, Any]:
    """What depends on what the form says so far."""
    draft = form.so_far()
    look = brand.look_of(draft)
    asked, has_article = _query_of(draft), _an_article() is not None
    return {
        "look": look,
        "reading": _reading(form),
        "dark_text": brand_colours.ink_on(look.hero) != contrast.WHITE,
        "hero_ratio": contrast.ratio(brand_colours.ink_on(look.hero), look.hero),
        "screens": [
            (screen, scheme, f"{reverse('desk:brand-preview', args=[screen])}?scheme={scheme}&{asked}")
            for screen, scheme in _SCREENS
            if screen == "home" or has_article
        ],
    }


def _reading(form: BrandForm) -> Reading | None:
    """Of the accent as it is typed; None where that is not a colour."""
    colour = contrast.parse(str(form["accent"].value() or ""))
    if colour is None:
        return None
    verdict = brand_colours.judge_accent(colour)
    shown = verdict.better or colour
    dark = brand_colours.derive(shown, brand.default_hero(shown)).dark
    ratio_on_dark = contrast.worst(dark["accent"], (dark["page"], dark["surface"], dark["sunken"]))
    return Reading(colour, verdict.ratio, verdict.better, dark["accent"], ratio_on_dark)


def _query_of(draft: Draft) -> str:
    """What the preview needs of a draft, as it stands in an address."""
    said = {"name": draft.name, "accent": draft.accent, "hero": draft.hero, "logo": draft.logo, "dark": draft.logo_dark}
    said |= {"mail": draft.support_email, "hours": draft.support_hours}
    return urlencode(
        {**{key: value for key, value in said.items() if value}, "link": [x.label for x in draft.links]}, doseq=True
    )


def _draft_in(asked: QueryDict) -> Draft:
    """The draft of an address; whatever in it is not good is as if it were not there."""
    accent = contrast.parse(asked.get("accent", "")) or ""
    return Draft(
        name=asked.get("name", "")[:60],
        accent=brand_colours.judge_accent(accent).better or accent if accent else "",
        hero=contrast.parse(asked.get("hero", "")) or "",
        logo=brand.known_image(asked.get("logo", "")),
        logo_dark=brand.known_image(asked.get("dark", "")),
        support_email=asked.get("mail", "")[:254],
        support_hours=asked.get("hours", "")[:120],
        links=tuple(Link(label[:40], "https://shop.invalid/") for label in asked.getlist("link")[: brand.MOST_LINKS]),
    )


def _home() -> tuple[str, dict[str, Any]]:
    locale = settings.LANGUAGE_CODE
    return "help/home.html", {
        "categories": selectors.category_texts(locale),
        "popular": selectors.popular(locale),
    }


def _an_article() -> Article | None:
    locale = settings.LANGUAGE_CODE
    first = Article.objects.readable_in(locale).filter(locale=locale).order_by("pk").first()
    if first is None:
        return None
    rows = Article.objects.published().at_address(first.slug, locale).with_texts(locale)
    return rows.select_related("live_revision").get(pk=first.pk)


def _article() -> tuple[str, dict[str, Any]]:
    shown = _an_article()
    if shown is None or shown.live_revision is None:
        raise Http404("no article is published yet")
    return "help/article.html", {
        "article": shown,
        "revision": shown.live_revision,
        "html": mark_safe(rendering.localise(shown.live_revision.html, shown.locale)),
        "category": {"name": shown.category_name, "slug": shown.category_slug},  # type: ignore[attr-defined]
        "toc": [],
        "contact_query": "",
        "related": selectors.popular(shown.locale, limit=3),
    }
