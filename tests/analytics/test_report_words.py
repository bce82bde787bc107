"""What a screen is narrowed to goes with its files; what a report does not understand is refused; and the rows behind
numbers as files."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils.datastructures import MultiValueDict

from analytics import periods, settling
from analytics.reports import article_edits, article_tables, flow, readers, row_pages
from analytics.reports.asking import Asked
from analytics.reports.guard_rails import Rail
from analytics.reports.registry import REPORTS
from analytics.reports.row_lists import LISTS
from core import roles
from core.models import AuditEntry
from kb.models import Vote
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.experiments import experiment
from tests.analytics.history import ANNA, BEN, CARA, at
from tests.analytics.test_article_edits import publish
from tests.analytics.test_article_edits import readers as read_by
from tests.analytics.test_experiments_api import ask

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
DAYS = {"from": "2026-03-02", "to": "2026-03-29"}


def read(response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.content
    return list(csv.DictReader(io.StringIO(b"".join(response).decode("utf-8-sig"))))


def links(page: str, start: str) -> list[str]:
    return [html.unescape(href) for href in re.findall(rf'href="({start}[^"]*)"', page)]


@pytest.fixture
def three_journeys():
    """Two about a parcel, one of which ended in a contact, and one about returns."""
    parcel, returns = history.article("Where is my parcel"), history.article("Send it back", "returns")
    for who, which, day in ((ANNA, parcel, 3), (BEN, parcel, 4), (CARA, returns, 5)):
        history.read(who, which, at(days=day))
    history.contact(at(60, days=3), visitor=ANNA, person="anna", why=history.reason("delivery"))
    settling.settle()
    return parcel


@pytest.mark.usefixtures("three_journeys")
class TestNarrowedTables:
    def test_screen_file_api_and_command_give_the_same_few(self, signed_in, client, capsys):
        asker = signed_in()
        page = asker.get(reverse("desk:journeys"), {**DAYS, "topic": "delivery", "page": "1"}).content.decode()
        (files,) = links(page, reverse("desk:report", args=["journeys"]))
        told = asker.get(files).content.decode()
        assert "topic: delivery" in told
        (flows,) = links(told, "/desk/reports/journeys/flows.csv")
        assert sum(int(row["journeys_hits"]) for row in read(asker.get(flows))) == 2 * 2, "both halves of the picture"
        assert "topic-delivery.csv" in asker.get(flows)["Content-Disposition"]
        api = html.unescape(re.search(r"GET (/api/v1/[^<]+)<", told)[1])
        data = ask(client, api.removeprefix("/api/v1/")).json()
        assert (data["narrowed"], data["period"]["from"]) == ({"topic": ["delivery"]}, "2026-03-02")
        call_command("report", "journeys", "--json", "--from", DAYS["from"], "--to", DAYS["to"], "--set=topic=delivery")
        assert json.loads(capsys.readouterr().out) == data

    def test_what_a_report_does_not_understand_is_refused_everywhere(self, signed_in, client):
        asker = signed_in()
        for report in ("journeys", "guard_rails", "effects", "messages"):
            for word, value in (("locale", "de"), ("source", "form"), ("read", "1")):
                refused = ask(client, f"reports/{report}?{word}={value}")
                assert refused.status_code == 400, (report, word)
                assert refused.json()["errors"][0]["parameter"] == word
                table = asker.get(reverse("desk:report-csv", args=[report, "outcomes"]), {word: value})
                assert (table.status_code, word in table.content.decode()) == (400, True)
                page = asker.get(reverse("desk:report", args=[report]), {word: value}).content.decode()
                assert "leave this out" in page
                assert f"{word}={value}" not in page.partition('id="h-files"')[2]
                with pytest.raises(CommandError, match=word):
                    call_command("report", report, f"--set={word}={value}")
        for wrong in ("topic=%00", "outcome=great", "article=x", "article=1&article=2"):
            assert ask(client, f"reports/journeys?{wrong}").status_code == 400, wrong

    def test_a_link_takes_a_word_that_only_the_screen_knows_along_so_that_it_is_refused(self, signed_in):
        asker = signed_in()
        page = asker.get(reverse("desk:data-health"), {**DAYS, "rule": "late"}).content.decode()
        (files,) = links(page, reverse("desk:report", args=["data_health"]))
        assert "rule=late" in files
        assert "cannot be narrowed by “rule”" in asker.get(files).content.decode()

    def test_the_list_of_results_takes_topic_and_title_along(self, signed_in):
        asker = signed_in("writer")
        for asked, titles in (({"topic": "returns"}, ["Send it back"]), ({"q": "PARCEL"}, ["Where is my parcel"])):
            page = asker.get(reverse("desk:article-scorecards"), {**DAYS, **asked}).content.decode()
            (files,) = links(page, reverse("desk:report", args=["articles"]))
            (table,) = links(asker.get(files).content.decode(), "/desk/reports/articles/articles.csv")
            assert [row["title"] for row in read(asker.get(table))] == titles


class _Looked(MultiValueDict):
    """Nothing is asked; what is looked for is kept."""

    def __init__(self, **given: str) -> None:
        super().__init__({name: [value] for name, value in given.items()})
        self.looked_for: set[str] = set()

    def get(self, key, default=None):
        self.looked_for.add(key)
        return super().get(key, default)

    def getlist(self, key, default=None):
        self.looked_for.add(key)
        return super().getlist(key, default)


def test_whatever_narrows_rows_or_tables_is_a_word_that_may_be_asked():
    """A parameter that a screen's list reads and its file does not know would be refused, and never left out."""
    period = periods.read(DAYS, now=NOW)[0]
    of_one = {
        "guard_rail": {"rail": "no_votes", "edit": "1", "side": "after"},
        "article": {"article": "1"},
        "article_rows": {"article": "1", "of": "votes"},
        "exposures": {"variant": str(experiment().variants.get(key="b").pk)},
    }
    for each in LISTS.values():
        asked = _Looked(**of_one.get(each.name, {}))
        list(each.rows(Asked(period, asked, {}), NOW))
        assert asked.looked_for <= set(each.words.own), each.name
    for report in REPORTS.values():
        if report.words.own and report.name != "search_query":
            asked = _Looked(**of_one.get(report.name, {}))
            report.of(Asked(period, asked, {}), now=NOW)
            assert asked.looked_for - set(flow.UNCOUNTED) <= set(report.words.own), report.name
    more = set(LISTS["journeys"].words.own) - set(REPORTS["journeys"].words.own)
    assert more == set(flow.UNCOUNTED) == {"read", "why"}, "which no count knows"


