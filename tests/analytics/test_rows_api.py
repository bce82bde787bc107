"""The rows behind numbers, by pages: for programs with a key, and on the command line."""

from __future__ import annotations

import csv
import io
import json
import uuid
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from analytics import api_rows, rollups, settling
from analytics.models import RollupKind
from analytics.reports import guard_rail_rows, printing, row_cursors, row_pages, search_rows
from analytics.reports.guard_rails import Rail
from analytics.reports.row_lists import LISTS
from core import clock, keys
from core.models import AuditEntry, Scope
from kb.models import SearchLog, Vote
from tests.analytics import history, rich
from tests.analytics.conftest import NOW
from tests.analytics.experiments import experiment
from tests.analytics.history import ANNA, BEN, CARA, at
from tests.analytics.test_experiments_api import ask
from tests.kb.test_api import conforms

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]
DAYS = "from=2026-03-02&to=2026-03-29"


@pytest.fixture
def get(client):
    """Asks with one key for all pages."""
    key = keys.create(name="warehouse", scopes=[Scope.RESULTS_READ], by=None)[1]
    return lambda path: client.get(path, headers={"authorization": f"Bearer {key}"})


@pytest.fixture
def journeys():
    """Three readers: the oldest is Anna's, who wrote."""
    parcel = history.article("Where is my parcel")
    for who, day in ((ANNA, 3), (BEN, 4), (CARA, 5)):
        history.read(who, parcel, at(days=day))
    history.contact(at(60, days=3), visitor=ANNA, person="anna", why=history.reason("delivery"))
    settling.settle()
    return parcel


def rows(name: str, query: str = DAYS) -> str:
    return f"/api/v1/rows/{name}?{query}"


def walked(get, address: str | None, between=lambda: None) -> list[dict]:
    found = []
    while address:
        page = get(address)
        assert page.status_code == 200, page.content
        found += page.json()["rows"]
        address = page.json()["next"]
        between()
    return found


def as_file(cell: object) -> str:
    """A cell of the API as the file writes it."""
    text = printing._harmless(cell)
    return "" if text is None else str(text)


def problem(response, parameter: str) -> str:
    assert response.status_code == 400, response.content
    (error,) = response.json()["errors"]
    assert error["parameter"] == parameter
    return error["problem"]


class TestContents:
    def test_all_pages_of_each_list_are_the_rows_of_its_file_in_their_order(self, get, signed_in, monkeypatch):
        article = rich.tell()
        Vote.objects.create(revision=article.live_revision, visitor=BEN, is_helpful=True, at=at(days=4))
        monkeypatch.setattr(row_pages, "_STRETCH", timedelta(minutes=1))
        asker, some = signed_in("admin"), set()
        kinds = [f"rail={rail}&which={which}" for rail in Rail for which, _title in guard_rail_rows.choices(rail)]
        asked = {
            "guard_rail": kinds,
            "article_rows": [f"article={article.pk}&of=votes", f"article={article.pk}&of=openings"],
            "messages": ["", "compared=yes"],
            "searches": ["", "what=without_answer", "what=contacted"],
            "repeated": ["", "again=yes"],
            "exposures": [f"variant={experiment(article).variants.get(key='b').pk}"],
        }
        for name in LISTS:
            for narrowed in asked.get(name, [""]):
                query = f"{DAYS}&{narrowed}".rstrip("&")
                file = asker.get(f"/desk/rows/{name}.csv?{query}")
                lines = list(csv.DictReader(io.StringIO(b"".join(file).decode("utf-8-sig"))))
                for limit in (1, 3, 1000):
                    found = walked(get, rows(name, f"{query}&limit={limit}"))
                    assert [{key: as_file(cell) for key, cell in row.items()} for row in found] == lines, (name, query)
                some |= {name} if len(lines) > 1 else set()
        assert some >= {"journeys", "views", "guard_rail", "openings", "messages", "searches", "article_rows"}, some

    def test_a_page_says_what_it_is_of_and_cuts_ids(self, get, journeys):
        page = get(rows("views", f"{DAYS}&article={journeys.pk}&limit=2"))
        conforms(page, "RowsShape")
        data = page.json()
        assert (data["period"], data["narrowed"]) == (
            {"from": "2026-03-02", "to": "2026-03-29"},
            {"article": [str(journeys.pk)]},
        )
        assert [column["key"] for column in data["columns"]] == list(data["rows"][0])
        assert [row["visitor"] for row in data["rows"]] == [str(CARA)[:8], str(BEN)[:8]]
        last = get(data["next"]).json()
        assert ([row["visitor"] for row in last["rows"]], last["next"], last["cursor"]) == ([str(ANNA)[:8]], None, None)

    def test_no_page_of_contacts_has_what_they_wrote(self, get, journeys):
        answer = get(rows("repeated"))
        assert answer.json()["rows"]
        assert "Where is it?" not in answer.content.decode()

    def test_the_index_names_every_list_with_its_words_and_columns(self, get):
        index = get("/api/v1/rows")
        conforms(index, "ListsShape")
        listed = {one["name"]: one for one in index.json()["lists"]}
        assert listed.keys() == LISTS.keys()
        assert listed["article_rows"]["needs"] == ["article", "of"]
        assert listed["journeys"]["takes"][:1] == ["window"]
        assert listed["views"]["columns"][0] == {"key": "at", "title": "When"}

    def test_no_list_has_a_word_that_a_page_has(self):
        for name, each in LISTS.items():
            assert not {*each.words.all} & {*row_cursors.PARAMETERS}, name


