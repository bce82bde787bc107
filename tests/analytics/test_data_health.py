"""Data health: each trouble is a sentence with what to do, and a healthy shop says so."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta
from typing import ClassVar

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from analytics import left_out, partitions, periods, settling, spool
from analytics.models import Event, LeftOutDay, RollupDue, SettlingMark, SpoolMark
from analytics.reports import data_findings, data_health, data_health_compared, unlinkable
from analytics.stats.proportions import Rate
from core import clock
from notifications.models import SourceSilence
from tests.analytics import history
from tests.analytics.history import ANNA, BEN, CARA, at
from tests.analytics.test_dashboard import Links, rows_of
from tests.analytics.test_experiments_api import ask

pytestmark = pytest.mark.django_db
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def a_shop(db):
    """Settled a minute ago, with next week's table and one reader."""
    history.read(ANNA, history.article("Where is my parcel"), at())
    with clock.frozen(at(60)):
        settling.settle()
        partitions.look_after()
    Event.objects.update(txid=0)  # their transactions have ended; that of a test does not
    return at(61)


def health(now, **more: str) -> data_health.Health:
    return data_health.build(periods.read(more, now=now)[0], now=now)


def codes(found: data_health.Health) -> set[str]:
    return {finding.code for finding in data_findings.of(found)}


def test_a_healthy_shop_says_that_all_is_well(a_shop, signed_in):
    found = health(a_shop)
    assert data_findings.of(found) == []
    assert (found.days[-1].reads, found.coverage) == (1, Rate(1, 1))
    with clock.frozen(a_shop):
        page = signed_in().get(reverse("desk:data-health")).content.decode()
    assert "All is well." in page
    assert "1 of 1 journeys" in page


def test_without_a_worker_it_says_so_and_what_waits(a_shop):
    history.read(BEN, history.article("Gift cards"), at(65))
    found = health(at(60 + 31))
    assert (found.settling.waiting, codes(found)) == (1, {"settling_late"})
    assert codes(health(at(60 + 29))) == set()
    RollupDue.objects.create(kind="reads", day=date(2026, 3, 1))
    assert health(a_shop).settling.due == {"reads": 1}
    SettlingMark.objects.all().delete()
    assert "never_settled" in codes(health(a_shop))


def test_a_source_that_lags_holds_outcomes_back_until_it_counts_as_disconnected(a_shop):
    history.contact(at(), visitor=None, person="p1", why=None, source="email")
    for days, expected in ((2, set()), (4, {"lags_email"}), (29, {"lags_email"}), (31, {"disconnected_email"})):
        now = at(days=days)
        SettlingMark.objects.update(settled_at=now)
        with clock.frozen(now):
            partitions.look_after()
        found = health(now)
        assert codes(found) == expected, days
        row = {feed.source: feed for feed in found.feeds}["email"]
        assert (row.is_connected, row.holds_back) == (days < 30, days < 30)
        assert row.lately == (1 if days < 28 else 0)
        assert found.in_until == (at() if days < 30 else now)


def test_what_lies_on_the_disk_is_what_is_not_in_the_table(a_shop, tmp_path):
    held = spool.begin(tmp_path)
    held.append(b"x" * 500)
    SpoolMark.objects.create(file=held.file, offset=200)
    assert [size for size, _at in data_health.waiting_files(tmp_path)] == [300]
    SpoolMark.objects.update(offset=500)
    assert data_health.waiting_files(tmp_path) == []
    held.remove()
    waits = replace(health(a_shop).store, files=1, waiting_bytes=300, waits_since=a_shop - timedelta(minutes=11))
    assert codes(replace(health(a_shop), store=waits)) == {"spool_waits"}


def test_shares_are_told_where_there_are_enough_to_tell(a_shop):
    found = health(a_shop)
    many = replace(found, uncoded=Rate(7, 20), unknown=Rate(11, 20))
    assert codes(many) == {"uncoded", "without_person"}
    assert codes(replace(found, uncoded=Rate(6, 20), unknown=Rate(19, 19))) == set()
    days = [replace(found.days[0], begun=30, linkable=8)]
    assert codes(replace(found, days=days)) == {"coverage"}
    assert codes(replace(found, days=[replace(days[0], linkable=9)])) == set()
    assert "no_week" in codes(replace(found, store=replace(found.store, last_week=partitions.monday(a_shop))))


