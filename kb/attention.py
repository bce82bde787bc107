"""What asks for an editor's attention: each kind once, as a condition on articles, for a filter, a count and a row.

A condition is of the database, so that a list of ten thousand asks as often as one of ten. They are about published
articles: a draft that nobody reads breaks nothing. A search test alone asks for its article whatever became of that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, Case, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from core import clock
from kb import upkeep
from kb.models import (
    Article,
    ArticleLink,
    ArticleState,
    CategoryText,
    LinkState,
    PieceUse,
    SearchTest,
    SearchTestOutcome,
    Visibility,
    VoteCount,
)

LEAST_VOTES = 5  # under which nobody can say that readers are unhappy
ANY = "any"
_IS_LIVE = Q(state=ArticleState.PUBLISHED)


@dataclass(frozen=True)
class Moment:
    """What the conditions depend on beside the rows; the same for an hour, so that a long query is written but once."""

    today: date
    unread_since: datetime
    language: str

    @classmethod
    def now(cls) -> Moment:
        this_hour = clock.now().replace(minute=0, second=0, microsecond=0)
        return cls(upkeep.today(), this_hour - timedelta(days=settings.ORPHAN_DAYS), settings.LANGUAGE_CODE)


@dataclass(frozen=True)
class Kind:
    """One reason. `short` stands in a row, `name` on the to-do list, `says` explains it there; `good` where none is.

    `to_do` is the sentence that tells the editor of such an article what to do.
    """

    key: str
    short: Promise | str
    name: Promise | str
    says: Promise | str
    good: Promise | str
    to_do: Promise | str
    condition: Callable[[Moment], Q]
    is_pressing: bool = True  # one of the reasons in a row and of ANY


def _review(when: Moment) -> Q:
    return _IS_LIVE & Q(review_by__lte=when.today)


def _links(_when: Moment) -> Q:
    return _IS_LIVE & Q(Exists(ArticleLink.objects.filter(article=OuterRef("pk"), state=LinkState.BROKEN)))


def _tests(_when: Moment) -> Q:
    """A search test did not find it when it was run last (checking.failing)."""
    newest = SearchTestOutcome.objects.filter(test=OuterRef("pk")).order_by("-pk").values("is_passed")[:1]
    failing = SearchTest.objects.filter(removed_at=None, article=OuterRef("pk"))
    return Q(Exists(failing.alias(passed=Subquery(newest)).filter(passed=False)))


def _facts(_when: Moment) -> Q:
    """A fact or block in the live text has no value, or was taken out of use: nothing stands in its place, or what
    nobody keeps right any more."""
    uses = PieceUse.objects.filter(revision=OuterRef("live_revision"))
    return _IS_LIVE & Q(Exists(uses.filter(Q(version=None) | Q(piece__archived_at__isnull=False))))


def _behind(when: Moment) -> Q:
    """The original has a later text than the one it was made from, or nobody has said which that was."""
    original = Article.objects.published().filter(translation_group=OuterRef("translation_group"), locale=when.language)
    is_later = Q(
        made_from__article__state=ArticleState.PUBLISHED,
        made_from__article__live_revision__number__gt=F("made_from__number"),
    )
    return _IS_LIVE & ~Q(locale=when.language) & (is_later | (Q(made_from=None) & Q(Exists(original))))


def _votes(_when: Moment) -> Q:
    """Of the readers of the live text who said anything, more than half said no."""
    of_its_text = VoteCount.objects.filter(revision=OuterRef("live_revision"))
    return _IS_LIVE & Q(Exists(of_its_text.filter(votes__gte=LEAST_VOTES, votes__gt=F("yes") * 2)))


def _orphan(when: Moment) -> Q:
    """No published article links to it, and readers do not come by a category either: none shows it, or nobody has
    opened it for ORPHAN_DAYS though it was there to be opened."""
    linked = ArticleLink.objects.filter(target=OuterRef("pk"), article__state=ArticleState.PUBLISHED)
    # Most shelves have a name in the default language, which needs not be asked article by article.
    named = CategoryText.objects.filter(locale=when.language).values("category")
    own_name = CategoryText.objects.filter(category=OuterRef("category_id"), locale=OuterRef("locale"))
    is_shelved = Q(category_id__in=named) | Q(Exists(own_name))
    # Without a result nothing is known of its readers.
    is_unread = Q(created_at__lt=when.unread_since, result__isnull=False) & (
        Q(result__last_read_at=None) | Q(result__last_read_at__lt=when.unread_since)
    )
    by_another = Q(Exists(linked.exclude(article=OuterRef("pk"))))
    return _IS_LIVE & Q(visibility=Visibility.PUBLIC) & (~is_shelved | is_unread) & ~by_another


def _owner(_when: Moment) -> Q:
    return _IS_LIVE & upkeep.is_without_owner()


KINDS = {
    kind.key: kind
    for kind in (
        Kind(
            "review",
            _("Review due"),
            _("Review due"),
            _("The day on which somebody should have looked at them again has come."),
            _("Every article was looked at in time."),
            _("Read it as a customer would, mend it, then press “Reviewed today, still right” on its page."),
            _review,
        ),
        Kind(
            "links",
            _("Broken link"),
            _("Broken links and pictures"),
            _("Links within the help centre are known at once; of other sites, what failed on two days."),
            _("Every link that was checked leads somewhere."),
            _("See “Links and care” on its page, mend the links that are marked as broken, then publish."),
            _links,
        ),
        Kind(
            "tests",
            _("Search test fails"),
            _("Search tests that fail"),
            _("Customers who type the query of a search test do not find the article where the test demands it."),
            _("Every search test finds its article."),
            _("Open the test on its page, then use the customers' words in the title, add a synonym, or pin it."),
            _tests,
        ),
        Kind(
            "facts",
            _("Fact or block missing"),
            _("Facts and blocks missing"),
            _("Their live text uses a fact or a block that has no value, or is no longer in use."),
            _("Every fact and block in a live text says something."),
            _("Give the fact or block a value, or take it out of the text; then publish."),
            _facts,
        ),
        Kind(
            "behind",
            _("Behind its original"),
            _("Translations behind"),
            _("Their original was published anew since, or nobody has said which text of it they were made from."),
            _("Every translation says what its original says."),
            _("Bring it to what the original says, tick that it says so, and publish."),
            _behind,
        ),
        Kind(
            "votes",
            _("Mostly “no”"),
            _("Readers say no"),
            _("Of five votes or more on the live text, more than half say that it did not help."),
            _("No article has more “no” than “yes”."),
            _("Read the reasons on its page, under “What readers did”, and say in the text what they missed."),
            _votes,
        ),
        Kind(
            "orphan",
            _("Orphan"),
            _("Orphans"),
            _("No article links to them, and no category page shows them or nobody has opened them for long."),
            _("Readers can find their way to every article."),
            _("Link to it from an article that customers read, or archive it if nobody needs it."),
            _orphan,
        ),
        Kind(
            "owner",
            _("No owner"),
            _("Without an owner"),
            _("Nobody is named, or whoever was has left: nobody is reminded of their review."),
            _("Everything has somebody who looks after it."),
            _("Name somebody on its page, under “Links and care”."),
            _owner,
            is_pressing=False,  # the row names the owner anyway
        ),
    )
}


def needing(articles: QuerySet[Any], key: str) -> QuerySet[Any]:
    """Those that need attention for this reason; for any pressing one, where it is ANY."""
    when = Moment.now()
    if key != ANY:
        return articles.filter(KINDS[key].condition(when))
    # Each asked by itself, and put together: as one condition they would be asked of every article.
    pressing = [kind for kind in KINDS.values() if kind.is_pressing]
    first, *others = (Article.objects.filter(kind.condition(when)).order_by().values("pk") for kind in pressing)
    return articles.filter(pk__in=first.union(*others))


def annotated(ids: Sequence[int]) -> QuerySet[Any]:
    """These articles, each with `needs_<key>` for every pressing kind: whether it is so."""
    return flagged(Moment.now()).filter(pk__in=ids)


@lru_cache(maxsize=4)
def flagged(when: Moment) -> QuerySet[Any]:
    """Every article, as `annotated` has them; to be narrowed before it is asked."""
    flags = {
        f"needs_{key}": Case(
            When(kind.condition(when), then=Value(True)), default=Value(False), output_field=BooleanField()
        )
        for key, kind in KINDS.items()
        if kind.is_pressing
    }
    return Article.objects.annotate(**flags)


def of(row: Any) -> list[Kind]:
    """The reasons of an article that came by `annotated`."""
    return named(vars(row))


def named(flags: Mapping[str, Any]) -> list[Kind]:
    """The reasons of an article of which `annotated` gave these values."""
    return [kind for key, kind in KINDS.items() if kind.is_pressing and flags[f"needs_{key}"]]


def counts(articles: QuerySet[Any] | None = None) -> dict[str, int]:
    """How many articles each kind has. One query."""
    when, rows = Moment.now(), Article.objects.all() if articles is None else articles
    return rows.aggregate(**{key: Count("pk", filter=kind.condition(when)) for key, kind in KINDS.items()})
