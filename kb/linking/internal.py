"""Links within the site: what each leads to, kept right with every change of an article, in the same transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from core import clock
from core.commits import after_commit
from kb.linking import extracting
from kb.models import (
    Article,
    ArticleLink,
    ArticleState,
    CategoryRedirect,
    CategoryText,
    LinkKind,
    LinkState,
    LinkTrouble,
    Redirect,
    Visibility,
)
from kb.models.article import MOST_HOPS
from kb.models.care import ASKED_KINDS

_CHUNK = 2000
_SAID = ("target_id", "state", "trouble")
_WHY = {ArticleState.ARCHIVED: LinkTrouble.ARCHIVED, ArticleState.DRAFT: LinkTrouble.NOT_PUBLISHED}


def follow(article: Article, *, ring: bool = True) -> None:
    """After a change of `article` that customers see, under its lock: store the links of its live text, and look again
    at every link that may mean it. `ring=False` leaves it to beat to have other sites asked.
    """
    live = article.live_revision
    html = live.html if live is not None and article.state == ArticleState.PUBLISHED else ""
    new = _store(article, html)
    names = {name for name in (article.slug, article.external_id) if name}
    names |= _led_through(article)
    to_it = Q(target__translation_group=article.translation_group) | Q(kind=LinkKind.ARTICLE, reference__in=names)
    # Two articles that link to each other may be published at once: what the other one holds is not waited for, and
    # refresh() looks at it.
    looked_at = ArticleLink.objects.filter(to_it).exclude(article=article).select_related("article")
    looked_at = looked_at.select_for_update(of=("self",), skip_locked=True)
    own = [link for link in new if link.kind not in ASKED_KINDS]
    resolve([*looked_at, *own])
    if ring and any(link.kind in ASKED_KINDS for link in new):
        from kb import tasks  # tasks call publishing, which calls this

        after_commit(partial(tasks.check_links.apply_async, retry=False))


def has_same_links(before: str, after: str) -> bool:
    """Whether two frozen texts of one article hold the same links: then there is nothing to follow."""
    hosts = own_hosts()
    return extracting.links(before, own_hosts=hosts) == extracting.links(after, own_hosts=hosts)


def follow_new(articles: Sequence[Article]) -> None:
    """follow() for articles that nobody knew before this transaction, with their live texts: the same few queries for
    any number of them. It is left to beat to have other sites asked.
    """
    hosts = own_hosts()
    new = [
        _row(article, one)
        for article in articles
        for one in extracting.links(article.live_revision.html if article.live_revision else "", own_hosts=hosts)
    ]
    own = [link for link in new if link.kind not in ASKED_KINDS]
    before = [[getattr(link, name) for name in _SAID] for link in own]
    _resolve(own)
    now = clock.now()
    for link, said in zip(own, before, strict=True):
        if [getattr(link, name) for name in _SAID] != said:
            link.checked_at = now
    ArticleLink.objects.bulk_create(new, batch_size=500)
    names = {name for article in articles for name in (article.slug, article.external_id) if name}
    groups = {article.translation_group for article in articles}
    others = ArticleLink.objects.exclude(article__in=articles)
    meant = set(others.filter(kind=LinkKind.ARTICLE, reference__in=names).values_list("pk", flat=True))
    meant |= set(others.filter(target__translation_group__in=groups).values_list("pk", flat=True))
    if meant:
        looked_at = ArticleLink.objects.filter(pk__in=meant).select_related("article")
        resolve(list(looked_at.select_for_update(of=("self",), skip_locked=True)))


def refresh() -> int:
    """Look again at every link within the site; for what changes beside the articles. Returns how many changed."""
    rows = ArticleLink.objects.exclude(kind__in=ASKED_KINDS).order_by("pk").select_related("article")
    changed, last = 0, 0
    while chunk := list(rows.filter(pk__gt=last)[:_CHUNK]):
        changed += resolve(chunk)
        last = chunk[-1].pk
    return changed


def unsaved(article: Article, html: str) -> list[ArticleLink]:
    """The links of a text that is not live, the ones within the site resolved. Nothing is stored."""
    links = [_row(article, found) for found in extracting.links(html, own_hosts=own_hosts())]
    _resolve([link for link in links if link.kind not in ASKED_KINDS])
    return links


def own_hosts() -> set[str]:
    """The hosts under which this site is reached, as far as its settings say."""
    return {urlsplit(settings.SITE_URL).netloc.lower()}


def resolve(links: Sequence[ArticleLink]) -> int:
    """Say of stored links (with their `article`) where they lead. Returns how many changed. At most 6 queries, and one
    for each step of archived articles that lead to each other.
    """
    before = [[getattr(link, name) for name in _SAID] for link in links]
    _resolve(links)
    changed = [
        link for link, said in zip(links, before, strict=True) if [getattr(link, name) for name in _SAID] != said
    ]
    if changed:
        now = clock.now()
        for link in changed:
            link.checked_at = now
        ArticleLink.objects.bulk_update(changed, ["target", "state", "trouble", "checked_at"], batch_size=500)
    return len(changed)


def _store(article: Article, html: str) -> list[ArticleLink]:
    """Make the stored links those of `html`; what is known of an address stays. Returns the new ones."""
    found = {(one.kind, one.address): one for one in extracting.links(html, own_hosts=own_hosts())}
    kept = {}
    gone = []
    for pk, kind, address in ArticleLink.objects.filter(article=article).values_list("pk", "kind", "address"):
        if (kind, address) in found:
            kept[kind, address] = pk
        else:
            gone.append(pk)
    if gone:
        ArticleLink.objects.filter(pk__in=gone).delete()
    new = [_row(article, one) for key, one in found.items() if key not in kept]
    return ArticleLink.objects.bulk_create(new) if new else []


def _row(article: Article, found: extracting.Found) -> ArticleLink:
    return ArticleLink(
        article=article,
        kind=found.kind,
        address=found.address,
        reference=found.reference,
        text=found.text,
        next_check_at=Now() if found.kind in ASKED_KINDS else None,
    )


def _resolve(links: Iterable[ArticleLink]) -> None:
    by_kind: dict[str, list[ArticleLink]] = defaultdict(list)
    for link in links:
        by_kind[link.kind].append(link)
    if by_kind[LinkKind.ARTICLE]:
        _resolve_articles(by_kind[LinkKind.ARTICLE])
    if by_kind[LinkKind.CATEGORY]:
        _resolve_categories(by_kind[LinkKind.CATEGORY])


def _resolve_articles(links: list[ArticleLink]) -> None:
    """As kb.selectors.by_reference and moved_to do: by imported id or address, in the reader's language first."""
    references = {link.reference for link in links}
    named = Article.objects.filter(Q(slug__in=references) | Q(external_id__in=references)).order_by("pk")
    by_name: dict[str, list[Article]] = defaultdict(list)
    for one in named.defer("live_revision"):
        for name in {one.slug, one.external_id} & references:
            by_name[name].append(one)
    unnamed = {name for name in references if not any(one.state == ArticleState.PUBLISHED for one in by_name[name])}
    by_old_name: dict[str, list[Article]] = defaultdict(list)
    if unnamed:
        moved = Redirect.objects.filter(old_slug__in=unnamed).exclude(article__state=ArticleState.DRAFT)
        for redirect in moved.select_related("article").order_by("pk"):
            by_old_name[redirect.old_slug].append(redirect.article)
    ends = _ends(one for found in (by_name, by_old_name) for name in unnamed for one in found[name])
    there = [one for found in (by_name, by_old_name) for rows in found.values() for one in rows]
    groups = {one.translation_group for one in (*there, *ends.values())}
    same = Article.objects.public().filter(translation_group__in=groups)
    translated = {(one.translation_group, one.locale): one for one in same}
    for link in links:
        locale = link.article.locale
        live = _published(by_name[link.reference])
        found = _best(live, locale, link.reference) or _best(_published(by_old_name[link.reference]), locale, "")
        if found is not None and found.locale != locale:
            found = translated.get((found.translation_group, locale), found)
        if found is None:
            others = by_name[link.reference]
            leading = [one for one in others if one.pk in ends] or [
                one for one in by_old_name[link.reference] if one.pk in ends
            ]
            was = _best(leading, locale, link.reference)
            if was is not None and (end := _led_to(ends[was.pk], locale, translated)) is not None:
                link.target, link.state, link.trouble = end, LinkState.MOVED, LinkTrouble.LED_ON
                continue
            link.target = _best(others, locale, link.reference)
            link.state = LinkState.BROKEN
            link.trouble = _WHY[ArticleState(link.target.state)] if link.target else LinkTrouble.NO_ARTICLE
        elif found.visibility == Visibility.STAFF and link.article.visibility == Visibility.PUBLIC:
            link.target, link.state, link.trouble = found, LinkState.BROKEN, LinkTrouble.STAFF_ONLY
        else:
            link.target, link.trouble = found, ""
            link.state = LinkState.OK if live else LinkState.MOVED


