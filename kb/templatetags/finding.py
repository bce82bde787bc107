"""What stands in a page's head for those who find and share it. A description is never empty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template
from django.conf import settings
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, gettext

from core import languages
from kb import addresses, finding
from kb.models import Article, CategoryText, Revision, Visibility
from kb.selectors import Card

register = template.Library()

_PARTIAL = "help/_partials/finding.html"
# Pages without facts of their own that may be found; all others (an order, a message's reference) must not.
_FOUND = ("help:home", "help:search", "contacts:form", "orders:lookup")
_TERRITORIES = {"en": "en_GB", "es": "es_ES", "de": "de_DE", "pt-br": "pt_BR", "ar": "ar_AR"}  # as Open Graph has it


@register.inclusion_tag(_PARTIAL, takes_context=True)
def head_of_page(context: dict[str, Any]) -> dict[str, Any]:
    """Of a page that is the same in every language: home, search, the forms. Not to be found: pages of one person."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    found: dict[str, Any] = {
        "title": gettext("Help centre"),
        "description": gettext("Answers about orders, delivery, returns and payments at %(shop_name)s.")
        % {"shop_name": context.get("shop_name", "")},
    }
    if match is None or match.view_name not in _FOUND or context.get("query"):
        return _head(context, **found, urls={}, canonical="")
    urls = {code: addresses.absolute(match.view_name, locale=code) for code in languages.served()}
    return _head(context, **found, urls=urls, canonical=urls.get(get_language() or "", ""))


@register.inclusion_tag(_PARTIAL, takes_context=True)
def head_of_article(context: dict[str, Any], article: Article, revision: Revision, category: Any) -> dict[str, Any]:
    """Of an article. Where it is read in another language than its own, its own page is the one to be found."""
    locale, shop = get_language() or settings.LANGUAGE_CODE, context.get("shop_name", "")
    canonical = addresses.of_article(article.locale, article.slug)
    described = finding.description(revision.summary, revision.text) or revision.title
    is_public = article.visibility == Visibility.PUBLIC
    head: dict[str, Any] = {"title": revision.title, "description": described, "kind": "article"}
    if not is_public or article.locale != locale:
        return _head(context, **head, urls={}, canonical=canonical if is_public else "")
    served = languages.served()
    others: list[dict[str, str]] = article.translations  # type: ignore[attr-defined]  # at_address adds it
    urls = {at["locale"]: addresses.of_article(at["locale"], at["slug"]) for at in others if at["locale"] in served}
    home = addresses.absolute("help:home", locale=locale)
    steps = [(gettext("Help centre"), home)]
    if category:
        steps.append((_of(category, "name"), addresses.of_category(locale, _of(category, "slug"))))
    publisher = {"@type": "Organization", "name": shop, "url": settings.SITE_URL + "/"}
    graph = [
        {
            "@type": "Article",
            "@id": f"{canonical}#article",
            "headline": revision.title,
            "description": described,
            "inLanguage": article.locale,
            "datePublished": finding.w3c(min(article.created_at, revision.created_at)),
            "dateModified": finding.w3c(revision.created_at),
            "mainEntityOfPage": canonical,
            "author": publisher,
            "publisher": publisher,
        },
        finding.breadcrumbs([*steps, (revision.title, canonical)]),
    ]
    if asked := finding.questions(revision.html):
        graph.append(finding.faq_page(asked))
    return _head(context, **head, urls=urls, canonical=canonical, graph=graph)


@register.inclusion_tag(_PARTIAL, takes_context=True)
def head_of_category(context: dict[str, Any], category: CategoryText, articles: Sequence[Card]) -> dict[str, Any]:
    """Of a category. Its articles that ask something in their title answer it in their summary."""
    locale, shop = get_language() or settings.LANGUAGE_CODE, context.get("shop_name", "")
    canonical = addresses.of_category(category.locale, category.slug)
    described = finding.description(category.description) or gettext("Answers about %(topic)s from %(shop_name)s.") % {
        "topic": category.name,
        "shop_name": shop,
    }
    head: dict[str, Any] = {"title": category.name, "description": described}
    if category.locale != locale:  # a shelf without a name in this language
        return _head(context, **head, urls={}, canonical=canonical)
    texts = CategoryText.objects.filter(category=category.category_id, locale__in=languages.served())
    urls = {text.locale: addresses.of_category(text.locale, text.slug) for text in texts.order_by("locale")}
    home = addresses.absolute("help:home", locale=locale)
    graph = [finding.breadcrumbs([(gettext("Help centre"), home), (category.name, canonical)])]
    asked = [
        finding.Question(card.title, card.summary)
        for card in articles
        if card.summary and card.locale == locale and finding.is_question(card.title)
    ]
    if asked:
        graph.append(finding.faq_page(asked))
    return _head(context, **head, urls=urls, canonical=canonical, graph=graph)


def _head(
    context: dict[str, Any],
    *,
    title: str,
    description: str,
    urls: dict[str, str],
    canonical: str,
    kind: str = "website",
    graph: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """The partial's context. Inside a shop's page nothing is to be found: the same page stands outside too."""
    locale = get_language() or settings.LANGUAGE_CODE
    is_embedded = getattr(context.get("request"), "is_embedded", False)
    return {
        "title": title,
        "description": description,
        "kind": kind,
        "canonical": "" if is_embedded else canonical,
        "alternates": finding.alternates(urls, default=settings.LANGUAGE_CODE),
        "territory": _TERRITORIES.get(locale, locale),
        "other_territories": [_TERRITORIES[code] for code in urls if code != locale and code in _TERRITORIES],
        "shop_name": context.get("shop_name", ""),
        "locale": locale,
        "json_ld": mark_safe(finding.json_ld(graph)) if graph and not is_embedded else "",
    }


def _of(category: Any, name: str) -> str:
    return str(category[name] if isinstance(category, dict) else getattr(category, name))
