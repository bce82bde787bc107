"""What followed an edit, and how much of it would have come without one."""

from __future__ import annotations

import html
import random
import re
import uuid

import pytest
from django.urls import reverse

from analytics import periods, settling
from analytics.models import Spread
from analytics.reports import article_edits
from analytics.reports.registry import REPORTS
from analytics.stats import shrinkage
from analytics.stats.proportions import Rate
from core import audit, clock
from core.models import AuditEntry
from kb import experiments
from kb.models import Article, Revision
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.history import at
from tests.analytics.test_dashboard import rows_of, text_of


def readers(
    article: Article, number: int, *, contacts: int, day: float, noes: int = 0, says: int = 0, variant_id=None
) -> None:
    for n in range(number):
        visitor = uuid.uuid4()
        history.read(visitor, article, at(n, days=day), variant_id=variant_id)
        if n < contacts:
            history.contact(at(n + 90, days=day), visitor=visitor, person=visitor.hex, why=history.reason("delivery"))
        elif n < contacts + says:
            history.voted(visitor, article, at(n + 1, days=day), is_helpful=n >= contacts + noes)


def publish(article: Article, *, day: float, number: int) -> None:
    """Another text goes live, as publishing.publish() leaves it."""
    text, _new = Revision.objects.get_or_create(
        article=article, number=number,
        defaults={"title": f"Text {number}", "body": "", "html": "", "text": "", "created_at": at(days=day)},
    )  # fmt: skip
    article.live_revision = text
    article.save()
    with clock.frozen(at(days=day)):
        audit.record(None, "article.published", article, revision=number, title=text.title, comment="shorter")


def found(article: Article) -> tuple[article_edits.Edit, ...]:
    settling.settle()
    period, _wrong = periods.read({}, now=NOW)
    return article_edits.of(Article.objects.select_related("category").get(pk=article.pk), period).shown


