"""The send ledger on the desk: its filters, its links, its export, and who may see it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client

from core import clock
from core.models import AuditEntry
from core.roles import ANALYST, OPS, WRITER
from notifications import dispatch, episodes, ledger
from notifications.models import Message, Rule, Skip
from notifications.views import desk_ledger
from tests.config import staff
from tests.notifications import shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon(settings, db):
    settings.MAIL_PROVIDER = "console"
    shop.rules(holdout_share=0.0)
    with clock.frozen(NOW):
        yield


@pytest.fixture
def ops() -> Client:
    client = Client()
    client.force_login(staff.make("otto", OPS))
    return client


@pytest.fixture
def told() -> dict[str, Message | Skip]:
    """Ada's went out, Bo has no address, Cy's waits since yesterday's end."""
    shop.parcel("FH-1", name="Ada")
    shop.parcel("FH-2", name="Bo", email="")
    episodes.sweep(now=NOW)
    dispatch.drain(dispatch.LANES)
    shop.parcel("FH-3", name="Cy", deliver_by=NOW + timedelta(hours=1))
    episodes.sweep(now=NOW + DAY)
    rows = [*Message.objects.all(), *Skip.objects.all()]
    return {row.episode.shipment.order.number: row for row in rows}


def numbers(client: Client, **query: str) -> list[str]:
    answer = client.get("/desk/ledger/", query)
    assert answer.status_code == 200, answer.context["wrong"]
    return [row.thing.episode.shipment.order.number for row, _why in answer.context["rows"]]


@pytest.mark.usefixtures("told")
def test_each_filter_narrows_and_they_narrow_together(ops: Client) -> None:
    assert numbers(ops) == ["FH-3", "FH-1", "FH-2"]
    assert numbers(ops, outcome="accepted") == numbers(ops, outcome="sent") == ["FH-1"]
    assert numbers(ops, outcome="waiting") == ["FH-3"]
    assert numbers(ops, reason="skipped.no_address") == ["FH-2"]
    assert numbers(ops, find="fh 1") == numbers(ops, find=" ADA@example.com ") == ["FH-1"]
    assert numbers(ops, find=shop.person_of("Cy")[:8]) == ["FH-3"]
    assert numbers(ops, find="nobody@example.com") == numbers(ops, find="FH-9") == []
    assert numbers(ops, since="2026-03-06") == ["FH-3"]
    assert numbers(ops, until="2026-03-05") == ["FH-1", "FH-2"]
    assert numbers(ops, rule="promise-passed") == ["FH-3", "FH-1", "FH-2"]
    assert numbers(ops, rule="not-handed-over") == numbers(ops, lane="urgent") == []
    assert numbers(ops, rule="promise-passed", outcome="skipped", lane="normal", find="FH-2") == ["FH-2"]


@pytest.mark.usefixtures("told")
def test_what_makes_no_sense_is_said_and_the_rest_still_narrows(ops: Client) -> None:
    answer = ops.get("/desk/ledger/?rule=nobodys&since=yesterday&outcome=waiting")
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "“nobodys”: there is no such rule" in page
    assert "“yesterday”: write a day like 2026-03-05" in page
    assert [row.thing.episode.shipment.order.number for row, _why in answer.context["rows"]] == ["FH-3"]
    swapped = ops.get("/desk/ledger/?since=2026-03-09&until=2026-03-01&find=FH-1")
    assert "is after the last day" in swapped.content.decode()
    assert len(swapped.context["rows"]) == 1
    other = ops.get("/desk/ledger/?outcome=stale&reason=skipped.no_address")
    assert "is a reason of “Skipped at planning”" in other.content.decode()
    assert ops.get("/desk/ledger/export.csv?since=2999-99-99").status_code == 400
    assert ops.get("/desk/ledger/?after=mnonsense").status_code == 200
    assert ops.get("/desk/ledger/?after=s99&find=\x00").status_code in (200, 400)


@pytest.mark.usefixtures("told")
def test_totals_name_their_denominator(ops: Client) -> None:
    page = ops.get("/desk/ledger/?outcome=skipped")
    shown = {chip["text"]: (chip["count"], chip["share"]) for chip in page.context["chips"]}
    assert shown == {
        "Eligible": (3, ""), "Sent": (1, "33.3 %"), "Taken by the mail provider": (1, "33.3 %"),
        "Waiting": (1, "33.3 %"), "Skipped at planning": (1, "33.3 %"),
    }  # fmt: skip
    assert "Shares are of the 3 eligible" in page.content.decode()
    assert [(chip["count"], chip["of"]) for chip in page.context["reasons"]] == [(1, 1)]
    assert (desk_ledger.share(1, 100_000), desk_ledger.share(99_999, 100_000)) == ("0.1 %", "99.9 %")


@pytest.mark.usefixtures("told")
def test_a_page_ends_and_the_next_goes_on_from_there(ops: Client, monkeypatch) -> None:
    monkeypatch.setattr(desk_ledger, "PAGE", 2)
    first = ops.get("/desk/ledger/?rule=promise-passed")
    older = first.context["older"]
    assert f"?rule=promise-passed&amp;after={older}" in first.content.decode()
    second = ops.get("/desk/ledger/", {"rule": "promise-passed", "after": older})
    assert [row.thing.episode.shipment.order.number for row, _why in second.context["rows"]] == ["FH-2"]
    assert second.context["older"] == ""


