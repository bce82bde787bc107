"""A report's tables as CSV, by the API and on the command line: the same numbers, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from analytics.reports import printing
from analytics.reports.journeys import Guarded
from analytics.reports.registry import REPORTS
from analytics.reports.tables import Column, Report, Table
from analytics.stats.proportions import Rate
from core import roles
from tests.analytics.test_experiments_api import ask

TABLE = Table(
    name="plain",
    title="Plain",
    columns=(Column("name", "Name"), Column("car", "Contact after read"), Column("yes", "Yes"), Column("net", "Net")),
    rows=[
        ("=cmd()", Guarded(Rate(6, 60), Rate(60, 80)), Rate(1, 4), -3),
        ("Parcel, late", Guarded(Rate(1, 12), Rate(12, 80)), Rate(0, 0), None),
    ],
    note="Of all.",
)


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def a_report(monkeypatch):
    asked = []

    def tables(period, now):
        asked.append((period, now))
        return [TABLE]

    monkeypatch.setitem(REPORTS, "plain", Report("plain", "Plain numbers", "home", tables, "Confirmed"))
    return asked


def test_a_rate_has_its_denominator_and_interval_in_columns_and_one_withheld_says_why():
    first, second = read("".join(printing.as_csv(TABLE)))
    assert (first["car_hits"], first["car_of"], first["car_share"], first["car_withheld"]) == ("6", "60", "0.1", "")
    assert float(first["car_low"]) < 0.1 < float(first["car_high"])
    assert (second["car_hits"], second["car_share"]) == ("", "")
    assert "12 of 80" in second["car_withheld"]
    assert (second["yes_of"], second["yes_share"], second["yes_low"]) == ("0", "", "")


def test_a_text_that_a_spreadsheet_would_calculate_gets_an_apostrophe_and_a_number_does_not():
    first, second = read("".join(printing.as_csv(TABLE)))
    assert (first["name"], first["net"]) == ("'=cmd()", "-3")
    assert (second["name"], second["net"]) == ("Parcel, late", "")


def test_text_stands_in_columns_and_says_what_is_of_what():
    lines = printing.as_text(TABLE).splitlines()
    assert lines[:2] == ["Plain", "Of all."]
    assert "10.0 % (6 of 60; " in lines[3]
    assert "Withheld" in lines[4]
    assert "– (0 of 0)" in lines[4]


def test_the_file_is_of_the_period_and_of_no_other(a_report, signed_in, db):
    client = signed_in(roles.ANALYST)
    address = reverse("desk:report-csv", args=["plain", "plain"])
    response = client.get(f"{address}?from=2026-03-01&to=2026-03-07&window=14")
    text = b"".join(response).decode("utf-8-sig")
    assert "plain-plain-2026-03-01-2026-03-07.csv" in response["Content-Disposition"]
    assert read(text)[1]["name"] == "Parcel, late"
    assert (a_report[0][0].days, a_report[0][0].window) == (7, 14)
    assert client.get(f"{address}?from=soon").status_code == 400
    for name, table in (("plain", "none"), ("none", "plain")):
        assert client.get(reverse("desk:report-csv", args=[name, table])).status_code == 404


def test_the_page_of_files_leads_to_each_table_and_to_the_api(a_report, signed_in, db):
    client = signed_in(roles.OPS)
    page = client.get(reverse("desk:report", args=["plain"]) + "?from=2026-03-01&to=2026-03-07").content.decode()
    assert "/desk/reports/plain/plain.csv?from=2026-03-01&amp;to=2026-03-07&amp;window=7" in page
    assert "/api/v1/reports/plain?from=2026-03-01&amp;to=2026-03-07" in page
    assert "2 rows" in page
    assert client.get(reverse("desk:report", args=["none"])).status_code == 404


def test_the_api_tells_the_same_with_keys_and_refuses_what_it_does_not_understand(client, a_report, db):
    listed = next(one for one in ask(client, "reports").json()["reports"] if one["name"] == "plain")
    assert (listed["title"], listed["definition"], listed["takes"]) == ("Plain numbers", "Confirmed", ["window"])
    data = ask(client, "reports/plain?from=2026-03-01&to=2026-03-07").json()
    assert data["period"] == {"from": "2026-03-01", "to": "2026-03-07", "window": "7"}
    first, second = data["tables"][0]["rows"]
    assert first["car"] | {"low": 0, "high": 0} == {
        "hits": 6, "of": 60, "share": 0.1, "low": 0, "high": 0, "coverage": {"hits": 60, "of": 80},
    }  # fmt: skip
    assert set(second["car"]) == {"withheld", "coverage"}
    assert second["net"] is None
    for query, parameter in (
        ("from=soon", "from"), ("from=2026-03-09&to=2026-03-01", "from"), ("window=8", "window"),
        ("days=0", "days"), ("compare=never", "compare"), ("compare=year", "compare"), ("locale=de", "locale"),
        ("source=form", "source"), ("topic=delivery", "topic"),
    ):  # fmt: skip
        refused = ask(client, f"reports/plain?{query}")
        assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json"), query
        assert refused.json()["errors"][0]["parameter"] == parameter
    assert ask(client, "reports/none").status_code == 404


@pytest.mark.django_db
def test_every_report_can_be_had_of_a_shop_without_anything(client, signed_in):
    client = signed_in(roles.ADMIN)
    of_one = {"article": {"article": "1"}, "search_query": {"key": "parcel", "lang": "en"}}
    for name in REPORTS:
        asked = of_one.get(name, {})
        told = ask(client, f"reports/{name}?{urlencode(asked)}").json()
        for table in told["tables"]:
            response = client.get(reverse("desk:report-csv", args=[name, table["name"]]), asked)
            assert response.status_code == 200, (name, table["name"])
            assert len(b"".join(response).splitlines()) == len(table["rows"]) + 1
        sets = [f"--set={word}={value}" for word, value in asked.items()]
        call_command("report", name, "--text", *sets, stdout=io.StringIO())
        printed = io.StringIO()
        call_command("report", name, "--json", *sets, stdout=printed)
        assert _without_moments(json.loads(printed.getvalue())) == _without_moments(told), name


def _without_moments(told: dict) -> dict:
    """What two answers one after the other have alike."""
    return {word: value for word, value in told.items() if word != "tables"} | {
        "tables": [(table["name"], table["columns"], len(table["rows"])) for table in told["tables"]]
    }


@pytest.mark.django_db
def test_the_command_lists_the_reports_and_prints_each_way(a_report, capsys):
    call_command("report")
    assert "Plain numbers." in capsys.readouterr().out
    call_command("report", "plain", "--csv", "--days", "7")
    assert read(capsys.readouterr().out)[0]["car_of"] == "60"
    assert a_report[0][0].days == 7
    call_command("report", "plain", "--json")
    assert json.loads(capsys.readouterr().out)["tables"][0]["rows"][0]["net"] == -3
    call_command("report", "plain")
    assert "10.0 % (6 of 60; " in capsys.readouterr().out
    for wrong in (
        ("none",), ("plain", "--table", "none"), ("plain", "--locale", "de"), ("plain", "--set", "topic=delivery"),
        ("plain", "--set", "topic"),
    ):  # fmt: skip
        with pytest.raises(CommandError):
            call_command("report", *wrong)


def test_moments_and_yes_and_no_are_told_so_that_programs_read_them():
    at = datetime(2026, 3, 2, 10, tzinfo=UTC)
    table = Table("t", "T", (Column("at", "At"), Column("is", "Is")), [(at, True)])
    assert read("".join(printing.as_csv(table))) == [{"at": "2026-03-02T10:00:00+00:00", "is": "true"}]
    assert printing.as_data(table)["rows"] == [{"at": "2026-03-02T10:00:00+00:00", "is": True}]
