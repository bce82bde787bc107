"""What one article needs, what links to it and from it; and the same of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from kb import attention, facts, upkeep
from kb.attention import Kind
from kb.linking import internal
from kb.models import Article, ArticleLink, ArticleState, LinkState, Piece, SearchTest
from kb.search import checking
from kb.search.checking import Standing as TestStanding

SHOWN = 100  # links in each direction on one article's page


@dataclass(frozen=True)
class Standing:
    """What the editor's page says of an article. `missing`: the languages (code, name) without an article of its group.

    `links`, `broken`: of the live text. `linked_from`: published articles with a link to it. `reasons`: why it needs
    attention.
    """

    owner: str
    review_by: date | None
    is_due: bool
    links: int
    broken: int
    linked_from: int
    missing: tuple[tuple[str, str], ...]
    reasons: tuple[Kind, ...]


def of(article: Article) -> Standing:
    """One query."""
    own = ArticleLink.objects.filter(article=OuterRef("pk"))
    here = _to(OuterRef("pk")).exclude(article=OuterRef("pk"))
    group = Article.objects.filter(translation_group=OuterRef("translation_group")).order_by("locale")
    flags = [f"needs_{key}" for key, kind in attention.KINDS.items() if kind.is_pressing]
    row = (
        attention.annotated([article.pk])
        .annotate(
            owner_name=F("owner__username"),
            links_out=_count(own),
            broken_out=_count(own.filter(state=LinkState.BROKEN)),
            links_in=_count(here, of="article"),
            locales=ArraySubquery(group.values("locale")),
        )
        .values("owner_name", "owner__is_active", "review_by", "links_out", "broken_out", "links_in", "locales", *flags)
        .get()
    )
    due = row["review_by"]
    return Standing(
        owner=row["owner_name"] if row["owner__is_active"] else "",
        review_by=due,
        is_due=article.state == ArticleState.PUBLISHED and due is not None and due <= upkeep.today(),
        links=row["links_out"],
        broken=row["broken_out"],
        linked_from=row["links_in"],
        missing=tuple((code, str(name)) for code, name in settings.LANGUAGES if code not in row["locales"]),
        reasons=tuple(attention.named(row)),
    )


def failing_tests(article: Article) -> list[tuple[SearchTest, TestStanding]]:
    """The search tests that did not find it when they were run last, each with how it stands. Two queries."""
    tests = list(checking.current().filter(article=article))
    known = checking.standings([test.pk for test in tests])
    return [(test, known[test.pk]) for test in tests if test.pk in known and not known[test.pk].is_passed]


def missing_pieces(article: Article) -> list[Piece]:
    """The facts and blocks of its live text that say nothing, or are out of use."""
    if article.state != ArticleState.PUBLISHED:
        return []
    gone = Q(uses__version=None) | Q(archived_at__isnull=False)
    return list(Piece.objects.filter(gone, uses__revision=article.live_revision_id))


def links_from(article: Article) -> QuerySet[ArticleLink]:
    """Of its live text; what is broken first."""
    rows = article.links.select_related("target").annotate(
        target_title=Coalesce("target__live_revision__title", "target__draft__title"),
        is_broken=Q(state=LinkState.BROKEN),
    )
    return rows.order_by("-is_broken", "kind", "address")


def links_to(article: Article) -> QuerySet[ArticleLink]:
    """From published articles; one row for each way in which one names it."""
    rows = _to(article.pk).exclude(article=article).select_related("article")
    return rows.annotate(title=F("article__live_revision__title")).order_by("title", "pk")


def broken_in_draft(article: Article) -> list[ArticleLink]:
    """The links within the site that lead nowhere in a draft that says something else than the live text."""
    draft, live = article.draft, article.live_revision
    if live is not None and article.state == ArticleState.PUBLISHED and live.body == draft.body:
        return []
    # With its facts and blocks, as readers would get it: a block may hold links too.
    filled = facts.fill(draft.title, draft.summary, draft.body, locale=article.locale)
    links = internal.unsaved(article, filled.rendered.html)
    return [link for link in links if link.state == LinkState.BROKEN]


def bad_links(*states: str) -> QuerySet[ArticleLink]:
    """Links of published articles in one of these states, the longest known first."""
    rows = ArticleLink.objects.filter(state__in=states, article__state=ArticleState.PUBLISHED)
    rows = rows.select_related("article__owner").annotate(title=F("article__live_revision__title"))
    return rows.order_by(F("failed_on").asc(nulls_first=True), "address", "pk")


def link_totals() -> dict[str, int]:
    """Links of published articles by state, `links` all of them, `checked` those of which something is known."""
    live = ArticleLink.objects.filter(article__state=ArticleState.PUBLISHED)
    by_state = {state: Count("pk", filter=Q(state=state)) for state in LinkState.values}
    return live.aggregate(links=Count("pk"), checked=Count("pk", filter=~Q(state=LinkState.UNCHECKED)), **by_state)


def most_linked(limit: int = 20) -> QuerySet[Any]:
    """The published articles that most others link to, each with `title` and `linked_from`."""
    counted = (
        ArticleLink.objects.filter(article__state=ArticleState.PUBLISHED, target__state=ArticleState.PUBLISHED)
        .exclude(target=F("article"))
        .values("target", "target__locale", title=F("target__live_revision__title"))
        .annotate(linked_from=Count("article", distinct=True))
    )
    return counted.order_by("-linked_from", "title")[:limit]


def _to(pk: Any) -> QuerySet[ArticleLink]:
    return ArticleLink.objects.filter(target=pk, article__state=ArticleState.PUBLISHED)


def _count(rows: QuerySet[ArticleLink], *, of: str = "pk") -> Subquery:
    """How many of `rows`, or different `of`, there are: a subquery in itself, since two joins would multiply."""
    counted = rows.order_by().annotate(
        n=Func(F(of), function="COUNT", template="%(function)s(DISTINCT %(expressions)s)")
    )
    return Subquery(counted.values("n"), output_field=IntegerField())