def test_a_silent_source_is_named(a_shop):
    SourceSilence.objects.create(source="shopify", since=at(), noticed_at=at())
    assert codes(health(a_shop)) == {"silent_shopify"}


def test_why_a_journey_is_unlinkable(a_shop, signed_in, monkeypatch):
    """A first visit; one that began at the form; one whose id is known, and not whose, while mails come, too."""
    gifts = history.article("Gift cards")
    history.read(BEN, gifts, at(), is_returning=False)
    history.read(BEN, gifts, at(2), is_returning=False)
    history.form_opened(CARA, at(), is_returning=False)
    history.contact(at(5), visitor=CARA, person="p2", why=None)
    dora, gone = uuid.UUID(int=9), uuid.UUID(int=10)
    history.read(dora, gifts, at(), is_returning=True)
    history.read(gone, gifts, at(), is_returning=False)
    history.contact(at(30), visitor=None, person="p3", why=None, source="email")
    with clock.frozen(at(60)):
        settling.settle()
    period = periods.read({}, now=a_shop)[0]
    found = unlinkable.why(period)
    # Anna's first visit is known by an id, and whose it is was never told.
    assert (found.looked_at, found.first_visit, found.began_at_form, found.nobody_known) == (5, 2, 1, 2)
    assert found.untold == 0
    client = signed_in()
    days = {"from": "2026-03-02", "to": "2026-03-03"}
    page = client.get(reverse("desk:data-health"), {**days, "compare": "none"})
    opened = [(href, number) for href, number in Links(page.content.decode()).numbers if "why=" in href]
    assert sorted(number for _href, number in opened) == [1, 2, 2]
    screen, file = reverse("desk:journeys"), reverse("desk:rows-csv", args=["journeys"])
    for href, number in opened:
        assert rows_of(client, href) == number, href
        taken = b"".join(client.get(href.replace(screen, file).replace("&compare=none", "")).streaming_content)
        assert taken.count(b"\n") == number + 1
    list_of = f"{reverse('desk:journeys')}?from=2026-03-02&to=2026-03-03&why="
    assert "A first visit: the browser" in client.get(f"{list_of}first_visit").content.decode()
    assert rows_of(client, f"{list_of}bad_luck") == 0

    monkeypatch.setattr(unlinkable, "SAMPLE", 3)
    assert sum(len(unlinkable.because(period, why)) for why in unlinkable.WHYS) == unlinkable.why(period).looked_at == 3


# --- Who is left out ---


def counted() -> dict[str, int]:
    return dict(LeftOutDay.objects.values_list("why", "pages"))


def test_pages_of_who_is_in_no_number_are_counted_by_why_and_nothing_else(signed_in):
    home = reverse("help:home")
    Client(headers={"user-agent": "Googlebot/2.1"}).get(home)
    Client(headers={"user-agent": "Googlebot/2.1"}).get(home)
    Client(headers={"user-agent": BROWSER, "sec-gpc": "1"}).get(home)
    Client(headers={"user-agent": BROWSER, "sec-purpose": "prefetch"}).get(home)
    Client(headers={"user-agent": BROWSER}).get(home)
    staff = signed_in("writer")
    staff.get(home, headers={"user-agent": BROWSER})
    staff.get(home, headers={"user-agent": BROWSER})
    assert counted() == {"bot": 2, "no_consent": 1, "prefetch": 1, "staff": 2}
    Client(headers={"user-agent": "Googlebot/2.1"}).get("/healthz")
    Client(headers={"user-agent": "Googlebot/2.1"}).get("/en/a/none/")
    assert counted()["bot"] == 2


def test_a_web_server_writes_them_together_and_keeps_them_while_the_database_is_away(monkeypatch):
    monkeypatch.setattr(left_out, "_is_gathering", True)
    monkeypatch.setattr(left_out, "_written_at", float("inf"))
    for _number in range(3):
        left_out.on_left_out("bot")
    assert counted() == {}
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(left_out, "connection", Away())
        left_out.write()
    left_out.write()
    left_out.on_left_out("made up")
    left_out.write()
    assert counted() == {"bot": 3}