def test_an_empty_shop_and_a_filter_that_finds_nothing_say_what_to_do(ops: Client) -> None:
    assert "Nothing in the ledger yet" in ops.get("/desk/ledger/").content.decode()
    shop.parcel()
    episodes.sweep(now=NOW)
    page = ops.get("/desk/ledger/?outcome=failed").content.decode()
    assert "No row fits" in page
    assert "Clear the filters" in page


def test_the_pages_lead_to_each_other(ops: Client, told) -> None:
    message, skip = told["FH-1"], told["FH-2"]
    page = ops.get("/desk/ledger/").content.decode()
    for where in (f"/desk/messages/{message.pk}/", f"/desk/ledger/not-made/{skip.pk}/", "/desk/sending/"):
        assert f'href="{where}"' in page
    order = message.episode.shipment.order
    assert f'href="/desk/orders/{order.pk}/#episodes-h"' in page
    assert 'href="/desk/ledger/?find=FH-1"' in ops.get(f"/desk/orders/{order.pk}/").content.decode()
    assert 'href="/desk/ledger/"' in ops.get("/desk/sending/").content.decode()
    of_message = ops.get(f"/desk/messages/{message.pk}/").content.decode()
    assert "Attempt 1: handed to console" in of_message
    assert 'href="/desk/ledger/?find=FH-1"' in of_message
    of_skip = ops.get(f"/desk/ledger/not-made/{skip.pk}/").content.decode()
    assert "No message was made: the source gave no e-mail address." in of_skip
    skipped_order = skip.episode.shipment.order
    assert f'href="/desk/ledger/not-made/{skip.pk}/"' in ops.get(f"/desk/orders/{skipped_order.pk}/").content.decode()


@pytest.mark.usefixtures("told")
def test_an_analyst_sees_no_names_and_finds_nobody_by_address() -> None:
    client = Client()
    client.force_login(staff.make("ann", ANALYST))
    page = client.get("/desk/ledger/").content.decode()
    assert "Ada" not in page
    assert shop.person_of("Ada")[:8] in page
    by_address = client.get("/desk/ledger/?find=ada@example.com")
    assert by_address.context["rows"] == []
    assert "by ops and administrators only" in by_address.content.decode()
    client.force_login(staff.make("wanda", WRITER))
    for path in ("", "export.csv", "not-made/1/"):
        assert client.get(f"/desk/ledger/{path}").status_code == 403


def test_the_export_has_what_is_filtered_without_names_and_without_formulas(ops: Client, told) -> None:
    Message.objects.filter(pk=told["FH-1"].pk).update(state="failed", state_reason='=HYPERLINK("x")')
    Rule.objects.filter(key="promise-passed").update(name="=1+1")
    answer = ops.get("/desk/ledger/export.csv?outcome=failed&find=ada@example.com")
    text = answer.getvalue().decode()
    assert answer.streaming
    assert text.startswith("\ufeffplanned_at,order,")
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (row["order"], row["outcome"], row["attempts"]) == ("FH-1", "failed", "1")
    assert row["reason"] == row["reason_in_words"] == '\'=HYPERLINK("x")'
    assert "Ada" not in text
    assert "@" not in text
    entry = AuditEntry.objects.get(action="ledger.exported")
    assert entry.detail["filters"] == {"outcome": "failed", "find": "an address"}
    everything = ops.get("/desk/ledger/export.csv").getvalue().decode()
    assert len(everything.splitlines()) == 4


@pytest.mark.usefixtures("told")
def test_the_queries_do_not_grow_with_the_rows(ops: Client, django_assert_max_num_queries, monkeypatch) -> None:
    monkeypatch.setattr(ledger, "_AT_A_TIME", 2)
    for number in range(4, 24):
        shop.parcel(f"FH-{number}", name=f"name{number}", email="" if number % 3 else None)
    episodes.sweep(now=NOW)
    for query in ("", "?outcome=sent", "?outcome=waiting&reason=waiting.other", "?find=FH-1&rule=promise-passed"):
        with django_assert_max_num_queries(16):
            ops.get(f"/desk/ledger/{query}")
    assert len(ops.get("/desk/ledger/export.csv").getvalue().decode().splitlines()) == 24


@pytest.mark.usefixtures("told")
def test_the_report_command_says_the_same_as_the_page(capsys) -> None:
    call_command("report", "ledger", "--json", "--from", "2026-03-05", "--to", "2026-03-05")
    totals, outcomes, reasons = (table["rows"] for table in json.loads(capsys.readouterr().out)["tables"])
    assert (totals[0]["eligible"], totals[0]["sent"]["hits"]) == (2, 1)
    assert sum(row["messages"]["hits"] for row in outcomes) == 2
    assert [(row["outcome"], row["reason"], row["messages"]["hits"]) for row in reasons] == [
        ("skipped", "no_address", 1)
    ]
    call_command("report", "ledger", "--from", "2026-03-05", "--to", "2026-03-06")
    assert "3 eligible, 1 sent" in capsys.readouterr().out
