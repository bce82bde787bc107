"""Files for machines: sitemaps, robots.txt, the search description of browsers, the feed of changes."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, Max, Min, OuterRef, Q
from django.db.models.functions import Coalesce, JSONObject
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.utils.cache import patch_cache_control
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import get_language, gettext
from django.views.decorators.http import require_safe

from core import brand, languages, shop
from kb import addresses, finding, selectors
from kb.finding import Entry
from kb.models import Article
from kb.models.article import ArticleQuerySet

_HOUR = 3600
_IN_FEED = 50

View = Callable[..., HttpResponse]


def _kept_for(seconds: int) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        @functools.wraps(view)
        def kept(request: HttpRequest, **given: object) -> HttpResponse:
            response = view(request, **given)
            patch_cache_control(response, public=True, max_age=seconds)
            return response

        return kept

    return decorate


@require_safe
@_kept_for(_HOUR)
def sitemap(request: HttpRequest) -> HttpResponse:
    """Every page that is to be found; an index of the parts where they are many."""
    parts = _parts()
    if parts <= 1:
        return _xml(finding.sitemap([*_pages(), *_articles(0)]))
    names = ["sitemap-pages.xml", *(f"sitemap-{number}.xml" for number in range(1, parts + 1))]
    return _xml(finding.sitemap_index(f"{settings.SITE_URL}/{name}" for name in names))


@require_safe
@_kept_for(_HOUR)
def sitemap_pages(request: HttpRequest) -> HttpResponse:
    return _xml(finding.sitemap(_pages()))


@require_safe
@_kept_for(_HOUR)
def sitemap_part(request: HttpRequest, number: int) -> HttpResponse:
    """The articles of part `number`, from 1."""
    if not 1 <= number <= _parts():
        raise Http404
    return _xml(finding.sitemap(_articles(number - 1)))


@require_safe
@_kept_for(_HOUR)
def robots(request: HttpRequest) -> HttpResponse:
    return render(request, "robots.txt", content_type="text/plain; charset=utf-8")


@require_safe
@_kept_for(_HOUR)
def favicon(request: HttpRequest) -> HttpResponse:
    """For those who ask without reading the page, which names its icon."""
    return redirect(brand.current().icon_url or static("img/favicon.svg"))


@require_safe
@_kept_for(_HOUR)
def opensearch(request: HttpRequest) -> HttpResponse:
    """How a browser can search here from its address bar."""
    locale = get_language() or settings.LANGUAGE_CODE
    context = {
        "locale": locale,
        "search_url": addresses.absolute("help:search", locale=locale),
        "own_url": addresses.absolute("help:opensearch", locale=locale),
    }
    return render(request, "help/opensearch.xml", context, content_type="application/opensearchdescription+xml")


@require_safe
@_kept_for(600)
def changes(request: HttpRequest) -> HttpResponse:
    """An Atom feed of this language's newest public articles; one that had a major change is new again."""
    locale = get_language() or settings.LANGUAGE_CODE
    name = str(shop.context(request)["shop_name"])
    url = addresses.absolute("help:changes", locale=locale)
    feed = Atom1Feed(
        title=finding.plain(gettext("%(shop_name)s: new and changed answers") % {"shop_name": name}),
        link=addresses.absolute("help:home", locale=locale),
        description="",
        language=locale,
        author_name=finding.plain(name),
        feed_url=url,
        feed_guid=url,
    )
    for article in _newest(locale):
        feed.add_item(
            title=finding.plain(article.title),  # type: ignore[attr-defined]  # annotated, as the rest
            link=addresses.of_article(locale, article.slug),
            description=finding.plain(article.summary),  # type: ignore[attr-defined]
            unique_id=f"tag:{urlsplit(settings.SITE_URL).hostname},2026:article-{article.pk}",
            pubdate=article.first_at,  # type: ignore[attr-defined]
            updateddate=article.changed_at,  # type: ignore[attr-defined]
            categories=[finding.plain(article.category_name)],  # type: ignore[attr-defined]
        )
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def _newest(locale: str) -> Iterator[Article]:
    in_force = Q(revisions__number__lte=F("live_revision__number"))
    rows = (
        Article.objects.public()
        .filter(locale=locale)
        .with_texts(locale)
        .annotate(
            first_at=Min("revisions__created_at"),
            changed_at=Coalesce(
                Max("revisions__created_at", filter=in_force & Q(revisions__is_major=True)),
                Min("revisions__created_at"),
            ),
        )
        .order_by("-changed_at", "-pk")
    )
    yield from rows[:_IN_FEED]


def _public() -> ArticleQuerySet:
    return Article.objects.public().filter(locale__in=languages.served())


def _parts() -> int:
    return -(-_public().count() // finding.MOST_IN_A_SITEMAP)


def _pages() -> Iterator[Entry]:
    """Home, contact form and the categories that have a name and something to read, in each language."""
    served, default = languages.served(), settings.LANGUAGE_CODE
    for view in ("help:home", "contacts:form"):
        urls = {code: addresses.absolute(view, locale=code) for code in served}
        for url in urls.values():
            yield Entry(url, alternates=finding.alternates(urls, default=default))
    changed = dict(
        Article.objects.public().order_by().values_list("category").annotate(Max("updated_at"))
    )  # category → its last change
    shelves: dict[int, dict[str, str]] = {}
    for code in served:
        for shelf in selectors.category_texts(code):
            if shelf.locale == code:
                shelves.setdefault(shelf.category_id, {})[code] = addresses.of_category(code, shelf.slug)
    for category, urls in shelves.items():
        for url in urls.values():
            yield Entry(url, changed.get(category), finding.alternates(urls, default=default))


def _articles(part: int) -> Iterator[Entry]:
    served, default = set(languages.served()), settings.LANGUAGE_CODE
    same = Article.objects.public().filter(translation_group=OuterRef("translation_group"), locale__in=served)
    rows = (
        _public()
        .annotate(same=ArraySubquery(same.order_by("locale").values(at=JSONObject(locale="locale", slug="slug"))))
        .order_by("pk")
        .values_list("locale", "slug", "updated_at", "same")
    )
    first = part * finding.MOST_IN_A_SITEMAP
    locale: str
    slug: str
    changed_at: datetime
    for locale, slug, changed_at, others in rows[first : first + finding.MOST_IN_A_SITEMAP]:
        urls = {at["locale"]: addresses.of_article(at["locale"], at["slug"]) for at in others}
        yield Entry(addresses.of_article(locale, slug), changed_at, finding.alternates(urls, default=default))


def _xml(text: str) -> HttpResponse:
    return HttpResponse(text, content_type="application/xml; charset=utf-8")
