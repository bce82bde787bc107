"""With much to show: no link leads its reader into a 403, and no count stands without its rows."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.urls import resolve, reverse

from analytics.reports import stays
from analytics.reports.registry import REPORTS
from analytics.stats.proportions import Rate
from core import clock, roles
from kb.models import Article, Experiment, Variant
from notifications.models import Rule
from tests import worlds
from tests.analytics import rich
from tests.analytics.conftest import NOW
from tests.analytics.counts_on_pages import bare
from tests.analytics.test_dashboard import Links, rows_of
from tests.config.desk_table import ROLES

# The pages about numbers, and what their addresses need.
PAGES = (
    "home", "article-scorecards", "article-scorecard", "article-evidence", "search-health", "search-query",
    "search-learning", "effects", "effect-search", "effect-visits", "costs", "journeys", "data-health", "autopsy",
    "autopsy-contacts", "repeated-contacts", "next-article", "experiments", "experiment", "exposures", "guard-rail",
    "article-views", "evidence", "markers", "report", "metrics",
)  # fmt: skip


@pytest.fixture(scope="class")
def a_rich_shop(django_db_setup, django_db_blocker, tmp_path_factory):
    with worlds.shared(django_db_blocker), clock.frozen(NOW):
        rich.tell()
        yield


def address(name: str) -> str:
    article = Article.objects.get(slug="where-is-my-parcel")
    given: dict[str, object] = {
        "article-scorecard": article.pk, "article-evidence": article.pk, "guard-rail": "form_opened",
        "experiment": Experiment.objects.latest("pk").pk, "exposures": Variant.objects.latest("pk").pk,
        "report": "articles",
    }  # fmt: skip
    return reverse(f"desk:{name}", args=[given[name]] if name in given else [])


def main_of(response) -> str:
    """The page's own part, without the navigation; of a part of a page all of it."""
    html = response.content.decode()
    return html.partition("<main")[2].partition("</main>")[0] or html


def desk_links(html: str) -> list[str]:
    """What leads on within the desk: links, forms, parts that are loaded later, and what charts open."""
    return sorted({unescape(url) for url in re.findall(r'["\'](/desk/[^"\'\s<>]*)', html)})


@pytest.mark.django_db
@pytest.mark.usefixtures("today", "a_rich_shop")
class TestARichShop:
    @pytest.mark.parametrize("role", [role for role in roles.ALL if role != roles.ADMIN])
    def test_no_link_leads_its_reader_into_a_403(self, role, signed_in):
        client = signed_in(role)
        followed, refused = set(), []
        for name in PAGES:
            if role not in ROLES[name]:
                continue
            page = client.get(address(name))
            assert page.status_code == 200, name
            for url in desk_links(main_of(page)):
                match = resolve(urlsplit(url).path)
                if role not in getattr(match.func, "desk_roles", [role]):
                    refused.append((name, url))
                elif match.view_name not in followed:
                    followed.add(match.view_name)
                    if client.get(url).status_code == 403:
                        refused.append((name, url))
        assert not refused
        assert len(followed) > 10

    def test_the_shop_has_what_the_pages_show(self, signed_in):
        overview = signed_in().get(reverse("desk:home")).context["overview"]
        assert overview.effects.prevented_at_least is not None
        assert Rule.objects.count() > 1
        page = signed_in("writer").get(reverse("desk:home")).content.decode()
        assert f'href="{reverse("desk:effects")}"' not in page
        assert f'href="{reverse("desk:effects")}"' in main_of(signed_in().get(reverse("desk:home")))

    @pytest.mark.parametrize(
        ("name", "known"),
        [
            ("home", ("63", "813")),  # of 1,000 people; their counts stand beside them
            ("effects", ("100", "⟦3⟧ of 5")),  # prevented at least; judged, of the lines below
            ("article-scorecards", ("8 of 16",)),  # the votes on all articles of the list
            ("article-scorecard", ("40", "1")),  # seconds, and the middle place
            ("data-health", ()),
        ],
    )
    def test_no_count_stands_without_its_rows(self, name, known, signed_in):
        client = signed_in()
        html = main_of(client.get(address(name)))
        assert [text for text in bare(html) if text not in known] == []
        numbers = {(href, number) for href, number in Links(html).numbers if not href.startswith("#")}
        assert len(numbers) > 3
        for href, number in numbers:
            assert rows_of(client, href) == number, href

    def test_what_readers_said_and_openings_by_query_open_their_rows(self, signed_in):
        client, article = signed_in(), Article.objects.get(slug="where-is-my-parcel")
        votes, openings = (reverse("desk:article-rows", args=[article.pk, which]) for which in ("votes", "openings"))

        for query, number in (
            ("", 16), ("said=yes", 8), ("said=no", 8), ("reason=none", 4), ("reason=unclear", 4), ("said=maybe", 0),
            (f"text={article.live_revision_id}", 0), ("text=x", 0),
        ):  # fmt: skip
            assert rows_of(client, f"{votes}?{query}") == number, query
        for query, number in (("", 30), ("lang=en&key=parcel", 30), ("lang=de&key=parcel", 0), ("key=other", 0)):
            assert rows_of(client, f"{openings}?{query}") == number, query
        row = client.get(votes, {"reason": "unclear"}).context["rows"][0]
        assert (row.name, row.what) == ("Text 1", "no: I did not understand it")
        assert client.get(f"/desk/results/{article.pk}/nothing/").status_code == 404

    def test_the_texts_beside_the_editor_open_their_own_journeys_and_views(self, signed_in):
        client = signed_in()
        html = main_of(client.get(address("article-evidence")))
        of_texts = [(href, number) for href, number in Links(html).numbers if "text=" in href]
        assert len(of_texts) > 8
        for href, number in of_texts:
            assert rows_of(client, href) == number, href

    def test_the_time_on_an_article_is_of_those_who_were_heard(self, signed_in):
        client = signed_in()
        page = client.get(address("article-scorecard"))
        stay = page.context["row"].stay
        assert (stay.told, stay.mean_seconds, stay.mean_share) == (Rate(60, 100), 40, 0.5)
        html = main_of(page)
        assert "interval 35 to 45 seconds; 50.0 % of the text in sight, interval 44.8 to 55.2 %." in html
        assert "The pages of 60 readers told, out of 100 who opened it, each once a day (60.0 %); of 40 nothing" in html
        (table,) = REPORTS["articles"].tables(page.context["period"], NOW, {})
        told = {row[0]: dict(zip([column.key for column in table.columns], row, strict=True)) for row in table.rows}
        assert [told[page.context["row"].id][key] for key in ("told", "seconds", "in_sight")] == [Rate(60, 100), 40, 50]
        ends = [told[page.context["row"].id][key] for key in ("seconds_low", "seconds_high", "in_sight_low")]
        assert ends == [pytest.approx(34.8, abs=0.1), pytest.approx(45.2, abs=0.1), pytest.approx(44.8, abs=0.1)]
        assert page.context["row"].stay == stays.together([stay, stays.NO_STAY])

    def test_languages_of_search_health_open_their_searches(self, signed_in):
        client = signed_in()
        html = main_of(client.get(address("search-health")))
        rows = re.findall(r'href="(/desk/search/health/query/[^"]*locale=\w\w[^"]*)">(\d+)</a>', html)
        assert len(rows) > 2
        for href, number in rows:
            assert len(client.get(unescape(href)).context["listed"].rows) == int(number), href
