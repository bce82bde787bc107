"""Where the archived articles of an import lead their readers: set once all that came with it is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import transaction

from kb import changing, moving
from kb.models import Article, ArticleState, Category
from kb.refusals import NotAllowed


@dataclass(frozen=True)
class Lead:
    """An archived article of an import, how to find it, and the address that its file says readers are led to."""

    number: int  # of the row
    where: str
    source: str
    id: str
    group: str
    locale: str
    to: str  # /en/a/slug/ or /en/c/slug/


def follow(leads: Iterable[Lead]) -> list[Lead]:
    """Lead the readers of each there. Returns those whose address is nothing that a reader can open."""
    return [lead for lead in leads if not _follow(lead)]


def address_of(article: Article) -> str:
    """The page that readers of an archived article come to; through others that were archived after it. Empty
    where it leads nowhere.
    """
    if article.state != ArticleState.ARCHIVED:
        return ""
    end = article.led_to()
    if end.state == ArticleState.PUBLISHED:
        return f"/{end.locale}/a/{end.slug}/"
    if end.state != ArticleState.ARCHIVED or end.leads_to_category is None:
        return ""
    texts = sorted(end.leads_to_category.texts.all(), key=lambda text: (text.locale != end.locale, text.locale))
    return f"/{texts[0].locale}/c/{texts[0].slug}/" if texts else ""


def _follow(lead: Lead) -> bool:
    same = {"external_id": lead.id} if lead.id else {"translation_group": lead.group}
    article = Article.objects.filter(source=lead.source, locale=lead.locale, **same).first()
    if article is None or article.state != ArticleState.ARCHIVED:
        return True  # taken in as a draft: it leads nobody anywhere yet
    to, category = _target(lead.to)
    if to is None and category is None:
        return False
    try:
        with transaction.atomic():
            changing.lock(article)
            to = moving.destination(article, to)
            if (article.leads_to_id, article.leads_to_category_id) != (to and to.pk, category and category.pk):
                changing.change(article, leads_to=to, leads_to_category=category, ring=False)
    except NotAllowed:
        return False
    return True


def _target(address: str) -> tuple[Article | None, Category | None]:
    locale, kind, slug = address.strip("/").split("/")
    if kind == "a":
        return Article.objects.filter(locale=locale, slug=slug).first(), None
    return None, Category.objects.filter(texts__locale=locale, texts__slug=slug).first()