class Away:
    def cursor(self):
        raise OperationalError("the database is away")


def test_the_page_costs_the_same_for_many_days(a_shop, signed_in, django_assert_max_num_queries):
    client = signed_in()
    for number in range(20):
        LeftOutDay.objects.create(day=date(2026, 2, 1) + timedelta(days=number), why="bot", pages=5)
    with clock.frozen(a_shop), django_assert_max_num_queries(38):
        page = client.get(reverse("desk:data-health") + "?from=2026-02-01&to=2026-03-02").content.decode()
    assert "100 pages of the help centre" in page


class TestAgainstTheDaysBefore:
    DAYS: ClassVar = {"from": "2026-03-09", "to": "2026-03-15"}

    @pytest.fixture
    def two_weeks(self, db):
        """In the week before nine of ten browsers brought our id back; in this one of ten one did."""
        parcel = history.article("Where is my parcel")
        for number in range(200):
            is_now = number >= 100
            is_back = (number % 10 == 0) == is_now
            history.read(uuid.UUID(int=100 + number), parcel, at(number, days=7 * is_now), is_returning=is_back)
        for day, pages in ((date(2026, 3, 3), 7), (date(2026, 3, 10), 900)):
            LeftOutDay.objects.create(day=day, why="bot", pages=pages)
        with clock.frozen(at(days=20)):
            settling.settle()
        return at(days=20)

    def test_shares_are_held_against_those_before_and_a_turn_is_more_than_chance(self, two_weeks):
        found = health(two_weeks, **self.DAYS)
        coverage, first_visit, *_others = data_health_compared.shares(found)
        assert (coverage.now.hits, coverage.now.of) == (10, 100)
        assert (coverage.before.hits, coverage.before.of) == (90, 100)
        assert coverage.interval.high < -0.6
        assert coverage.is_turn
        assert (first_visit.code, first_visit.now, first_visit.before) == ("first_visit", Rate(90, 90), Rate(10, 10))
        assert not first_visit.is_turn
        assert [(each.code, each.now, each.before) for each in data_health_compared.pages(found)] == [("bot", 900, 7)]

    def test_a_small_difference_and_one_of_nothing_claim_nothing(self, two_weeks):
        coverage = data_health_compared.shares(health(two_weeks, **{"from": "2026-03-02", "to": "2026-03-08"}))[0]
        assert (coverage.before.of, coverage.interval, coverage.is_turn) == (0, None, False)
        same = data_health_compared.Share("x", "X", Rate(50, 100), Rate(48, 100))
        assert (0 in same.interval, same.is_turn) == (True, False)

    def test_the_page_the_tables_and_nothing_where_nothing_is_compared(self, two_weeks, signed_in, client):
        with clock.frozen(two_weeks):
            asker = signed_in()
            page = asker.get(reverse("desk:data-health"), self.DAYS).content.decode()
            compared = page.partition('id="h-compared"')[2].partition("</section>")[0]
            assert "2 Mar 2026 to 8 Mar 2026" in compared
            assert "−80.0 points" in compared
            assert "more than chance" in compared
            assert "from=2026-03-02&amp;to=2026-03-08" in compared, "the days compared open their own journeys"
            alone = asker.get(reverse("desk:data-health"), {**self.DAYS, "compare": "none"}).content.decode()
            assert "h-compared" not in alone
            assert "compare=none" in alone.partition('class="muted report-links')[2]
            answer = ask(client, "reports/data_health?from=2026-03-09&to=2026-03-15").json()
            tables = {table["name"]: table for table in answer["tables"]}
            first = tables["compared"]["rows"][0]
            assert (first["code"], first["points"], first["is_turn"]) == ("coverage", -80.0, True)
            assert tables["left_out_compared"]["rows"][0]["before"] == 7
            none = ask(client, "reports/data_health?compare=none").json()
            assert "compared" not in {table["name"] for table in none["tables"]}
