"""Search health (metric 10): how searches of a period fared, by day, language and cluster of like queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db.models import F, Sum

from analytics import gap_clusters, gaps, search_acts, shop_days, spreads
from analytics.gaps import Known, Standing
from analytics.models import GapKind
from analytics.periods import Compare, Period
from analytics.reports import gap_searches, query_words, search_acted, search_answers, search_counts
from analytics.reports.search_acted import Acted, Asking
from analytics.reports.search_answers import Answers
from analytics.reports.search_counts import Counts
from analytics.stats.proportions import Rate

SHOWN = 15  # clusters of each list
_NAMED = 6  # queries that a cluster is explained by
_LEAST = 2  # searches of a cluster that is shown
ACTS_BACK = timedelta(days=90)


@dataclass(frozen=True)
class Query:
    """One query as queries are compared, in the words in which it was typed last."""

    key: str
    text: str
    counts: Counts


@dataclass(frozen=True)
class Cluster:
    """Like queries of one language, the one that failed most first; what is shown for it, and what was done for it."""

    locale: str
    queries: tuple[Query, ...]
    counts: Counts
    standing: Standing | None = None
    answers: Answers = search_answers.UNKNOWN
    acted: Acted | None = None

    @property
    def text(self) -> str:
        return self.queries[0].text

    @property
    def key(self) -> str:
        return self.queries[0].key

    @property
    def others(self) -> tuple[Query, ...]:
        return self.queries[1:_NAMED]

    @property
    def more(self) -> int:
        return max(0, len(self.queries) - _NAMED)


@dataclass(frozen=True)
class Day:
    """A day, or several of a long or quiet period."""

    first: date
    last: date
    counts: Counts


@dataclass(frozen=True)
class Language:
    locale: str
    now: Counts
    before: Counts | None


@dataclass(frozen=True)
class SearchHealth:
    """Everything on the page. Contacts are known of searches `decided_until` that day; `before` is None where nothing
    is compared. `open` clusters are by what they cost at the least; `done` those for which something was done."""

    period: Period
    decided_until: date
    now: Counts
    before: Counts | None
    days: tuple[Day, ...]
    languages: tuple[Language, ...]
    open: tuple[Cluster, ...]
    done: tuple[Cluster, ...]
    more: int  # clusters that are left out
    single: int  # clusters of one search, which tell too little
    by_meaning: frozenset[str]  # languages whose queries were compared by meaning too
    acts: tuple[search_acts.Act, ...]


def build(period: Period, *, now: datetime) -> SearchHealth:
    """All numbers of a period, from counts of its days; the number of queries does not depend on how many there are."""
    until = search_counts.decided_until(now)
    found = by_day_and_locale(period, until)
    then = None if period.compare is Compare.NONE else by_day_and_locale(period.before(), until)
    acts = search_acts.since(now - ACTS_BACK)
    clusters, by_meaning = _clusters(period, until, gaps.known())
    often = [cluster for cluster in clusters if cluster.counts.searches >= _LEAST]
    often = _with_acts(often, acts, until=until, today=shop_days.day_of(now))
    done = [cluster for cluster in often if cluster.acted]
    waiting = [cluster for cluster in often if not cluster.acted and _is_trouble(cluster.counts)]
    return SearchHealth(
        period=period,
        decided_until=until,
        now=search_counts.total(found.values()),
        before=None if then is None else search_counts.total(then.values()),
        days=slots(period, _by_day(found), step=step_of(period, search_counts.total(found.values()).searches)),
        languages=_languages(found, then),
        open=_with_answers(waiting[:SHOWN], period),
        done=_with_answers(done[:SHOWN], period),
        more=max(0, len(waiting) - SHOWN),
        single=len(clusters) - len(often),
        by_meaning=by_meaning,
        acts=tuple(acts),
    )


def find(period: Period, *, now: datetime, locale: str, key: str) -> Cluster | None:
    """The cluster that this query is in now, without what was done for it."""
    found, _by_meaning = _clusters(period, search_counts.decided_until(now), gaps.known())
    return next((one for one in found if one.locale == locale and any(query.key == key for query in one.queries)), None)


def as_gap(cluster: Cluster) -> gap_searches.Cluster:
    """As "What to write next" has it, from where drafts are begun."""
    failed = cluster.counts.failed
    return gap_searches.Cluster(
        locale=cluster.locale,
        text=cluster.text,
        queries=tuple(
            gap_searches.Query(query.key, query.text, query.counts.failed, query.counts.searches)
            for query in cluster.queries
        ),
        failed=failed,
        searches=cluster.counts.searches,
        without_answer=cluster.counts.without_answer,
        contacted=Rate(min(cluster.counts.contacted, failed), failed),
        standing=cluster.standing,
    )


def step_of(period: Period, searches: int) -> int:
    """How many days stand together in a chart: seven where most days would have too few for a rate."""
    return 1 if period.days <= 63 and searches >= search_counts.LEAST * period.days else 7


def _is_trouble(counts: Counts) -> bool:
    return bool(counts.failed or counts.reformulated or counts.contacted)


def by_day_and_locale(period: Period, until: date) -> dict[tuple[date, str], Counts]:
    """Contacts of days `until` only. Who asks in many words has one contact after all of them: `spread` says so."""
    rows = search_counts.days(period).values("day", "locale").annotate(**search_counts.summed(until))
    spread = spreads.known(period.window).search
    return {(row["day"], row["locale"]): search_counts.of_row(row, spread=spread) for row in rows}


def slots(period: Period, found: Mapping[date, Counts], *, step: int) -> tuple[Day, ...]:
    """Every `step` days of the period with their counts."""
    sums = [Counts()] * -(-period.days // step)
    for day, counts in found.items():
        sums[(day - period.first).days // step] += counts
    starts = [period.first + timedelta(days=step * index) for index in range(len(sums))]
    return tuple(
        Day(first, min(first + timedelta(days=step - 1), period.last), counts)
        for first, counts in zip(starts, sums, strict=True)
    )


def _languages(
    found: Mapping[tuple[date, str], Counts], then: Mapping[tuple[date, str], Counts] | None
) -> tuple[Language, ...]:
    now, before = _by_locale(found), None if then is None else _by_locale(then)
    rows = [
        Language(locale, now.get(locale, Counts()), None if before is None else before.get(locale, Counts()))
        for locale in now.keys() | (before or {}).keys()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.now.searches, row.locale)))


def _by_day(found: Mapping[tuple[date, str], Counts]) -> dict[date, Counts]:
    sums: dict[date, Counts] = defaultdict(Counts)
    for (day, _locale), counts in found.items():
        sums[day] += counts
    return dict(sums)


def _by_locale(found: Mapping[tuple[date, str], Counts]) -> dict[str, Counts]:
    sums: dict[str, Counts] = defaultdict(Counts)
    for (_day, locale), counts in found.items():
        sums[locale] += counts
    return dict(sums)


def _clusters(period: Period, until: date, known: Known) -> tuple[list[Cluster], frozenset[str]]:
    """Of the queries that failed most or led to most contacts, the most costly cluster first."""
    rows = (
        search_counts.days(period)
        .exclude(key="")
        .values("locale", "key")
        .annotate(wrong=Sum(search_counts.FAILED + F("contacted")), **search_counts.summed(until))
        .order_by("-wrong", "locale", "key")[: gap_clusters.MOST]
    )
    counts = {(row["locale"], row["key"]): search_counts.of_row(row) for row in rows}
    like = query_words.like({query: of_query.failed + 0.5 for query, of_query in counts.items()})
    found = [
        _cluster(locale, [Query(key, like.text[locale, key], counts[locale, key]) for key in keys], known)
        for locale, keys in like.groups
    ]
    found.sort(key=lambda one: (-one.counts.contacts_at_least, -one.counts.failed, -one.counts.searches, one.text))
    return found, like.by_meaning


def _cluster(locale: str, group: Sequence[Query], known: Known) -> Cluster:
    queries = tuple(sorted(group, key=_first))
    keys = {f"{locale} {query.key}": float(query.counts.searches) for query in queries}
    counts = search_counts.total(query.counts for query in queries)
    return Cluster(locale, queries, counts, known.of(GapKind.SEARCHES, keys, size=0))


def _first(query: Query) -> tuple[int, int, int, str]:
    return -query.counts.failed, -query.counts.searches, len(query.key), query.key


def _with_acts(
    clusters: Sequence[Cluster], acts: Sequence[search_acts.Act], *, until: date, today: date
) -> list[Cluster]:
    """Each with what was done for it. One query."""
    asking: dict[int, Asking] = {}
    for number, cluster in enumerate(clusters):
        keys = [query.key for query in cluster.queries]
        draft = search_acts.published(cluster.standing, cluster.locale)
        found = search_acts.about(acts, cluster.locale, keys) + ([draft] if draft else [])
        if found:
            found.sort(key=lambda act: act.at, reverse=True)
            asking[number] = Asking(cluster.locale, keys, found)
    acted = dict(zip(asking, search_acted.around(list(asking.values()), until=until, today=today), strict=True))
    return [replace(cluster, acted=acted.get(number)) for number, cluster in enumerate(clusters)]


def _with_answers(clusters: Sequence[Cluster], period: Period) -> tuple[Cluster, ...]:
    answers = search_answers.of([(one.locale, one.key, one.text) for one in clusters], period)
    return tuple(replace(one, answers=found) for one, found in zip(clusters, answers, strict=True))