@pytest.mark.django_db
@pytest.mark.usefixtures("today")
class TestAnEdit:
    def test_each_journey_belongs_to_the_text_that_it_read(self):
        article = history.article("Late")
        old = article.live_revision
        readers(article, 40, contacts=12, day=4)
        publish(article, day=10, number=2)
        readers(article, 40, contacts=6, day=10.1)
        new, article.live_revision = article.live_revision, old
        readers(article, 5, contacts=5, day=11)  # a page with the old text that was still open
        article.live_revision = new
        (edit,) = found(article)
        contact, confirmed, no = edit.measures
        assert (edit.number, edit.comment, contact.before, contact.after) == (2, "shorter", Rate(12, 40), Rate(6, 40))
        assert round(contact.points, 3) == -0.15
        assert (round(contact.difference.low, 3), round(contact.difference.high, 3)) == (-0.324, 0.034)
        assert [(rate.hits, rate.of) for rate in (confirmed.before, confirmed.after)] == [(0, 40), (0, 40)]
        assert "0 before and 0 after" in no.why
        assert contact.expected is None, "one article says nothing of how articles differ"

    def test_what_is_expected_without_the_edit_is_drawn_towards_its_like(self):
        article = history.article("Late")
        for title in ("A", "B", "C", "D"):
            readers(history.article(title), 30, contacts=3, day=2)
        readers(article, 40, contacts=16, day=4)
        publish(article, day=10, number=2)
        readers(article, 40, contacts=8, day=11)
        (edit,) = found(article)
        contact = edit.measures[0]
        prior = shrinkage.fit([Rate(3, 30)] * 4 + [Rate(16, 40)])
        anyway = shrinkage.expected(prior, Rate(16, 40))
        assert (contact.expected.share, contact.expected.worth) == pytest.approx((anyway.share, anyway.worth))
        assert contact.after.share < contact.expected.share < contact.before.share
        assert contact.expected_points + contact.beyond_points == pytest.approx(contact.points)

    def test_two_edits_share_no_journey_and_votes_need_ten_on_each_side(self):
        article = history.article("Late")
        readers(article, 40, contacts=4, day=2, says=12, noes=9)
        publish(article, day=8, number=2)
        readers(article, 40, contacts=4, day=9, says=10, noes=5)
        publish(article, day=15, number=3)
        readers(article, 9, contacts=0, day=16, says=3)
        second, first = found(article)
        assert (first.measures[2].before, first.measures[2].after) == (Rate(9, 12), Rate(5, 10))
        assert first.measures[2].why == ""
        assert (first.measures[0].after, second.measures[0].before) == (Rate(4, 40), Rate(4, 40))
        assert second.measures[0].why == "After: Withheld: only 9 of the 30 linkable journeys that are needed."
        assert "10 before and 3 after" in second.measures[2].why
        assert (first.days, second.days) == ((9, 8), (8, 13))

    def test_what_was_published_first_replaced_nothing(self):
        article = history.article("Late")
        with clock.frozen(at(days=1)):
            audit.record(None, "article.published", article, revision=1, title="Late", comment="")
        readers(article, 40, contacts=4, day=2)
        assert found(article) == ()

    def test_the_text_that_was_tried_in_a_test_is_not_the_text_before(self):
        article = history.article("Late")
        other = Revision.objects.create(
            article=article, number=2, title="B", body="", html="", text="", created_at=at(days=1)
        )
        arms = (experiments.Arm("a", article.live_revision), experiments.Arm("b", other))
        test = experiments.create(article, name="Shorter", control=arms[0], others=[arms[1]], by=None)
        live = article.live_revision
        for text, contacts in ((live, 10), (other, 2)):
            article.live_revision = text
            variant = test.variants.get(revision=text).pk
            readers(article, 35, contacts=contacts, day=4, variant_id=variant)
        publish(article, day=10, number=3)
        readers(article, 31, contacts=3, day=11)
        (edit,) = found(article)
        assert (edit.measures[0].before, edit.measures[0].after) == (Rate(10, 35), Rate(3, 31))

    def test_who_reads_twice_makes_a_difference_less_sure(self):
        article = history.article("Late")
        readers(article, 60, contacts=20, day=4)
        publish(article, day=10, number=2)
        readers(article, 60, contacts=8, day=11)
        (edit,) = found(article)
        assert edit.measures[0].difference.high < 0
        Spread.objects.filter(measure="article", window=7).update(factor=3.0)
        period, _wrong = periods.read({}, now=NOW)
        (unsure,) = article_edits.of(Article.objects.select_related("category").get(pk=article.pk), period).shown
        assert unsure.measures[0].points == edit.measures[0].points
        assert unsure.measures[0].difference.high > 0

    def test_each_count_on_the_page_opens_its_rows(self, signed_in):
        article = history.article("Late")
        first = article.live_revision
        other = Revision.objects.create(
            article=article, number=9, title="B", body="", html="", text="", created_at=at(days=1)
        )
        arms = (experiments.Arm("a", first), experiments.Arm("b", other))
        tried = experiments.create(article, name="Shorter", control=arms[0], others=[arms[1]], by=None)
        readers(article, 42, contacts=4, day=2, says=12, noes=9)
        article.live_revision = other
        readers(article, 6, contacts=1, day=3, says=3, noes=1, variant_id=tried.variants.get(revision=other).pk)
        publish(article, day=8, number=2)
        readers(article, 44, contacts=5, day=8.2, says=11, noes=5)
        new, article.live_revision = article.live_revision, first
        readers(article, 3, contacts=1, day=8.4, says=2, noes=1)  # a page that was still open
        article.live_revision = new
        publish(article, day=15, number=3)
        readers(article, 41, contacts=3, day=15.1, says=10, noes=4)
        found(article)
        client = signed_in("analyst")
        page = client.get(reverse("desk:article-scorecard", args=[article.pk])).content.decode()
        links = re.findall(r'<a href="([^"]*edit=[^"]*)">(\d+)</a>', page)
        assert len(links) == 2 * 3 * 4, "two edits, three numbers, hits and whole, before and after"
        for href, number in links:
            assert rows_of(client, html.unescape(href)) == int(number), href
        numbers = [int(number) for _href, number in links]
        assert numbers[:4] == [5, 44, 3, 41], "contact after read of the newer edit"
        listed = text_of(client.get(html.unescape(links[0][0])))
        assert "the text before a change of it" in listed
        votes = next(html.unescape(href) for href, _number in links if "guard-rails" in href)
        assert "Votes on one text of an article: the text before a change of it." in text_of(client.get(votes))

    @pytest.mark.parametrize(
        "words", ["edit=7&side=before", "edit=x&side=after", "edit={}&side=", "edit={}&side=later", "edit=9" * 9]
    )
    def test_what_names_no_change_lists_nothing(self, signed_in, words):
        article = history.article("Late")
        readers(article, 4, contacts=0, day=2, says=2)
        publish(article, day=8, number=2)
        settling.settle()
        key = AuditEntry.objects.latest("pk").pk
        client = signed_in("analyst")
        for name, given in (("journeys", ()), ("guard-rail", ("no_votes",))):
            assert rows_of(client, f"{reverse(f'desk:{name}', args=given)}?{words.format(key)}") == 0
        assert (
            client.get(f"{reverse('desk:guard-rail', args=['form_opened'])}?edit={key}&side=after").status_code == 404
        )

    def test_the_report_has_a_row_for_each_number_of_each_edit(self):
        article = history.article("Late")
        readers(article, 40, contacts=12, day=4)
        publish(article, day=10, number=2)
        readers(article, 40, contacts=6, day=11)
        settling.settle()
        period, _wrong = periods.read({}, now=NOW)
        (edits,) = REPORTS["article_edits"].tables(period, NOW, {})
        (results,) = REPORTS["articles"].tables(period, NOW, {})
        for table in (edits, results):
            assert all(len(row) == len(table.columns) for row in table.rows)
        assert [row[5] for row in edits.rows] == ["contact", "confirmed", "no"]
        told = dict(zip([column.key for column in edits.columns], edits.rows[0], strict=True))
        assert (told["before"], told["after"], told["difference"]) == (Rate(12, 40), Rate(6, 40), -15.0)
        assert [row[1] for row in results.rows] == ["Text 2"]

    def test_the_page_says_that_it_is_no_effect_and_leads_to_a_test(self, signed_in):
        article = history.article("Late")
        readers(article, 40, contacts=12, day=4)
        publish(article, day=10, number=2)
        readers(article, 40, contacts=6, day=11)
        settling.settle()
        page = " ".join(signed_in("writer").get(f"/desk/results/{article.pk}/").content.decode().split())
        assert "−15.0 points" in page
        assert "Before and after is no proof" in page
        assert f'href="/desk/articles/{article.pk}/#test-h"' in page
        assert "Run as A/B test" not in signed_in("analyst").get(f"/desk/results/{article.pk}/").content.decode()


