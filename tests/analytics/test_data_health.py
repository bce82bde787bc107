"""Data health: each trouble is a sentence with what to do, and a healthy shop says so."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from analytics import left_out, partitions, periods, settling, spool
from analytics.models import Event, LeftOutDay, RollupDue, SettlingMark, SpoolMark
from analytics.reports import data_findings, data_health, unlinkable
from analytics.stats.proportions import Rate
from core import clock
from notifications.models import SourceSilence
from tests.analytics import history
from tests.analytics.history import ANNA, BEN, CARA, at
from tests.analytics.test_dashboard import Links, rows_of

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
    page = client.get(reverse("desk:data-health"), {"from": "2026-03-02", "to": "2026-03-03"})
    opened = [(href, number) for href, number in Links(page.content.decode()).numbers if "why=" in href]
    assert sorted(number for _href, number in opened) == [1, 2, 2]
    screen, file = reverse("desk:journeys"), reverse("desk:rows-csv", args=["journeys"])
    for href, number in opened:
        assert rows_of(client, href) == number, href
        taken = b"".join(client.get(href.replace(screen, file)).streaming_content)
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
