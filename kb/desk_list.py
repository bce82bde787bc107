"""The desk's list of articles: filters, order, and what each row shows.

Two queries a page whatever it holds: one finds the ids of the page, one loads what its rows show. So that what a row
shows (reasons, counts, whether the draft differs) is asked of fifty articles and not of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.search import SearchQuery
from django.core.paginator import Page, Paginator
from django.db.models import (
    BooleanField,
    Case,
    CharField,
    Exists,
    F,
    FloatField,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Lower, NullIf
from django.utils.translation import gettext_lazy as _

from core.selects import PlainSelect
from kb import attention, experiments, upkeep
from kb.models import (
    Article,
    ArticleState,
    Category,
    CategoryText,
    Draft,
    Experiment,
    Plan,
    PlanState,
    Review,
    ReviewState,
)
from kb.models.article import words_of_draft

PER_PAGE = 50
CHANGED = "changed"  # published, and the draft says something else
ME, NOBODY = "me", "none"  # as an owner
OVERDUE, SOON, UNSET = "overdue", "soon", "unset"  # as a review date
SOON_DAYS = 30
_MOST_WORDS = 10
_SHOWN = (
    "locale", "state", "visibility", "review_by", "owner__username", "owner__is_active",
    "result__linkable", "result__contacts_after_read", "result__since", "result__as_of",
)  # fmt: skip


def _written(field: str) -> Coalesce:
    """What stands in the live text as it was written: it is kept apart where a fact in it was filled in."""
    return Coalesce(NullIf(f"live_revision__{field}_source", Value("")), f"live_revision__{field}")


_DIFFERS = (
    ~Q(draft__title=_written("title"))
    | ~Q(draft__summary=_written("summary"))
    | ~Q(draft__body=F("live_revision__body"))
)
_OPEN_REVIEW = Review.objects.filter(article=OuterRef("pk"), state=ReviewState.OPEN)
_PLANS = Plan.objects.filter(article=OuterRef("pk"), state__in=[PlanState.WAITING, PlanState.FAILED])
_LIVE_TESTS = Experiment.objects.filter(article=OuterRef("pk"), state__in=experiments.LIVE)
# What the list can be narrowed to by state: its word in the address, its name, its condition.
STATES: dict[str, tuple[Any, Q]] = {
    **{state.value: (state.label, Q(state=state)) for state in ArticleState},
    CHANGED: (_("Published, draft changed"), Q(state=ArticleState.PUBLISHED) & _DIFFERS),
    "review": (_("In review"), Q(Exists(_OPEN_REVIEW))),
    "tested": (_("Under test"), Q(Exists(_LIVE_TESTS))),
    "planned": (_("Planned"), Q(Exists(_PLANS.filter(state=PlanState.WAITING)))),
    "failed": (_("Plan failed"), Q(Exists(_PLANS.filter(state=PlanState.FAILED)))),
}
_HELPFUL = Cast("live_revision__vote_count__yes", FloatField()) / NullIf(F("live_revision__vote_count__votes"), 0)
SORTS: dict[str, Any] = {
    "title": Lower("draft__title"),
    "category": F("shelf"),
    "updated": F("draft__updated_at"),
    "review": F("review_by"),
    "helpful": _HELPFUL,
    "contacts": F("result__contacts_after_read"),
}
DEFAULT_SORT = "-updated"


class FilterForm(forms.Form):
    """`me` is who looks at the list. What cannot be read as a wish is none."""

    q = forms.CharField(label=_("Words"), required=False, max_length=200)
    state = forms.ChoiceField(label=_("State"), required=False, widget=PlainSelect)
    category = forms.ChoiceField(label=_("Category"), required=False, widget=PlainSelect)
    locale = forms.ChoiceField(label=_("Language"), required=False, widget=PlainSelect)
    owner = forms.ChoiceField(label=_("Owner"), required=False, widget=PlainSelect)
    review = forms.ChoiceField(label=_("Review"), required=False, widget=PlainSelect)
    needs = forms.ChoiceField(label=_("Needs attention"), required=False, widget=PlainSelect)

    def __init__(self, data: Mapping[str, Any] | None, *, me: User) -> None:
        super().__init__(data)
        self.me = me
        self._set_choices("state", [(key, name) for key, (name, _condition) in STATES.items()])
        self.categories, self.staff = category_choices(), owner_choices()
        self._set_choices("category", self.categories)
        self._set_choices("locale", settings.LANGUAGES)
        self._set_choices("owner", [(ME, _("Me")), (NOBODY, _("Nobody")), *self.staff])
        self._set_choices(
            "review", [(OVERDUE, _("Due")), (SOON, _("Due within 30 days")), (UNSET, _("No date is set"))]
        )
        reasons = [(key, kind.name) for key, kind in attention.KINDS.items()]
        self._set_choices("needs", [(attention.ANY, _("For any reason")), *reasons])
        self.fields["q"].widget.input_type = "search"

    def _set_choices(self, name: str, choices: Sequence[tuple[Any, Any]]) -> None:
        self.fields[name].choices = [("", _("All")), *choices]  # type: ignore[attr-defined]

    @property
    def shelves(self) -> list[int]:
        """The categories in their order."""
        return [pk for pk, _name in self.categories]


def category_choices() -> list[tuple[Any, Any]]:
    """(id, name in the default language) of every category, in the order of the shelves."""
    name = CategoryText.objects.filter(category=OuterRef("pk"), locale=settings.LANGUAGE_CODE).values("name")[:1]
    return list(
        Category.objects.annotate(name=Coalesce(Subquery(name), F("key"), output_field=CharField())).values_list(
            "pk", "name"
        )
    )


def owner_choices() -> list[tuple[Any, Any]]:
    """(id, name) of everybody who may own an article."""
    return [(user.pk, user.get_full_name() or user.get_username()) for user in upkeep.owners()]


def chosen(form: FilterForm) -> QuerySet[Article]:
    """The articles that the form asks for; all, where it cannot be read."""
    articles = Article.objects.all()
    return _filtered(articles, form.cleaned_data, me=form.me) if form.is_valid() else articles


def ordered(articles: QuerySet[Any], sort: str, *, shelves: Sequence[int] = ()) -> QuerySet[Any]:
    """In the order of a key of SORTS, with "-" in front for the other direction; anything else is the default.

    What has no value (no votes, no date) stands last both ways. `shelves`: the categories in their order.
    """
    key, down = sort.removeprefix("-"), sort.startswith("-")
    if key not in SORTS:
        key, down = DEFAULT_SORT.removeprefix("-"), DEFAULT_SORT.startswith("-")
    if key == "updated":  # every article has a draft; as the index on it has them
        return articles.order_by("-draft__updated_at" if down else "draft__updated_at", "pk" if not down else "-pk")
    if key == "category":
        places = [When(category_id=pk, then=Value(place)) for place, pk in enumerate(shelves)]
        articles = articles.annotate(shelf=Case(*places, default=Value(len(places)), output_field=IntegerField()))
    order = SORTS[key]
    wanted = order.desc(nulls_last=True) if down else order.asc(nulls_last=True)
    return articles.order_by(wanted, Lower("draft__title"), "pk")


def page(form: FilterForm, sort: str, number: Any) -> Page[Any]:
    """One page of rows; see `rows`. At most three queries."""
    ids = ordered(chosen(form), sort, shelves=form.shelves).values_list("pk", flat=True)
    # What is dear to find out is found out once, and not again for the count.
    is_dear = form.is_valid() and bool(form.cleaned_data["needs"] or form.cleaned_data["q"])
    found: Page[Any] = Paginator(list(ids) if is_dear else ids, PER_PAGE).get_page(number)
    found.object_list = rows(list(found.object_list))
    return found


def rows(ids: Sequence[int]) -> list[Any]:
    """These articles in this order, each with `shown_title`, `category_name`, `is_changed`, `last_touched_at`, `owner`,
    `result`, `reasons`, and `yes` and `votes` of its live text. One query.
    """
    found = _as_shown(attention.Moment.now()).filter(pk__in=ids)
    by_id = {row.pk: row for row in found}
    listed = [by_id[pk] for pk in ids if pk in by_id]
    for row in listed:
        row.reasons = attention.of(row)
    return listed


@lru_cache(maxsize=4)
def _as_shown(when: attention.Moment) -> QuerySet[Any]:
    """The query of `rows`, written once: that takes as long as its answer."""
    name = CategoryText.objects.filter(category=OuterRef("category_id"), locale=when.language).values("name")
    found = attention.flagged(when).annotate(
        shown_title=Coalesce("live_revision__title", "draft__title"),
        category_name=Coalesce(Subquery(name[:1]), F("category__key"), output_field=CharField()),
        is_changed=Case(When(STATES[CHANGED][1], then=Value(True)), default=Value(False), output_field=BooleanField()),
        last_touched_at=F("draft__updated_at"),
        is_in_review=Exists(_OPEN_REVIEW),
        is_under_test=Exists(_LIVE_TESTS),
        next_plan=Subquery(_next_plan().values("at")[:1]),
        has_failed_plan=Exists(_next_plan().filter(state=PlanState.FAILED)),
        votes=Coalesce("live_revision__vote_count__votes", 0),
        yes=Coalesce("live_revision__vote_count__yes", 0),
    )
    narrow: QuerySet[Article] = found.select_related("owner", "result").only(*_SHOWN)
    return narrow


def _next_plan() -> QuerySet[Plan]:
    return _PLANS.order_by("at", "pk")


def _filtered(articles: QuerySet[Any], wanted: dict[str, Any], *, me: User) -> QuerySet[Any]:
    for word in wanted["q"].split()[:_MOST_WORDS]:
        articles = articles.filter(_has_word(word))
    if wanted["state"]:
        articles = articles.filter(STATES[wanted["state"]][1])
    if wanted["category"]:
        articles = articles.filter(category_id=int(wanted["category"]))
    if wanted["locale"]:
        articles = articles.filter(locale=wanted["locale"])
    if wanted["owner"] == NOBODY:
        articles = articles.filter(upkeep.is_without_owner())
    elif wanted["owner"]:
        articles = articles.filter(owner=me.pk if wanted["owner"] == ME else int(wanted["owner"]))
    if wanted["review"]:
        articles = articles.filter(_reviewed(wanted["review"]))
    if wanted["needs"]:
        articles = attention.needing(articles, wanted["needs"])
    return articles


def _has_word(word: str) -> Q:
    """The beginning of a word of the text, or any part of the title or the address.

    Each a subquery of its own: in one condition the index of words could not be used.
    """
    query = SearchQuery(_prefix(word), config="simple", search_type="raw")
    said = Draft.objects.annotate(words=words_of_draft()).filter(words=query)
    named = Article.objects.filter(Q(draft__title__icontains=word) | Q(slug__icontains=word))
    return Q(pk__in=said.values("article")) | Q(pk__in=named.values("pk"))


def _prefix(word: str) -> str:
    """A tsquery for words that begin so; its own signs are no signs."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "':*"


def _reviewed(wish: str) -> Q:
    today = upkeep.today()
    if wish == UNSET:
        return Q(review_by=None) & ~Q(state=ArticleState.ARCHIVED)
    until = today if wish == OVERDUE else today + timedelta(days=SOON_DAYS)
    return Q(state=ArticleState.PUBLISHED, review_by__lte=until)