def test_the_worst_articles_improve_without_an_edit_by_what_is_expected():
    """Fixed seed: articles whose true share never changes, the worst tenth of each shop "edited"."""
    random_ = random.Random(9)
    raw, beyond, held = [], [], 0
    for _shop in range(150):
        true = [random_.betavariate(6, 24) for _article in range(30)]
        before = [drawn(random_, share, random_.randint(40, 160)) for share in true]
        prior = shrinkage.fit(before)
        for worst in sorted(range(30), key=lambda n: -before[n].share)[:3]:
            after = drawn(random_, true[worst], 120)
            anyway = shrinkage.expected(prior, before[worst])
            raw.append(after.share - before[worst].share)
            beyond.append(after.share - anyway.share)
            held += 0 in anyway.beyond(after)
    assert mean(raw) < -0.03, "they seem to improve by more than three points"
    assert abs(mean(beyond)) < 0.006, "which is what was expected: about two standard errors of this many"
    assert held / len(beyond) > 0.91


def test_what_differs_no_more_than_by_chance_is_drawn_to_the_mean_of_all():
    prior = shrinkage.fit([Rate(10, 100), Rate(11, 100), Rate(9, 100), Rate(10, 100), Rate(10, 100)])
    assert (prior.mean, prior.weight) == (0.1, 500)
    assert shrinkage.expected(prior, Rate(20, 100)).share == pytest.approx(70 / 600)


def test_what_differs_truly_is_believed():
    # Kleinman's S, and what of it is chance, by hand.
    prior = shrinkage.fit([Rate(10, 100), Rate(30, 100), Rate(50, 100), Rate(70, 100), Rate(90, 100)])
    assert prior.mean == 0.5
    spread, chance = 100 * (0.16 + 0.04 + 0 + 0.04 + 0.16), 0.25 * 4
    assert prior.weight == pytest.approx(1 / ((spread - chance) / (0.25 * (500 - 100) - chance)) - 1)
    assert shrinkage.expected(prior, Rate(90, 100)).share > 0.88


def test_fewer_than_five_like_articles_say_nothing():
    assert shrinkage.fit([Rate(1, 10)] * 4 + [Rate(0, 0)]) is None


def test_of_shares_that_are_all_nothing_nothing_is_expected():
    prior = shrinkage.fit([Rate(0, 50)] * 6)
    assert shrinkage.expected(prior, Rate(0, 50)).share == 0
    assert 0 in shrinkage.expected(prior, Rate(0, 50)).beyond(Rate(0, 40))


def drawn(random_: random.Random, share: float, of: int) -> Rate:
    return Rate(sum(random_.random() < share for _unit in range(of)), of)


def mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)
