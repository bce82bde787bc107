"""What one action for many articles asks of each of them: read from what was stored, told before, carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from core import roles
from kb import experiments, publishing, upkeep
from kb.models import Article, ArticleLink, ArticleState, BulkAction, Category, Experiment

ITS_CATEGORY = "category"  # as what readers of an archived article are led to


class Refused(Exception):
    """The change was not taken. The message says why and what to do."""


@dataclass(frozen=True)
class Step:
    """One article of a plan. `why_not`: it will be skipped, and this is why. `note`: what else will happen. `leads`:
    what readers of one that is archived find.
    """

    article_id: int
    title: str
    locale: str
    state: str
    now: str = ""
    why_not: str = ""
    note: str = ""
    leads: str = ""


@dataclass(frozen=True)
class Wish:
    """An action with its value, read from what was stored.

    Readers of what is archived are led to `leads_to`, in their language where it is there (`translated`: by locale); or
    to the category that each article stood in; or nowhere.
    """

    action: BulkAction
    category: Category | None = None
    owner: User | None = None
    review_by: date | None = None
    leads_to: Article | None = None
    translated: Mapping[str, Article] = field(default_factory=dict)
    leads_to_category: bool = False

    def destination_of(self, article: Article) -> Article | None:
        """The article that readers of this one are led to."""
        return self.translated.get(article.locale, self.leads_to)

    def __str__(self) -> str:
        """What it does, in the words of a heading."""
        if self.action == BulkAction.ARCHIVE:
            if self.leads_to is not None:
                return _("Archive, and lead readers to “%(title)s”") % {"title": _title(self.leads_to)}
            if self.leads_to_category:
                return _("Archive, and lead readers to the category")
            return _("Archive")
        if self.action == BulkAction.CATEGORY:
            name = self.category.texts.first() if self.category else None
            return _("Move to “%(category)s”") % {"category": name or self.category}
        if self.action == BulkAction.OWNER:
            return _("Make %(owner)s the owner") % {"owner": self.owner} if self.owner else _("Take the owner away")
        if self.review_by is None:
            return _("Ask for no review")
        return _("Ask for a review by %(day)s") % {"day": f"{self.review_by:%-d %B %Y}"}


def read(action: BulkAction, value: Mapping[str, Any]) -> Wish:
    """`value` as BulkChange keeps it. Raises Refused where what it names is no more."""
    if action == BulkAction.CATEGORY:
        category = Category.objects.filter(pk=value.get("category", 0)).first()
        if category is None:
            raise Refused(_("This category is no more. Choose another."))
        return Wish(action, category=category)
    if action == BulkAction.OWNER and value.get("owner"):
        owner = upkeep.owners().filter(pk=value["owner"]).first()
        if owner is None:
            raise Refused(_("This person is no longer on the desk. Choose another."))
        return Wish(action, owner=owner)
    if action == BulkAction.REVIEW and value.get("review_by"):
        return Wish(action, review_by=date.fromisoformat(value["review_by"]))
    if action == BulkAction.ARCHIVE and value.get("leads_to"):
        to = Article.objects.published().select_related("live_revision").filter(pk=value["leads_to"]).first()
        if to is None:
            raise Refused(_("The article that readers would be led to is not published any more. Choose another."))
        same = Article.objects.public().filter(translation_group=to.translation_group).select_related("live_revision")
        return Wish(action, leads_to=to, translated={one.locale: one for one in same})
    if action == BulkAction.ARCHIVE:
        return Wish(action, leads_to_category=value.get("leads") == ITS_CATEGORY)
    return Wish(action)


def carry_out(wish: Wish, article: Article, *, by: User) -> None:
    """Do it to one article; its entry in the audit log with it. Raises PublishingError."""
    _DO[wish.action](wish, article, by)


def _archive(wish: Wish, article: Article, by: User) -> None:
    to = wish.destination_of(article)
    category = article.category if wish.leads_to_category else None
    publishing.archive(article, by=by, leads_to=to, leads_to_category=category)


def _move(wish: Wish, article: Article, by: User) -> None:
    if wish.category is not None:
        publishing.move(article, wish.category, by=by)


def _own(wish: Wish, article: Article, by: User) -> None:
    upkeep.set_owner(article, wish.owner, by=by)


def _date(wish: Wish, article: Article, by: User) -> None:
    upkeep.set_date(article, wish.review_by, by=by)


_DO: dict[BulkAction, Callable[[Wish, Article, User], None]] = {
    BulkAction.ARCHIVE: _archive,
    BulkAction.CATEGORY: _move,
    BulkAction.OWNER: _own,
    BulkAction.REVIEW: _date,
}


def steps(wish: Wish, ids: Sequence[int], *, by: User) -> list[Step]:
    """What would become of these articles now, in their order. Two queries."""
    linked = ArticleLink.objects.filter(target=OuterRef("pk"), article__state=ArticleState.PUBLISHED).exclude(
        article=OuterRef("pk")
    )
    tested = Experiment.objects.filter(article=OuterRef("pk"), state__in=experiments.LIVE)
    rows = (
        Article.objects.filter(pk__in=ids)
        .select_related("owner", "category")
        .annotate(
            shown_title=Coalesce("live_revision__title", "draft__title"),
            is_linked=Exists(linked),
            is_tested=Exists(tested),
        )
    )
    by_id = {row.pk: row for row in rows}
    may_publish = roles.may_publish(by)
    return [
        _step(wish, by_id[pk], may_publish=may_publish)
        if pk in by_id
        else Step(pk, "", "", "", why_not=_("It is gone."))
        for pk in ids
    ]


def _step(wish: Wish, row: Any, *, may_publish: bool) -> Step:
    why_not = note = now = leads = ""
    if wish.action == BulkAction.ARCHIVE:
        why_not, note, leads = _archived(wish, row)
    elif wish.action == BulkAction.CATEGORY:
        now = row.category.key
        if wish.category is not None and row.category_id == wish.category.pk:
            why_not = _("It is there already.")
        elif row.state == ArticleState.PUBLISHED and not may_publish:
            why_not = _("Customers would see it at once: only a reviewer may move a published article.")
    elif wish.action == BulkAction.OWNER:
        now = str(row.owner or "")
        if row.owner == wish.owner:
            why_not = _("It has no owner already.") if wish.owner is None else _("It is theirs already.")
    else:
        now = f"{row.review_by:%-d %b %Y}" if row.review_by else ""
        if row.review_by == wish.review_by:
            why_not = _("It has this date already.")
    return Step(row.pk, row.shown_title, row.locale, row.state, now=now, why_not=why_not, note=note, leads=leads)


def _archived(wish: Wish, row: Any) -> tuple[str, str, str]:
    """Why an article is not archived; what else follows from it; what its readers find."""
    if row.state == ArticleState.ARCHIVED:
        return _("It is archived already."), "", ""
    to = wish.destination_of(row)
    if to is not None and to.pk == row.pk:
        return _("The readers of the others are led to it: it stays."), "", ""
    is_led = to is not None or wish.leads_to_category
    if to is not None:
        leads = _("Its readers are led to “%(title)s”.") % {"title": _title(to)}
    else:
        leads = _("Its readers are led to the category.") if is_led else _("Its readers find that it is gone.")
    notes = []
    if row.is_linked:
        notes.append(
            _("Other articles link to it: their readers are led on.")
            if is_led
            else _("Other articles link to it: their readers will find nothing.")
        )
    if row.is_tested:
        notes.append(_("The test that runs on it stops."))
    return "", " ".join(notes), leads


def _title(article: Article) -> str:
    return article.live_revision.title if article.live_revision else article.slug
