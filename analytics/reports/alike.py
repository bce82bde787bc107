"""How articles alike did in a period: against what one article's number is shrunk (analytics/stats/shrinkage.py)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.db.models import F, Sum

from analytics import month_counts, spreads
from analytics.models import ReadDay
from analytics.periods import Period
from analytics.reports import journeys
from analytics.reports.journeys import Cell
from analytics.spreads import Spreads
from analytics.stats import shrinkage
from analytics.stats.proportions import Rate
from analytics.stats.shrinkage import Prior
from kb.models import Article


class Everybody:
    """Every article's numbers in a period. Read once, when somebody asks."""

    def __init__(self, period: Period) -> None:
        self.period = period

    @cached_property
    def rates(self) -> Mapping[str, Mapping[int, Rate]]:
        """By number, by article. Three queries."""
        cells = month_counts.summed(self.period, "article_id", "outcome", "is_linkable", "vote")
        tallies = journeys.by_article(
            (Cell(pk or None, outcome, link, vote, False, n) for pk, outcome, link, vote, n in cells), self.spreads
        )
        days = {"day__range": (self.period.first, self.period.last)}
        votes = ReadDay.objects.filter(**days).values_list("article_id").annotate(n=Sum("no"), of=F("n") + Sum("yes"))
        rates: dict[str, dict[int, Rate]] = defaultdict(dict)
        for pk, tally in tallies.items():
            rates["contact"][pk] = tally.contact_after_read.rate
            rates["confirmed"][pk] = tally.confirmed.rate
        for pk, noes, of_votes in votes.order_by():
            rates["no"][pk] = Rate(noes, of_votes)
        return rates

    @cached_property
    def spreads(self) -> Spreads:
        """One query."""
        return spreads.known(self.period.window)

    @cached_property
    def kinds(self) -> list[tuple[int, str, str]]:
        """Each article with its language and its topic. One query."""
        return list(Article.objects.values_list("pk", "locale", "category__topic").order_by())


@dataclass(frozen=True)
class Alike:
    """The articles of its topic in its language, in the period; of all topics where its own has too few."""

    rates: Mapping[str, Mapping[int, Rate]]  # by number, by article

    @classmethod
    def of(cls, article: Article, everybody: Everybody) -> Alike:
        like = [(pk, topic) for pk, locale, topic in everybody.kinds if locale == article.locale]
        own = {pk for pk, topic in like if topic == article.category.topic}
        known = own if len(own) >= shrinkage.LEAST_ALIKE else {pk for pk, _topic in like}
        return cls(
            {
                number: {pk: rate for pk, rate in rates.items() if pk in known}
                for number, rates in everybody.rates.items()
            }
        )

    def prior(self, key: str, article_id: int, before: Rate) -> Prior | None:
        """How its like do; the article itself counts with its text before the change."""
        return shrinkage.fit([*({**self.rates.get(key, {}), article_id: before}).values()])
