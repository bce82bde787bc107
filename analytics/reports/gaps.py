"""What to write next: searches that led nowhere, reasons without an article, articles after which people contact us.

Counts with their denominators; none of it says that a missing article caused a contact.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from django.db.models import Sum

from analytics.gaps import Known, Standing
from analytics.models import GapKind
from analytics.periods import Period
from analytics.reports import contacts, gap_searches, journeys
from analytics.reports.gap_searches import Cluster
from analytics.reports.journeys import Guarded, Tally
from contacts import reasons
from kb.models import Article

_SHOWN = 30  # rows of each list
_LEAST_VISITORS = 2  # of a cluster that is shown


@dataclass(frozen=True)
class ReasonGap:
    """A topic of contacts that no published article is about. The code of what nobody could code is empty."""

    code: str
    name: str
    contacts: int
    parts: tuple[tuple[str, int], ...]  # (reason under it, contacts), most first
    standing: Standing | None


@dataclass(frozen=True)
class Failing:
    """An article after which people contacted us. `at_least`: the lower bound of its share, times its journeys."""

    article_id: int
    title: str
    locale: str
    contact_after_read: Guarded
    denied: int
    standing: Standing | None

    @property
    def at_least(self) -> float:
        rate = self.contact_after_read.rate
        return rate.interval.low * rate.of


@dataclass(frozen=True)
class Gaps:
    """The three lists; `hidden` were dismissed. `too_few` articles have had too few readers to be ranked."""

    clusters: tuple[Cluster, ...]
    reasons: tuple[ReasonGap, ...]
    uncoded: int
    contacts: int
    failing: tuple[Failing, ...]
    too_few: int
    hidden: int = 0
    more_clusters: int = 0
    single: int = 0  # clusters of one visitor, which tell too little
    by_meaning: frozenset[str] = field(default_factory=frozenset)  # locales whose queries were compared by meaning too


def build(period: Period, known: Known, *, with_dismissed: bool = False) -> Gaps:
    """`known`: what was decided of gaps before. What was dismissed and has not grown is left out but for its number."""
    found, by_meaning = gap_searches.clusters(period, known)
    uncovered, uncoded, contacts = _reasons(period, known)
    failing, too_few = _failing(period, known)
    often = [cluster for cluster in found if cluster.contacted.of >= _LEAST_VISITORS]
    every: list[Cluster | ReasonGap | Failing] = [*often, *uncovered, *failing]
    hidden = sum(bool(gap.standing and gap.standing.is_hidden) for gap in every)

    def is_kept(gap: Cluster | ReasonGap | Failing) -> bool:
        return with_dismissed or not (gap.standing and gap.standing.is_hidden)

    clusters = list(filter(is_kept, often))
    return Gaps(
        clusters=tuple(clusters[:_SHOWN]),
        reasons=tuple(filter(is_kept, uncovered)),
        uncoded=uncoded,
        contacts=contacts,
        failing=tuple(filter(is_kept, failing))[:_SHOWN],
        too_few=too_few,
        hidden=hidden,
        more_clusters=max(0, len(clusters) - _SHOWN),
        single=len(found) - len(often),
        by_meaning=by_meaning,
    )


def find_cluster(period: Period, known: Known, *, locale: str, key: str) -> Cluster | None:
    """The cluster that this query is in now."""
    found, _by_meaning = gap_searches.clusters(period, known)
    return next(
        (each for each in found if each.locale == locale and any(query.key == key for query in each.queries)), None
    )


def find_reason(period: Period, known: Known, *, code: str) -> ReasonGap | None:
    return next((gap for gap in _reasons(period, known)[0] if gap.code == code), None)


def find_failing(period: Period, known: Known, *, article_id: int) -> Failing | None:
    return next((gap for gap in _failing(period, known)[0] if gap.article_id == article_id), None)


def _reasons(period: Period, known: Known) -> tuple[list[ReasonGap], int, int]:
    """The topics with contacts and without any published article, how many contacts are uncoded, and how many all."""
    counts = Counter(dict(contacts.days_of(period).values_list("reason").annotate(n=Sum("contacts")).order_by()))
    tree = reasons.stored()
    covered = set(Article.objects.public().order_by().values_list("category__topic", flat=True).distinct())
    by_topic: dict[str, dict[str, int]] = defaultdict(dict)
    for reason in tree:
        # A shelf may be about a whole topic, or about one reason under it.
        if (number := counts[reason.code]) and not covered & set(reason.path):
            by_topic[reason.topic][reason.name] = number
    names = {reason.code: reason.name for reason in tree}
    found = [
        ReasonGap(
            code=topic,
            name=names[topic],
            contacts=sum(parts.values()),
            parts=tuple(sorted(parts.items(), key=lambda part: (-part[1], part[0]))),
            standing=known.of(GapKind.REASON, {topic: 1.0}, size=period.per_28(sum(parts.values()))),
        )
        for topic, parts in by_topic.items()
    ]
    found.sort(key=lambda gap: (-gap.contacts, gap.code))
    return found, counts.total() - sum(counts[reason.code] for reason in tree), counts.total()


def _failing(period: Period, known: Known) -> tuple[list[Failing], int]:
    """Articles after which somebody contacted us, by the lower bound of how many; and how many had too few readers."""
    tally = journeys.tally(period)
    by_article = journeys.by_article(tally.cells, tally.spreads)
    ranked = {pk: tally for pk, tally in by_article.items() if not tally.contact_after_read.why_withheld}
    texts = {
        pk: (title, locale)
        for pk, title, locale in Article.objects.published()
        .filter(pk__in=ranked)
        .values_list("pk", "live_revision__title", "locale")
    }
    found = [_failing_row(pk, *texts[pk], tally, known, period) for pk, tally in ranked.items() if pk in texts]
    found = [gap for gap in found if gap.contact_after_read.rate.hits]
    found.sort(key=lambda gap: (-gap.at_least, gap.title))
    return found, len(by_article) - len(ranked)


def _failing_row(pk: int, title: str, locale: str, tally: Tally, known: Known, period: Period) -> Failing:
    guarded = tally.contact_after_read
    return Failing(
        article_id=pk,
        title=title,
        locale=locale,
        contact_after_read=guarded,
        denied=tally.count("denied"),
        standing=known.of(GapKind.ARTICLE, {str(pk): 1.0}, size=period.per_28(guarded.rate.hits)),
    )
