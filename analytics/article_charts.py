"""The chart of what one article did."""

from __future__ import annotations

from collections.abc import Collection

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics import figures, markers
from analytics.figures import Chart, Kind, Mark, MarkKind, Series
from analytics.periods import shop_zone
from analytics.reports.evidence import Evidence


def views(evidence: Evidence, *, reader: Collection[str]) -> Chart:
    """Views of each day or week, with the article's edits and tests, and what happened in the shop. `reader`: roles."""
    period, pk = evidence.period, evidence.article.pk
    step = 1 if len(evidence.days) == period.days else 7
    edits = [
        Mark(
            edit.at.astimezone(shop_zone()).date(),
            MarkKind.ARTICLE,
            _("text %(number)s") % {"number": edit.number},
            reverse("desk:article-revision", args=[pk, edit.number]),
        )
        for edit in evidence.edits
    ]
    counted = {"views": intcomma(evidence.views), "readers": intcomma(evidence.readers)}
    changes = ngettext("; the text changed %(number)s time", "; the text changed %(number)s times", len(edits))
    changed = changes % {"number": len(edits)} if edits else ""
    return Chart(
        name="article-views",
        title=_("Views by day") if step == 1 else _("Views by week"),
        reads=_("%(views)s views by %(readers)s readers") % counted + changed + ".",
        points=figures.days(period.first, period.last, step=step),
        series=[Series(_("Views"), [number for _first, number in evidence.days])],
        source=_("Visits of signed-in staff and of bots do not count."),
        kind=Kind.BARS,
        unit=_("views"),
        x_title=_("Day") if step == 1 else _("Days"),
        marks=[*edits, *markers.around(period, reader=reader, article_id=pk)],
    )
