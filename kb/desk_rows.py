"""What the rows of the list of articles show, as words: each is worked out once a page, and not once a row.

A template that asks fifty rows for their days, badges and reasons one by one takes longer than the database does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from kb.models import ArticleResult, Visibility

_DAY = "j M Y"
_MINUTE = "j M, H:i"
_PLACE = 0  # an id that no article has


def shown(rows: Sequence[Any], *, may_write: bool) -> list[dict[str, Any]]:
    """The cells of rows that came by desk_list.rows, in their order; the keys are those of the template's row.

    A title leads to the editor's page for whoever `may_write`, else to what links to the article.
    """
    address = reverse("desk:article-edit" if may_write else "desk:article-links", args=[_PLACE])
    before, _zero, behind = address.partition(f"/{_PLACE}/")

    @cache
    def day_of(day: date) -> str:
        return date_format(day, _DAY)

    @cache
    def badge_of(state: str) -> SafeString:
        return render_to_string("desk/_partials/article_state.html", {"state": state})

    @cache
    def reasons_of(kinds: tuple[Any, ...]) -> tuple[str, SafeString]:
        names = ", ".join(str(kind.short) for kind in kinds)
        return names, render_to_string("desk/_partials/article_reasons.html", {"kinds": kinds})

    helpful, contacts = _("%(yes)s of %(votes)s"), _("%(contacts)s of %(readers)s")
    to_do, left, nobody = _("What to do about “%(title)s”"), _("(has left)"), _("nobody")
    found = []
    for row in rows:
        owner, result = row.owner, getattr(row, "result", None)
        names, reasons = reasons_of(tuple(row.reasons)) if row.reasons else ("", "")
        found.append(
            {
                "pk": row.pk,
                "url": f"{before}/{row.pk}/{behind}",
                "title": row.shown_title,
                "locale": row.locale,
                "is_staff": row.visibility == Visibility.STAFF,
                "reasons": reasons,
                "reasons_label": f"{to_do % {'title': row.shown_title}}: {names}" if reasons else "",
                "category": row.category_name,
                "state": badge_of("changed" if row.is_changed else row.state),
                "is_in_review": row.is_in_review,
                "is_under_test": row.is_under_test,
                "plan": _plan(row),
                "review_by": day_of(row.review_by) if row.review_by else "",
                "owner": (str(owner) if owner.is_active else f"{owner} {left}") if owner else nobody,
                "updated": day_of(localtime(row.last_touched_at).date()),
                "helpful": helpful % {"yes": row.yes, "votes": row.votes} if row.votes else "",
                "contacts": _contacts(contacts, result) if result is not None and result.linkable else "",
            }
        )
    return found


def _contacts(words: str, result: ArticleResult) -> str:
    return words % {"contacts": intcomma(result.contacts_after_read), "readers": intcomma(result.linkable)}


def _plan(row: Any) -> dict[str, Any] | None:
    """The badge of what is planned: one that could not be done comes before the next."""
    if row.has_failed_plan:
        return {"class": "badge-danger", "text": _("Plan failed")}
    if row.next_plan:
        at = date_format(localtime(row.next_plan), _MINUTE)
        return {"class": "badge-info", "text": _("Planned %(at)s") % {"at": at}}
    return None
