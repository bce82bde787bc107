"""What could be done about what customers read: topics, searches, articles, tests (analytics/reports/to_do.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import F, Sum
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from analytics import gap_clusters, gaps, verdicts
from analytics.gap_clusters import Asked
from analytics.judging.shapes import Code, Judgement
from analytics.models import GapKind, SearchDay
from analytics.periods import Period
from analytics.reports import contacts, journeys, search_counts
from analytics.reports.contacts import UNCODED, ReasonRow
from analytics.reports.journeys import Tally
from analytics.reports.to_do import Candidate, Kind, Place
from analytics.stats.counts import poisson
from analytics.stats.proportions import Rate
from contacts import reasons
from core.roles import ADMIN, ANALYST, OPS, REVIEWER, WRITER
from kb.models import Article, Experiment, ExperimentState, Metric

_QUERIES = 60  # that failed most often, put together by their words
_OF_EACH = 6  # candidates of one kind that are looked at more closely
EDITORS = frozenset({WRITER, REVIEWER, ADMIN})
ARTICLES = EDITORS | {ANALYST}
NUMBERS = frozenset({OPS, ANALYST, ADMIN})


@dataclass(frozen=True)
class _Known:
    """The numbers of the overview that candidates are made of."""

    period: Period
    now: datetime
    tally: Tally
    reasons: Sequence[ReasonRow]
    decided: gaps.Known

    @property
    def weeks(self) -> float:
        """Of the period, as far as it is over."""
        return max(1 / 7, self.period.days * contacts.passed(self.period, now=self.now) / 7)


def found(
    period: Period, *, now: datetime, tally: Tally, reason_rows: Sequence[ReasonRow], decided: gaps.Known
) -> list[Candidate]:
    """Seven queries at most, however much there is."""
    known = _Known(period, now, tally, reason_rows, decided)
    return [*_without_article(known), *_searches(known), *_articles(known), *_tests()]


def _without_article(known: _Known) -> list[Candidate]:
    """Topics that no published article is about, as "What to write next" has them."""
    covered = set(Article.objects.public().order_by().values_list("category__topic", flat=True).distinct())
    tree = reasons.stored()
    bare = {reason.topic for reason in tree} - {
        topic for reason in tree if covered & set(reason.path) for topic in (reason.topic,)
    }
    every = sum(row.now for row in known.reasons if row.depth == 0)
    made = []
    for row in known.reasons:
        if row.depth or row.code == UNCODED or row.code not in bare or not row.now:
            continue
        standing = known.decided.of(GapKind.REASON, {row.code: 1.0}, size=known.period.per_28(row.now))
        says = ngettext(
            "%(number)s of %(every)s contacts is about “%(name)s”, and no article is.",
            "%(number)s of %(every)s contacts are about “%(name)s”, and no article is.",
            row.now,
        )
        made.append(
            Candidate(
                Kind.NO_ARTICLE,
                row.code,
                says % {"number": intcomma(row.now), "every": intcomma(every), "name": row.name},
                poisson(row.now, spread=known.tally.spreads.count)[0] / known.weeks,
                (
                    Place(reverse("desk:next-article") + "#h-reasons", _("Write the article"), EDITORS),
                    Place(known.period.address(reverse("desk:autopsy"), reason=row.code), _("See why"), NUMBERS),
                ),
                is_settled=bool(standing and (standing.is_hidden or standing.draft)),
            )
        )
    return made


def _searches(known: _Known) -> list[Candidate]:
    """Like queries of which at least half found nothing, or of whose answers nothing was opened."""
    period = known.period
    rows = (
        SearchDay.objects.filter(day__gte=period.first, day__lte=period.last)
        .values("locale", "key")
        .annotate(failures=Sum(search_counts.FAILED), all=Sum("searches"), after=Sum("contacted"))
        .filter(after__gt=0, failures__gte=0.5 * F("all"))
        .order_by("-failures", "locale", "key")[:_QUERIES]
    )
    by_locale: dict[str, dict[str, tuple[int, int, int]]] = {}
    for row in rows:
        by_locale.setdefault(row["locale"], {})[row["key"]] = (row["failures"], row["all"], row["after"])
    groups = [
        (locale, [each.key for each in group], numbers)
        for locale, numbers in by_locale.items()
        for group in gap_clusters.cluster(
            [Asked(key, frozenset(key.split()), number[0]) for key, number in numbers.items()]
        )
    ]
    made = [_cluster(known, locale, keys, numbers) for locale, keys, numbers in groups]
    made.sort(key=lambda each: -(each[0].a_week or 0))
    texts = _texts([(each.locale, each.key) for each, _rate, _failed in made[:_OF_EACH]], period)
    return [
        _worded(each, rate, failures, texts.get((each.locale, each.key), each.key))
        for each, rate, failures in made[:_OF_EACH]
    ]


def _cluster(
    known: _Known, locale: str, keys: list[str], numbers: dict[str, tuple[int, int, int]]
) -> tuple[Candidate, Rate, int]:
    failures, searches, after = (sum(numbers[key][place] for key in keys) for place in range(3))
    rate = Rate(after, searches)
    weights = {f"{locale} {key}": float(numbers[key][0]) for key in keys}
    standing = known.decided.of(GapKind.SEARCHES, weights, size=0)  # it is measured in visitors there
    candidate = Candidate(
        Kind.FAILING_SEARCHES,
        keys[0],
        "",
        rate.interval.low * rate.of / known.weeks,
        (
            *page("search-health", _("Mend the search"), ARTICLES),
            Place(reverse("desk:next-article") + "#h-searches", _("Mend or write"), ARTICLES),
        ),
        locale=locale,
        is_settled=bool(standing and (standing.is_hidden or standing.draft)),
    )
    return candidate, rate, failures


def _worded(candidate: Candidate, rate: Rate, failures: int, text: str) -> Candidate:
    says = _(
        "%(failed)s of %(searches)s searches like “%(text)s” led nowhere; after %(contacted)s of these %(searches)s, "
        "a contact came within a day."
    ) % {
        "failed": intcomma(failures),
        "searches": intcomma(rate.of),
        "text": text,
        "contacted": intcomma(rate.hits),
    }
    return replace(candidate, says=says)


def _texts(pairs: Sequence[tuple[str, str]], period: Period) -> dict[tuple[str, str], str]:
    """How each of these queries was typed last."""
    rows = SearchDay.objects.filter(
        key__in={key for _locale, key in pairs}, day__gte=period.first, day__lte=period.last
    ).order_by("day")
    return {(locale, key): text for locale, key, text in rows.values_list("locale", "key", "text")}


def _articles(known: _Known) -> list[Candidate]:
    """Articles after which people contacted us, by the lower bound of how many."""
    tallies = [
        (own.contact_after_read.rate, pk)
        for pk, own in journeys.by_article(known.tally.cells, known.tally.spreads).items()
        if not own.contact_after_read.why_withheld and own.contact_after_read.rate.hits
    ]
    tallies.sort(key=lambda each: (-each[0].interval.low * each[0].of, each[1]))
    first = tallies[:_OF_EACH]
    titles = dict(
        Article.objects.published().filter(pk__in=[pk for _rate, pk in first]).values_list("pk", "live_revision__title")
    )
    made = []
    for rate, pk in first:
        if pk not in titles:
            continue
        standing = known.decided.of(GapKind.ARTICLE, {str(pk): 1.0}, size=known.period.per_28(rate.hits))
        says = _("After %(hits)s of %(of)s linkable journeys that ended on “%(title)s” people contacted us about it.")
        made.append(
            Candidate(
                Kind.FAILING_ARTICLE,
                str(pk),
                says % {"hits": intcomma(rate.hits), "of": intcomma(rate.of), "title": titles[pk]},
                rate.interval.low * rate.of / known.weeks,
                (
                    Place(reverse("desk:article-edit", args=[pk]), _("Open the article"), EDITORS),
                    Place(reverse("desk:article-evidence", args=[pk]), _("See what readers did"), ARTICLES),
                    Place(
                        known.period.address(reverse("desk:journeys"), article=pk, outcome="contacted", linkable="yes"),
                        _("See these journeys"),
                        NUMBERS,
                    ),
                ),
                is_settled=bool(standing and standing.is_hidden),
            )
        )
    return made


_DECIDED = (Code.BEST, Code.BETTER, Code.WORSE)


def _tests() -> list[Candidate]:
    """Tests whose data are in, and running ones that show a difference already."""
    live = Experiment.objects.filter(
        state__in=[ExperimentState.RUNNING, ExperimentState.PAUSED, ExperimentState.FINISHED]
    )
    looks = verdicts.latest_of(live)
    made = []
    for test in live:
        look = looks.get(test.pk)
        if test.state != ExperimentState.FINISHED and (look is None or look.code not in _DECIDED):
            continue
        says = _("The test “%(name)s” waits for your decision: %(said)s") % {
            "name": test.name,
            "said": look.sentence if look else _("nobody has looked at it yet."),
        }
        at_stake = None
        if look and test.started_at and test.metric != Metric.CONFIRMED:
            weeks = max(1.0, (look.at - test.started_at) / timedelta(weeks=1))
            at_stake = _difference(verdicts.judgement_of(look), weeks)
        made.append(
            Candidate(
                Kind.READY_TEST,
                str(test.pk),
                says,
                at_stake,
                (Place(reverse("desk:experiment", args=[test.pk]), _("Decide the test"), ARTICLES),),
            )
        )
    return made


def _difference(judged: Judgement, weeks: float) -> float | None:
    """Contacts a week between the best and the worst text, at the nearer end of what all looks leave."""
    least = [
        min(abs(each.running_low), abs(each.running_high)) * each.units / weeks
        for each in judged.compared
        if each.said and each.running_low is not None and each.running_high is not None
    ]
    return max(least, default=None)


def page(name: str, label: str, roles: frozenset[str]) -> tuple[Place, ...]:
    """The page of this name, where the desk has it."""
    try:
        return (Place(reverse(f"desk:{name}"), label, roles),)
    except NoReverseMatch:
        return ()