class TestPages:
    def test_rows_that_come_meanwhile_move_none(self, get, journeys):
        before = walked(get, rows("views"))
        numbers = iter(range(1, 9))

        def newer():
            number = next(numbers)
            history.read(rich.visitor(number), journeys, at(number, days=20))

        assert walked(get, rows("views", f"{DAYS}&limit=1"), newer) == before
        assert len(walked(get, rows("views"))) > len(before)

    def test_rows_of_one_moment_are_told_once_each(self, get, journeys):
        for number in range(1, 6):
            history.read(uuid.UUID(int=number << 120), journeys, at(days=6))
        found = walked(get, rows("views", f"{DAYS}&limit=2"))
        assert len({row["visitor"] + row["at"] for row in found}) == len(found) == 8

    def test_a_page_reads_its_rows_and_not_the_list(self, get, journeys, monkeypatch):
        told = []
        page = row_pages.Stored.page

        def counted(self, most, after=None):
            tell = self._tell
            self._tell = lambda part: told.append(len(part)) or tell(part)
            return page(self, most, after)

        monkeypatch.setattr(row_pages.Stored, "page", counted)
        get(rows("journeys", f"{DAYS}&limit=2"))
        assert told == [2]

    def test_a_short_page_of_searches_leads_on(self, get, monkeypatch):
        monkeypatch.setattr(search_rows, "LOOKED_AT", 1)
        monkeypatch.setattr(search_rows, "_AT_MOST", 1)
        for minute, query, total in ((1, "lost", 0), (2, "found", 3)):
            SearchLog.objects.create(
                at=at(minute), visitor=str(ANNA), kind="page", text=query, key=query, total=total, locale="en",
                engine="x", took_ms=1,
            )  # fmt: skip
        rollups.mark(RollupKind.SEARCHES, [at().date()])
        rollups.make_due(windows=[7])
        first = get(rows("searches", f"{DAYS}&what=without_answer")).json()
        assert (first["rows"], first["next"] is not None) == ([], True)
        assert [row["typed"] for row in walked(get, first["next"])] == ["lost"]

    def test_days_that_were_not_named_are_those_of_the_first_page_also_tomorrow(self, get, journeys):
        first = get(rows("journeys", "limit=1")).json()
        with clock.frozen(NOW + timedelta(days=1)):
            second = get(rows("journeys", f"limit=1&cursor={first['cursor']}")).json()
            assert second["period"] == first["period"]
            assert second["rows"] != first["rows"]


class TestBadInput:
    def test_each_is_refused_with_what_to_do(self, get, journeys):
        for limit in ("0", "abc", "1000000000", "-1", "1.5", "9" * 2000):
            assert "from 1 to 1000" in problem(get(rows("journeys", f"{DAYS}&limit={limit}")), "limit"), limit
        assert "It understands" in problem(get(rows("journeys", f"{DAYS}&locale=de")), "locale")
        assert "It understands" in problem(get(rows("views", f"{DAYS}&compare=year")), "compare")
        for wrong in ("outcome=great", "article=x", "topic=%00", "from=soon", "window=5", "days=0"):
            assert get(rows("journeys", wrong)).status_code == 400, wrong
        assert "Say which" in problem(get(rows("article_rows", "of=votes")), "article")
        for missing in ("/api/v1/rows/none", rows("guard_rail", "rail=satisfaction")):
            assert get(missing).status_code == 404
        assert not AuditEntry.objects.filter(action="rows.exported").exists(), "nobody got a row"

    def test_a_cursor_is_good_for_its_list_as_it_was_narrowed_alone(self, get, client, journeys):
        cursor = get(rows("journeys", f"{DAYS}&limit=1")).json()["cursor"]
        begin, rest = cursor[:10], cursor[11:]
        forged = begin + ("A" if cursor[10] != "A" else "B") + rest
        for wrong in (forged, "x", "::", "é", cursor[:-3]):
            assert "no cursor of ours" in problem(get(rows("journeys", f"{DAYS}&cursor={quote(wrong)}")), "cursor")
        assert "list “journeys”" in problem(get(rows("views", f"{DAYS}&cursor={cursor}")), "cursor")
        for other in (f"{DAYS}&topic=delivery", "from=2026-03-03&to=2026-03-29", f"{DAYS}&window=14"):
            assert "another narrowing" in problem(get(rows("journeys", f"{other}&cursor={cursor}")), "cursor"), other
        assert "another key" in problem(ask(client, f"rows/journeys?{DAYS}&cursor={cursor}"), "cursor")
        assert get(rows("journeys", f"{DAYS}&cursor={cursor}&limit=50")).status_code == 200, "a page may be larger"

    def test_a_cursor_is_good_for_a_week(self, get, journeys, monkeypatch):
        cursor = get(rows("journeys", f"{DAYS}&limit=1")).json()["cursor"]
        monkeypatch.setattr(row_cursors, "GOOD_FOR", timedelta(seconds=-1))
        assert "begin anew" in problem(get(rows("journeys", f"{DAYS}&cursor={cursor}")), "cursor")


