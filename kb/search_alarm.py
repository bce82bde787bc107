"""After the search tests ran: whose planned change they may fail since, and the mail that says so.

A plan is carried out at its minute, whatever the search tests say: nobody is there to be asked, and what was announced
for nine must be there at nine. So that no test breaks in silence, the run that follows compares: a test that passed and
fails now is told to whoever planned what was carried out in between, and to the owners of those articles.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core import audit
from kb import telling
from kb.models import Plan, PlanKind, PlanState, SearchTestOutcome, SearchTestRun
from kb.search import checking

# A text's meaning is learnt after it is live (kb.make_vectors): the run after the next may be the one that sees it.
_MARGIN = timedelta(minutes=2)
_NAMED = 20  # tests in one mail


def run() -> SearchTestRun | None:
    """Run the search tests if it is time, and tell of those that planned changes may have broken."""
    last = checking.last_run()
    made = checking.run_if_due()
    if made is not None and last is not None:
        tell(made, since=last)
    return made


def tell(made: SearchTestRun, *, since: SearchTestRun) -> int:
    """Write to the people behind the plans that were carried out between two runs, where `made` found tests to fail
    that passed. Returns how many plans were told of."""
    plans = list(
        Plan.objects.filter(state=PlanState.DONE, ended_at__gt=since.at - _MARGIN, ended_at__lte=made.at)
        .select_related("article__owner", "article__draft", "made_by")
        .order_by("ended_at", "pk")
    )
    broken = newly_failing(made) if plans else []
    if not broken:
        return 0
    for plan in plans:
        _tell(plan, broken, others=len(plans) - 1)
    return len(plans)


def newly_failing(made: SearchTestRun) -> list[SearchTestOutcome]:
    """The outcomes of a run that are failures of tests which passed before."""
    before = SearchTestOutcome.objects.filter(test=OuterRef("test"), pk__lt=OuterRef("pk")).order_by("-pk")
    rows = SearchTestOutcome.objects.filter(run=made, is_passed=False).filter(Exists(before))
    rows = rows.annotate(was_passed=Subquery(before.values("is_passed")[:1])).filter(was_passed=True)
    return list(rows.select_related("test__article__draft", "test__article__live_revision").order_by("pk"))


def _tell(plan: Plan, broken: Sequence[SearchTestOutcome], *, others: int) -> None:
    article = plan.article
    at = f"{timezone.localtime(plan.ended_at):%d %B %Y, %H:%M}"
    what = _("published") if plan.kind == PlanKind.PUBLISH else _("archived")
    lines = [
        _("“%(name)s” was %(what)s as planned (%(at)s, %(zone)s). Since then these search tests fail, which passed:")
        % {"name": article.draft.title, "what": what, "at": at, "zone": settings.SHOP_TIME_ZONE},
        "",
        *(_line(outcome) for outcome in broken[:_NAMED]),
        "",
    ]
    if len(broken) > _NAMED:
        lines.insert(-1, _("And %(number)d more.") % {"number": len(broken) - _NAMED})
    if others:
        lines.append(_("Other plans were carried out in the same minutes, and may be the cause."))
    lines.append(_("Change the text, add a synonym or pin the article; or change the test, if it asks too much."))
    subject = ngettext(
        "%(number)d search test fails since “%(name)s” was %(what)s",
        "%(number)d search tests fail since “%(name)s” was %(what)s",
        len(broken),
    ) % {"number": len(broken), "name": article.draft.title, "what": what}
    for person in {one.pk: one for one in (plan.made_by, article.owner) if one is not None}.values():
        telling.tell(person, article, subject=subject, text="\n".join(lines))
    tests = [outcome.test_id for outcome in broken]
    audit.record(None, "search_test.broken_by_plan", article, label=article.draft.title, plan=plan.pk, tests=tests)


def _line(outcome: SearchTestOutcome) -> str:
    test = outcome.test
    said = {
        "query": test.query, "locale": test.locale, "title": checking.title_of(test.article), "top": outcome.top,
        "place": outcome.position,
    }  # fmt: skip
    if outcome.position is None:
        return _("- “%(query)s” (%(locale)s): “%(title)s” is not among the first ten; wanted: %(top)d") % said
    return _("- “%(query)s” (%(locale)s): “%(title)s” is at place %(place)d; wanted: %(top)d") % said
