"""Contact autopsy: where help failed those who wrote, the run that looks it up, and the contacts behind each share."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from analytics import autopsies, contact_facts, day_pages, outcomes, periods, settling, tasks
from analytics.models import Cause
from analytics.reports import autopsy, contacts, repeats
from analytics.reports.contacts import UNCODED
from analytics.views.desk import READERS
from analytics.views.paging import page_of
from contacts import reasons
from contacts.models import Contact, ContactSource
from core import clock, roles
from core.commits import after_commit
from kb.models import Article


@require_safe
@roles.desk(*READERS)
def page(request: HttpRequest) -> HttpResponse:
    """`reason`: one reason and those under it; all topics without one."""
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    reason = _reason(request.GET.get("reason", ""))
    context = {
        "autopsy": autopsy.build(period, now=now, reason=reason),
        "reason": reason,
        "reason_name": _name(reason),
        "all_reasons": period.address(reverse("desk:autopsy")),
        "run": autopsies.latest(),
        "sample": autopsies.SAMPLE,
        **_about(request, period, wrong),
    }
    return render(request, "desk/autopsy.html", context)


@require_POST
@roles.desk(*READERS)
def ask(request: HttpRequest) -> HttpResponse:
    """Look into the contacts of the days shown, of one topic or of each."""
    now = clock.now()
    period, _wrong = periods.read(request.POST, now=now)
    reason = _reason(request.POST.get("reason", ""))
    topics = {each.code: each.topic for each in reasons.stored()}
    _run, is_new = autopsies.ask(
        period.first, period.last, topic=topics.get(reason, ""), by=roles.user_of(request), now=now
    )
    if is_new:
        after_commit(tasks.run_autopsy.delay)
    else:
        messages.info(request, _("Another run is under way. Ask again when it is done."))
    return redirect(period.address(reverse("desk:autopsy"), reason=reason or None))


@require_safe
@roles.desk(*READERS)
def rows(request: HttpRequest) -> HttpResponse:
    """The contacts behind a share, by `reason` and `cause`."""
    period, wrong = periods.read(request.GET, now=clock.now())
    reason, cause = request.GET.get("reason", ""), request.GET.get("cause", "")
    found = autopsy.found(period, {"reason": reason, "cause": cause}).select_related("contact")
    listed = page_of(found.order_by("-received_at", "-pk"), request)
    titles = dict(
        Article.objects.filter(pk__in=[row.article_id for row in listed if row.article_id]).values_list(
            "pk", "live_revision__title"
        )
    )
    context = {
        "title": _("Contacts that were looked into"),
        "rows_list": "autopsy",
        "rows": [(row.contact, row.get_cause_display(), titles.get(row.article_id or 0)) for row in listed],
        "page": listed,
        "chips": [text for text in (_name(reason), dict(Cause.choices).get(cause, "")) if text],
        **_about(request, period, wrong),
    }
    return render(request, "desk/contact_rows.html", context)


@require_safe
@roles.desk(*READERS)
def repeated(request: HttpRequest) -> HttpResponse:
    """The contacts of which it is known who wrote; with `again`, those after which the same person wrote again."""
    now = clock.now()
    period, wrong = periods.read(request.GET, now=now)
    is_repeated = request.GET.get("again") == "yes"
    in_until = outcomes.watermark(contact_facts.feeds().values(), now=now)
    found = repeats.found(period, in_until=in_until, is_repeated=is_repeated)
    by_day = repeats.by_day(period, in_until=in_until, is_repeated=is_repeated)
    rows_of_days = day_pages.DayPages(found, "received_at", by_day)
    listed: Page[Contact] = page_of(rows_of_days, request)
    context = {
        "rows_list": "repeated",
        "title": _("Contacts whose writer wrote again") if is_repeated else _("Contacts whose writer is known"),
        "rows": [(contact, "", None) for contact in listed],
        "page": listed,
        "chips": [],
        **_about(request, period, wrong),
    }
    return render(request, "desk/contact_rows.html", context)


def _about(request: HttpRequest, period: periods.Period, wrong: list[str]) -> dict[str, Any]:
    return {
        "section": "home",
        "back": period.address(reverse("desk:home")),
        "kept": [(name, value) for name, value in request.GET.items() if name not in (*periods.NAMES, "page")],
        "period": period,
        "wrong": wrong,
        "windows": settling.windows(),
        "segments": {"locales": settings.LANGUAGES, "sources": ContactSource.choices},
        "may_open_rows": True,
    }


def _reason(text: str) -> str:
    """A code of the tree, or nothing."""
    return text if text in {each.code for each in reasons.stored()} else ""


def _name(code: str) -> str:
    return _("Uncoded") if code == UNCODED else contacts.name_of(code) if code else ""