class TestWhoMayTakeThem:
    def test_who_sees_a_screen_takes_its_tables_and_nobody_else(self, signed_in, monkeypatch):
        clients = {role: signed_in(role) for role in roles.ALL}
        for name, report in list(REPORTS.items()):
            monkeypatch.setitem(REPORTS, name, replace(report, tables=lambda *given: []))
            for role, asker in clients.items():
                status = asker.get(reverse("desk:report", args=[name])).status_code
                may = role in readers.of(report.screen)
                assert (status == 403) != may, (name, role, status)

    def test_an_editor_has_the_results_and_search_health_and_no_rows(self, signed_in, three_journeys):
        writer = signed_in("writer")
        for screen, name in (("article-scorecards", "articles"), ("search-health", "search_health")):
            page = writer.get(reverse(f"desk:{screen}")).content.decode()
            assert writer.get(links(page, reverse("desk:report", args=[name]))[0]).status_code == 200
        assert writer.get(reverse("desk:rows-csv", args=["journeys"])).status_code == 403
        assert writer.get(reverse("desk:rows-csv", args=["searches"])).status_code == 200
        listed = writer.get(reverse("desk:reports")).content.decode()
        assert "/api/v1/reports/articles" in listed
        assert "/api/v1/reports/journeys" not in listed
        everything = signed_in("admin").get(reverse("desk:reports")).content.decode()
        assert all(f"/api/v1/reports/{name}" in everything for name in REPORTS)


class TestEdits:
    def test_of_one_article_all_are_told_and_of_many_the_newest(self, signed_in, monkeypatch):
        monkeypatch.setattr(article_edits, "MOST", 2)
        monkeypatch.setattr(article_tables, "MOST_ARTICLES", 1)
        older, newer = history.article("Older"), history.article("Newer")
        for day in (3, 4, 5):
            publish(older, day=day, number=day)
        publish(newer, day=9, number=2)
        read_by(older, 3, contacts=1, day=2)
        settling.settle()
        asker = signed_in("writer")
        every = asker.get(reverse("desk:report", args=["article_edits"]), DAYS).content.decode()
        assert "Of the 1 articles that were changed last; 1 more were changed" in every
        (table,) = links(every, "/desk/reports/article_edits/edits.csv")
        assert {row["title"] for row in read(asker.get(table))} == {"Text 2"}
        page = asker.get(reverse("desk:article-scorecard", args=[older.pk]), {**DAYS, "locale": "en"}).content.decode()
        assert "The newest 2 changes of these days; 1 older one is left out here." in page
        (files,) = links(page, reverse("desk:report", args=["article_edits"]))
        assert f"article={older.pk}" in files
        (table,) = links(asker.get(files).content.decode(), "/desk/reports/article_edits/edits.csv")
        rows = read(asker.get(table))
        assert [row["text"] for row in rows][::3] == ["5", "4", "3"]

    def test_what_of_one_article_is_left_out_is_said(self, monkeypatch):
        monkeypatch.setattr(article_tables, "MOST_OF_ONE", 1)
        article = history.article("Late")
        for day in (3, 4):
            publish(article, day=day, number=day)
        (table,) = REPORTS["article_edits"].tables(periods.read(DAYS, now=NOW)[0], NOW, {"article": str(article.pk)})
        assert "the newest 1 edits; 1 older edits" in table.note
        assert {row[4] for row in table.rows} == {4}


