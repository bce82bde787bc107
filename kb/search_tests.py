"""The search tests that editors keep: added, changed, taken away, and in and out as lines of CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core import audit, clock
from kb.models import Article, SearchTest
from kb.search import analysis, checking

COLUMNS = ("locale", "query", "article", "top", "note")
DEFAULT_TOP, MOST_TOP = 3, checking.DEPTH
_LONGEST_QUERY = 200
_MOST_LINES = 5_000
_NAMED = 5  # articles that are named where a title fits several


class Refused(Exception):
    """What an editor asked for cannot be done; the text says why and what to do. Safe to show."""


@dataclass
class Imported:
    """`errors` are (line number, what is wrong with it); the other lines are in."""

    added: int = 0
    same: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)


def find_article(text: str, *, locale: str) -> Article:
    """The article that somebody means by its address or by (a part of) its title. Raises Refused."""
    text = _tidy(text)
    if not text:
        raise Refused(_("Say which article must be among the first answers: by its address or its title."))
    articles = Article.objects.filter(locale=locale).select_related("live_revision", "draft")
    slug = text.rstrip("/").rpartition("/")[2]
    if (found := articles.filter(slug=slug).first()) is not None:
        return found
    if (old := articles.filter(redirects__locale=locale, redirects__old_slug=slug).first()) is not None:
        return old
    exact = list(articles.filter(live_revision__title__iexact=text)[:2])
    fitting = exact or list(articles.published().filter(live_revision__title__icontains=text)[: _NAMED + 1])
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise Refused(
            _("No article in “%(locale)s” has the address or title “%(text)s”.") % {"locale": locale, "text": text[:80]}
        )
    raise Refused(
        _("Several titles fit “%(text)s”: %(titles)s. Write one in full, or its address.")
        % {"text": text[:80], "titles": "; ".join(checking.title_of(one) for one in fitting[:_NAMED])}
    )


def add(
    *, locale: str, query: str, article: Article, top: int = DEFAULT_TOP, note: str = "", by: User | None
) -> SearchTest:
    """A new test. Raises Refused, where it is there already too."""
    values = _values(locale, query, article, top, note)
    try:
        with transaction.atomic():
            made = SearchTest.objects.create(**values, created_by=by)
            audit.record(by, "search_test.added", made, **_told(made))
    except IntegrityError as error:
        if "one_search_test_per_query_and_article" not in str(error):
            raise
        raise Refused(_("There is such a test already. Change that one.")) from error
    return made


def change(
    test_id: int, *, locale: str, query: str, article: Article, top: int, note: str, by: User | None
) -> SearchTest:
    """Other values for a test. Raises Refused, where it was taken away meanwhile too."""
    values = _values(locale, query, article, top, note)
    try:
        with transaction.atomic():
            test = SearchTest.objects.select_for_update().filter(pk=test_id, removed_at=None).first()
            if test is None:
                raise Refused(_("This test was removed meanwhile."))
            before = _told(test)
            for name, value in values.items():
                setattr(test, name, value)
            if _told(test) != before:
                test.save(update_fields=list(values))
                audit.record(by, "search_test.changed", test, **_told(test), before=before)
    except IntegrityError as error:
        if "one_search_test_per_query_and_article" not in str(error):
            raise
        raise Refused(_("There is such a test already. Change that one.")) from error
    return test


def remove(test_id: int, *, by: User | None) -> None:
    """Take a test away; its history stays. Does nothing where it has gone already."""
    with transaction.atomic():
        test = SearchTest.objects.select_for_update().filter(pk=test_id, removed_at=None).first()
        if test is not None:
            SearchTest.objects.filter(pk=test_id).update(removed_at=clock.now())
            audit.record(by, "search_test.removed", test, **_told(test))


def export_lines(tests: Iterable[SearchTest]) -> Iterator[str]:
    """The tests as CSV, the head first; import_lines() reads them."""
    yield ",".join(COLUMNS) + "\n"
    for test in tests:
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(
            [test.locale, test.query, test.article.slug, test.top, test.note]
        )
        yield line.getvalue()


def import_lines(text: str, *, by: User | None) -> Imported:
    """Add a test for each line: locale, query, article (address or title), top, note; the last two may be left out.

    A head is skipped, a broken line stops no other, one that is there already is left as it is.
    """
    done = Imported()
    reader = csv.reader(io.StringIO(text.replace("\0", "")))
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            done.errors.append((reader.line_num, _("This is no line of CSV: %(why)s.") % {"why": error}))
            continue
        cells = [cell.strip() for cell in cells]
        if not any(cells) or tuple(cells[:3]) == COLUMNS[:3]:
            continue
        if reader.line_num > _MOST_LINES:
            done.errors.append((reader.line_num, _("Only %(most)s lines are read at once.") % {"most": _MOST_LINES}))
            break
        try:
            _import_line(cells, done, by)
        except Refused as refused:
            done.errors.append((reader.line_num, str(refused)))
    return done


def _import_line(cells: list[str], done: Imported, by: User | None) -> None:
    if len(cells) < 3 or len(cells) > len(COLUMNS):
        raise Refused(
            _("There are %(count)s fields; write locale, query, article and, if you like, top and note.")
            % {"count": len(cells)}
        )
    locale, query, article, top, note = [*cells, *[""] * (len(COLUMNS) - len(cells))]
    _check_locale(locale)
    if top and not (top.isascii() and top.isdigit() and len(top) < 4):
        raise Refused(_("“%(top)s” is no number of answers; write 1 to 10.") % {"top": top[:20]})
    found = find_article(article, locale=locale)
    values = _values(locale, query, found, int(top or DEFAULT_TOP), note)
    same = {name: values[name] for name in ("locale", "query", "article")}
    if SearchTest.objects.filter(**same, removed_at=None).exists():
        done.same += 1
        return
    add(locale=locale, query=query, article=found, top=int(top or DEFAULT_TOP), note=note, by=by)
    done.added += 1


def _values(locale: str, query: str, article: Article, top: int, note: str) -> dict[str, Any]:
    query, note = _tidy(query), _tidy(note)
    _check_locale(locale)
    if not analysis.for_language(locale).words(query):
        raise Refused(_("Search finds no word in this query. Write what customers type."))
    if len(query) > _LONGEST_QUERY:
        raise Refused(_("The query is too long; %(limit)s characters are the most.") % {"limit": _LONGEST_QUERY})
    if article.locale != locale:
        raise Refused(_("The article is in another language than the query. Choose its translation."))
    if not 1 <= top <= MOST_TOP:
        raise Refused(_("A test looks at the first 1 to 10 answers, not at %(top)s.") % {"top": top})
    return {"locale": locale, "query": query, "article": article, "top": top, "note": note[:200]}


def _told(test: SearchTest) -> dict[str, Any]:
    """What the audit log keeps of a test."""
    return {"locale": test.locale, "query": test.query, "article": test.article_id, "top": test.top}


def _check_locale(locale: str) -> None:
    if locale not in dict(settings.LANGUAGES):
        raise Refused(_("The help centre has no language “%(locale)s”.") % {"locale": locale[:20]})


def _tidy(text: str) -> str:
    return " ".join(text.replace("\0", " ").split())