class TestWhoMay:
    def test_only_a_key_of_the_scope(self, client, journeys):
        for path in ("rows", "rows/journeys"):
            assert client.get(f"/api/v1/{path}").status_code == 403
            assert client.get(f"/api/v1/{path}", headers={"authorization": "Bearer pk_none"}).status_code == 401
            assert ask(client, path, scope=Scope.SEARCH_READ).status_code == 403
            assert ask(client, path).status_code == 200
            assert client.post(f"/api/v1/{path}").status_code in (403, 405)

    def test_the_audit_log_has_who_took_which_list_once_and_no_query(self, get, journeys):
        history.searched(ANNA, "my secret", at(days=3))
        walked(get, rows("journeys", f"{DAYS}&topic=delivery&limit=1"))
        (entry,) = AuditEntry.objects.filter(action="rows.exported")
        assert (entry.label, entry.detail["filters"]["topic"], entry.by) == ("journeys", "delivery", None)
        assert entry.detail["key"].startswith("warehouse (pk_")
        get(rows("searches", f"{DAYS}&key=my+secret&lang=en"))
        assert "secret" not in json.dumps(AuditEntry.objects.filter(action="rows.exported").latest("pk").detail)


class TestCommand:
    def test_it_prints_what_the_api_answers(self, get, journeys, capsys):
        given = ("--rows=journeys", "--from=2026-03-02", "--to=2026-03-29", "--set=topic=delivery", "--limit=2")
        call_command("report", *given, "--json")
        mine, theirs = (
            json.loads(capsys.readouterr().out),
            get(rows("journeys", f"{DAYS}&topic=delivery&limit=2")).json(),
        )
        assert len(mine["rows"]) == 2
        own = {"cursor", "next"}
        assert {key: mine[key] for key in mine.keys() - own} == {key: theirs[key] for key in theirs.keys() - own}
        call_command("report", *given, "--json", f"--cursor={mine['cursor']}")
        assert len(json.loads(capsys.readouterr().out)["rows"]) == 1
        call_command("report", *given)
        assert "The next ones: --cursor" in capsys.readouterr().out
        assert AuditEntry.objects.filter(action="rows.exported", detail__key="manage.py report").count() == 2

    def test_csv_has_all_rows(self, journeys, capsys, signed_in):
        call_command("report", "--rows=journeys", "--from=2026-03-02", "--to=2026-03-29", "--csv")
        file = b"".join(signed_in().get(f"/desk/rows/journeys.csv?{DAYS}")).decode("utf-8-sig")
        assert capsys.readouterr().out.splitlines() == file.splitlines()

    def test_what_makes_no_sense_is_refused(self, journeys):
        for given, why in (
            (("--rows=none",), "There are: article_rows"),
            (("--rows=journeys", "--limit=0"), "from 1 to 1000"),
            (("--rows=journeys", "--set=locale=de"), "It understands"),
            (("--rows=journeys", "--cursor=x"), "no cursor of ours"),
            (("--rows=journeys", "--csv", "--limit=5"), "--csv has all rows"),
            (("journeys", "--rows=journeys"), "no report"),
            (("journeys", "--limit=5"), "are of --rows"),
            (("--rows=guard_rail", "--set=rail=satisfaction"), "no such rows"),
        ):
            with pytest.raises(CommandError, match=why):
                call_command("report", *given)


def test_the_screens_and_the_list_of_reports_tell_the_address(get, signed_in, journeys):
    asker = signed_in()
    page = asker.get(reverse("desk:journeys"), {"from": "2026-03-02", "to": "2026-03-29", "topic": "delivery"})
    assert (
        "/api/v1/rows/journeys?from=2026-03-02&amp;to=2026-03-29&amp;window=7&amp;topic=delivery"
        in page.content.decode()
    )
    assert len(get(rows("journeys", f"{DAYS}&window=7&topic=delivery")).json()["rows"]) == 3
    everything = asker.get(reverse("desk:reports")).content.decode()
    assert all(f"/api/v1/rows/{name}<" in everything for name in LISTS)
    assert api_rows.AT_MOST == 1000
