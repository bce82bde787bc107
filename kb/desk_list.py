"""The desk's list of articles: filters, order, and what each row shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import BooleanField, Case, CharField, Count, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from kb.models import Article, ArticleState, Category, CategoryText

CHANGED = "changed"  # published, and the draft says something else
SORTS = {
    "title": "shown_title",
    "category": "category_name",
    "updated": "last_touched_at",
    "helpful": "yes",
}
DEFAULT_SORT = "-updated"


class FilterForm(forms.Form):
    q = forms.CharField(label=_("Words"), required=False, max_length=200)
    state = forms.ChoiceField(label=_("State"), required=False)
    category = forms.ChoiceField(label=_("Category"), required=False)
    locale = forms.ChoiceField(label=_("Language"), required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        states = [*ArticleState.choices, (CHANGED, _("Published, draft changed"))]
        self._set_choices("state", states)
        self._set_choices("category", category_choices())
        self._set_choices("locale", settings.LANGUAGES)
        self.fields["q"].widget.input_type = "search"

    def _set_choices(self, name: str, choices: Sequence[tuple[object, object]]) -> None:
        self.fields[name].choices = [("", _("All")), *choices]  # type: ignore[attr-defined]


def category_choices() -> list[tuple[object, object]]:
    """(id, name in the default language) of every category, in the order of the shelves."""
    name = CategoryText.objects.filter(category=OuterRef("pk"), locale=settings.LANGUAGE_CODE).values("name")[:1]
    return list(
        Category.objects.annotate(name=Coalesce(Subquery(name), F("key"), output_field=CharField())).values_list(
            "pk", "name"
        )
    )


def rows(form: FilterForm, sort: str) -> QuerySet[Article]:
    """The articles that the form asks for, each with `shown_title`, `is_changed`, `yes` and `votes` of its live text.

    `sort` is a key of SORTS, with "-" in front for the other direction; anything else is the default.
    """
    name = CategoryText.objects.filter(category=OuterRef("category_id"), locale=settings.LANGUAGE_CODE).values("name")
    differs = (
        ~Q(draft__title=F("live_revision__title"))
        | ~Q(draft__summary=F("live_revision__summary"))
        | ~Q(draft__body=F("live_revision__body"))
    )
    articles: QuerySet[Any] = Article.objects.annotate(
        shown_title=Coalesce("live_revision__title", "draft__title"),
        category_name=Coalesce(Subquery(name[:1]), F("category__key"), output_field=CharField()),
        is_changed=Case(
            When(Q(state=ArticleState.PUBLISHED) & differs, then=Value(True)),
            default=Value(False),
            output_field=BooleanField(),
        ),
        last_touched_at=F("draft__updated_at"),
        votes=Count("live_revision__votes"),
        yes=Count("live_revision__votes", filter=Q(live_revision__votes__is_helpful=True)),
    )
    if form.is_valid():
        articles = _filtered(articles, form.cleaned_data)
    down = sort.startswith("-")
    key = sort.removeprefix("-")
    if key not in SORTS:
        down, key = True, "updated"
    order = F(SORTS[key])
    return articles.order_by(order.desc() if down else order.asc(), "pk")


def _filtered(articles: QuerySet[Any], wanted: dict[str, str]) -> QuerySet[Any]:
    for word in wanted["q"].split():
        articles = articles.filter(
            Q(draft__title__icontains=word) | Q(draft__body__icontains=word) | Q(slug__icontains=word)
        )
    if wanted["state"] == CHANGED:
        articles = articles.filter(is_changed=True)
    elif wanted["state"]:
        articles = articles.filter(state=wanted["state"])
    if wanted["category"]:
        articles = articles.filter(category_id=int(wanted["category"]))
    if wanted["locale"]:
        articles = articles.filter(locale=wanted["locale"])
    return articles