def _published(found: Iterable[Article]) -> list[Article]:
    return [one for one in found if one.state == ArticleState.PUBLISHED]


def _leads_on(one: Article) -> bool:
    is_led = one.leads_to_id is not None or one.leads_to_category_id is not None
    return one.state == ArticleState.ARCHIVED and is_led


def _ends(found: Iterable[Article]) -> dict[int, Article]:
    """By id of each archived article that leads its readers on, the last one of the way: the article that they are led
    to, or the archived one that leads to a category. One query for each step.
    """
    at = {one.pk: one for one in found if _leads_on(one)}
    for _hop in range(MOST_HOPS):
        on = {pk: one.leads_to_id for pk, one in at.items() if _leads_on(one) and one.leads_to_id is not None}
        if not on:
            break
        rows = Article.objects.defer("live_revision").in_bulk(set(on.values()))
        at |= {pk: rows[to] for pk, to in on.items()}
    return at


def _led_to(end: Article, locale: str, translated: Mapping[tuple[Any, str], Article]) -> Article | None:
    """What readers in `locale` find at the end of the way; None: nothing. An archived one stands for its category."""
    if end.state == ArticleState.ARCHIVED:
        return end if end.leads_to_id is None and end.leads_to_category_id is not None else None
    if end.state != ArticleState.PUBLISHED or end.visibility != Visibility.PUBLIC:
        return None
    if end.locale == locale:
        return end
    is_default = end.locale == settings.LANGUAGE_CODE
    return translated.get((end.translation_group, locale)) or (end if is_default else None)