class TestRows:
    def test_the_file_has_every_row_of_the_list_as_it_is_narrowed(self, three_journeys, signed_in, monkeypatch):
        monkeypatch.setattr(row_pages, "AT_ONCE", 1)
        asker = signed_in()
        for asked, number in (({}, 3), ({"topic": "delivery"}, 2), ({"read": three_journeys.pk}, 2)):
            page = asker.get(reverse("desk:journeys"), {**DAYS, **asked}).content.decode()
            (address,) = links(page, "/desk/rows/journeys.csv")
            assert len(read(asker.get(address))) == number
        entry = AuditEntry.objects.filter(action="rows.exported").latest("pk")
        assert (entry.label, entry.detail["filters"]["read"]) == ("journeys", str(three_journeys.pk))
        newest, _then, first = read(asker.get("/desk/rows/journeys.csv", DAYS))
        assert (first["outcome"], first["title"]) == ("contacted", "Where is my parcel")
        assert newest["began_at"] > first["began_at"]
        for wrong in ({"locale": "de"}, {"outcome": "great"}, {"from": "soon"}):
            assert asker.get("/desk/rows/journeys.csv", wrong).status_code == 400, wrong

    def test_each_list_has_its_file_and_its_page_links_it(self, three_journeys, signed_in):
        history.searched(ANNA, "parcel", at(days=3))
        history.form(ANNA, at(days=3))
        Vote.objects.create(revision=three_journeys.live_revision, visitor=BEN, is_helpful=True, at=at(days=4))
        asker = signed_in()
        for name, screen, given, asked in (
            ("views", "article-views", (), {"article": str(three_journeys.pk)}),
            ("views", "article-views", (), {"text": str(three_journeys.live_revision_id)}),
            ("guard_rail", "guard-rail", (Rail.OPENED,), {"which": "hits"}),
            ("repeated", "repeated-contacts", (), {"again": ""}),
            ("article_rows", "article-rows", (three_journeys.pk, "votes"), {"said": "yes"}),
        ):
            page = asker.get(reverse(f"desk:{screen}", args=given), {**DAYS, **asked}).content.decode()
            (address,) = links(page, f"/desk/rows/{name}.csv")
            rows = read(asker.get(address))
            assert len(rows) == int(re.search(r"<h1>\D*(\d+)", page)[1]) > 0, name

    def test_each_list_can_be_had_of_a_shop_without_anything(self, signed_in):
        of_one = {
            "guard_rail": {"rail": "no_votes"},
            "article_rows": {"article": "1", "of": "openings"},
            "exposures": {"variant": experiment().variants.get(key="b").pk},
        }
        for name, each in LISTS.items():
            response = signed_in("admin").get(reverse("desk:rows-csv", args=[name]), of_one.get(name, {}))
            header, *rows = b"".join(response).decode("utf-8-sig").splitlines()
            assert (header.split(","), rows) == ([column.key for column in each.columns], []), name
        assert signed_in("admin").get("/desk/rows/none.csv").status_code == 404
        assert signed_in("admin").get("/desk/rows/exposures.csv", {"variant": 987654321}).status_code == 404
        nothing = {"rail": "satisfaction"}
        assert signed_in("admin").get("/desk/rows/guard_rail.csv", nothing).status_code == 404

    def test_no_file_of_contacts_has_what_they_wrote(self, three_journeys, signed_in):
        (row,) = read(signed_in().get("/desk/rows/repeated.csv", DAYS))
        assert "Where is it?" not in urlencode(row)
        assert set(row) == {"received_at", "contact", "source", "locale"}
