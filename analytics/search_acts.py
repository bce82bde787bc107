"""What editors did for searchers: synonyms, pins, hides and drafts. When, by whom, and for which queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from urllib.parse import urlencode

from django.db.models import CharField
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import shop_days
from analytics.figures import Mark, MarkKind
from analytics.gaps import Standing
from kb.models import Placement, PlacementKind, Synonym
from kb.search.keys import key_of

_MOST = 200  # of each kind, newest first
_NAMED = 3  # on a day with more they are counted, and not named


@dataclass(frozen=True)
class Act:
    """One thing that was done. `sides` are the stems of which a query must have all of one, `key` the whole query."""

    at: datetime
    by: str
    text: str
    locale: str
    url: str = ""
    sides: tuple[frozenset[str], ...] = ()
    key: str = ""

    @property
    def on(self) -> date:
        return shop_days.day_of(self.at)


def since(start: datetime) -> list[Act]:
    """Synonyms and placements made since then that still hold, newest first. Two queries."""
    synonyms = Synonym.objects.filter(created_at__gte=start).select_related("created_by").order_by("-created_at")
    placements = (
        Placement.objects.filter(created_at__gte=start)
        .exclude(key="")
        .select_related("created_by")
        .annotate(title=Coalesce("article__live_revision__title", "article__slug", output_field=CharField()))
        .order_by("-created_at")
    )
    found = [*map(_synonym, synonyms[:_MOST]), *map(_placement, placements[:_MOST])]
    return sorted(found, key=lambda act: act.at, reverse=True)


def about(acts: Sequence[Act], locale: str, keys: Sequence[str]) -> list[Act]:
    """Those that change the answers to some of these queries, newest first."""
    wanted, stems = set(keys), [set(key.split()) for key in keys]
    return [
        act
        for act in acts
        if act.locale == locale
        and (act.key in wanted if act.key else any(side <= of_query for side in act.sides for of_query in stems))
    ]


def published(standing: Standing | None, locale: str) -> Act | None:
    """The draft that was made of like queries, once customers can read it."""
    live = standing.draft.live_revision if standing and standing.draft else None
    if standing is None or live is None:
        return None
    by = standing.decision.by
    return Act(
        at=live.created_at,
        by=by.get_username() if by else "",
        text=_("“%(title)s” written and published") % {"title": live.title},
        locale=locale,
        url=reverse("desk:article-edit", args=[live.article_id]),
    )


def marks(acts: Sequence[Act], *, first: date, last: date, locale: str = "") -> list[Mark]:
    """On a time line: what was done on these days, in one language or all."""
    by_day: dict[date, list[Act]] = {}
    for act in acts:
        if first <= act.on <= last and locale in ("", act.locale):
            by_day.setdefault(act.on, []).append(act)
    found = []
    for day, of_day in sorted(by_day.items()):
        if len(of_day) > _NAMED:
            told = _("%(number)s synonyms, pins and hides") % {"number": len(of_day)}
            found.append(Mark(day, MarkKind.SEARCH, told))
        else:
            found += [Mark(day, MarkKind.SEARCH, act.text, act.url) for act in of_day]
    return found


def _synonym(row: Synonym) -> Act:
    texts = (row.words, row.means) if row.is_two_way else (row.words,)
    return Act(
        at=row.created_at,
        by=row.created_by.get_username() if row.created_by else "",
        text=_("Synonym %(synonym)s") % {"synonym": row},
        locale=row.locale,
        url=f"{reverse('desk:search-synonyms')}?{urlencode({'locale': row.locale, 'q': row.words})}",
        sides=tuple(frozenset(stems) for text in texts if (stems := key_of(text, row.locale).split())),
    )


def _placement(row: Placement) -> Act:
    is_pin = row.kind == PlacementKind.PIN
    text = _("“%(title)s” pinned on “%(query)s”") if is_pin else _("“%(title)s” hidden from “%(query)s”")
    return Act(
        at=row.created_at,
        by=row.created_by.get_username() if row.created_by else "",
        text=text % {"title": getattr(row, "title", ""), "query": row.query},
        locale=row.locale,
        url=f"{reverse('desk:search-tuning')}?{urlencode({'locale': row.locale, 'query': row.query})}#answers",
        key=row.key,
    )
