"""What the desk's list of articles shows of readers: the overview's numbers, written where kb can read them."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from analytics import article_results, settling, shop_days
from core import clock
from kb.models import ArticleResult
from tests.analytics import history
from tests.analytics.history import at

pytestmark = pytest.mark.django_db
NOW = at(days=27)


def count() -> None:
    with clock.frozen(NOW):
        settling.settle()
        article_results.count()


def test_readers_of_an_article_and_what_they_did_next():
    good, bad, unread = (history.article(title) for title in ("Good", "Bad", "Unread"))
    for number in range(6):
        history.read(UUID(int=100 + number), good, at(minutes=number))
        if number < 2:
            history.voted(UUID(int=100 + number), good, at(minutes=number + 1), is_helpful=True)
    for number in range(4):
        history.read(UUID(int=200 + number), bad, at(minutes=number))
        if number < 3:
            history.contact(at(minutes=number + 5), visitor=UUID(int=200 + number), why=history.reason("delivery"))
    count()
    results = {row.article_id: row for row in ArticleResult.objects.all()}
    assert (results[good.pk].views, results[good.pk].readers, results[good.pk].confirmed) == (6, 6, 2)
    assert (results[good.pk].linkable, results[good.pk].contacts_after_read) == (6, 0)
    assert (results[bad.pk].linkable, results[bad.pk].contacts_after_read) == (4, 3)
    assert (results[unread.pk].views, results[unread.pk].last_read_at) == (0, None)
    assert results[good.pk].last_read_at == at(minutes=5)
    assert results[good.pk].as_of == NOW
    assert (results[good.pk].since, shop_days.day_of(NOW)) == (
        datetime(2025, 12, 29, tzinfo=shop_days.zone()),
        NOW.date(),
    )


def test_what_is_not_decided_or_not_linkable_is_in_no_denominator():
    article = history.article("Late")
    history.read(UUID(int=1), article, at(days=26))
    history.read(UUID(int=2), article, at(0), is_returning=False)
    count()
    result = ArticleResult.objects.get()
    assert (result.views, result.readers, result.linkable) == (2, 1, 0)


def test_counting_twice_changes_nothing_and_an_archived_article_keeps_no_old_result():
    article = history.article("Late")
    history.read(UUID(int=1), article, at(0))
    count()
    count()
    assert ArticleResult.objects.get().views == 1
    article.state = "archived"
    article.save()
    with clock.frozen(NOW + timedelta(days=120)):
        article_results.count()
    assert not ArticleResult.objects.exists()