def _led_through(article: Article) -> set[str]:
    """The names of archived articles from which readers are led to this one, or through it."""
    names: set[str] = set()
    seen = {article.pk}
    waiting = {article.pk}
    while waiting:
        rows = list(Article.objects.filter(leads_to__in=waiting).values_list("pk", "slug", "external_id"))
        waiting = {pk for pk, *_names in rows} - seen
        seen |= waiting
        names |= {name for _pk, *own in rows for name in own if name}
    return names


def _best(found: list[Article], locale: str, reference: str) -> Article | None:
    def rank(one: Article) -> tuple[bool, bool, bool]:
        return (one.locale != locale, one.external_id != reference, one.locale != settings.LANGUAGE_CODE)

    return min(found, key=rank, default=None)


def _resolve_categories(links: list[ArticleLink]) -> None:
    slugs = {link.reference for link in links}
    there = set(CategoryText.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    moved = set(CategoryRedirect.objects.filter(old_slug__in=slugs - there).values_list("old_slug", flat=True))
    for link in links:
        is_there = link.reference in there
        link.state = LinkState.OK if is_there else LinkState.MOVED if link.reference in moved else LinkState.BROKEN
        link.trouble = LinkTrouble.NO_CATEGORY if link.state == LinkState.BROKEN else ""
