"""The audit log on the desk: found, paged, exported; and that nobody changes it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client

from core import audit, clock
from core.models import AuditEntry
from core.roles import ADMIN
from tests.config.staff import make
from tests.kb.conftest import NOW

pytestmark = pytest.mark.django_db
PAGE = "/desk/audit/"


@pytest.fixture(autouse=True)
def _a_monday_in_march():
    with clock.frozen(NOW):
        yield


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make("ada", ADMIN))
    return client


@pytest.fixture
def some(admin) -> None:
    """Ruth did three things on three days, Olga one, the product one."""
    ruth, olga = User.objects.create_user("ruth"), User.objects.create_user("olga")
    for day, (who, action, label, detail) in enumerate(
        [
            (ruth, "article.published", "Late parcels", {"comment": "shorter"}),
            (ruth, "article.archived", "Gift wrapping", {}),
            (ruth, "synonym.added", "box -> parcel", {}),
            (olga, "contact.recoded", "C-104", {"reason": "late_parcel"}),
            (None, "index.rebuilt", "en", {}),
        ]
    ):
        with clock.frozen(NOW - timedelta(days=10 - day)):
            audit.record(who, action, ruth, label=label, **detail)


def labels(client: Client, **asked: str) -> list[str]:
    return [row.label for row, *_rest in client.get(PAGE, asked).context["rows"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["en", "C-104", "box -> parcel", "Gift wrapping", "Late parcels"]),
        ({"person": "ruth"}, ["box -> parcel", "Gift wrapping", "Late parcels"]),
        ({"person": "-"}, ["en"]),
        ({"action": "article.published"}, ["Late parcels"]),
        ({"action": "article"}, ["Gift wrapping", "Late parcels"]),
        ({"since": "2026-02-22", "until": "2026-02-22"}, ["box -> parcel"]),
        ({"q": "parcel"}, ["C-104", "box -> parcel", "Late parcels"]),
        ({"q": "PARC late"}, ["C-104", "Late parcels"]),
        ({"q": "shorter"}, ["Late parcels"]),
        ({"q": "104"}, ["C-104"]),
        ({"q": "'; DROP TABLE x; --"}, []),
        ({"q": "& | !"}, []),
        ({"person": "ruth", "action": "synonym.added", "q": "box"}, ["box -> parcel"]),
        ({"person": "nobody"}, []),
    ],
)
def test_entries_are_found_by(admin, some, asked, found):
    assert labels(admin, **asked) == found


def test_the_target_narrows_and_leads_to_its_page(admin, some):
    ruth = User.objects.get(username="ruth")
    assert len(labels(admin, target=f"auth.user:{ruth.pk}")) == 5
    assert labels(admin, target="kb.article") == []
    assert f'href="/desk/people/{ruth.pk}/"' in admin.get(PAGE).content.decode()


@pytest.mark.parametrize("junk", [{"since": "soon"}, {"target": "DROP"}, {"action": "x" * 500}, {"q": "x" * 101}])
def test_a_filter_without_sense_says_so(admin, some, junk):
    assert admin.get(PAGE, junk).status_code == 400


@pytest.mark.parametrize("junk", [{"before": "x"}, {"before": "9" * 30}, {"until": "9999-12-31"}, {"page": "-1"}])
def test_an_address_somebody_has_written_by_hand_shows_the_page(admin, some, junk):
    assert admin.get(PAGE, junk).status_code == 200


def test_null_bytes_are_no_error(admin):
    assert admin.get(PAGE, {"q": "a\0b", "person": "\0"}).status_code == 400


def test_pages_follow_each_other_without_gap_or_repeat_even_at_one_moment(admin):
    for n in range(120):
        audit.record(None, "index.rebuilt", label=f"{n:03}")
    seen: list[str] = []
    answer = admin.get(PAGE)
    while True:
        seen += [row.label for row, *_rest in answer.context["rows"]]
        if not (older := answer.context["older"]):
            break
        answer = admin.get(PAGE, {"before": older})
    assert seen == [f"{n:03}" for n in reversed(range(120))]


def test_the_page_asks_as_often_however_many_entries_there_are(admin, some, django_assert_max_num_queries):
    with django_assert_max_num_queries(8) as few:
        admin.get(PAGE)
    for n in range(200):
        audit.record(None, "index.rebuilt", label=str(n))
    with django_assert_max_num_queries(len(few.captured_queries)):
        admin.get(PAGE)


def test_csv_has_every_entry_of_the_filters_and_no_formula(admin, some):
    audit.record(None, "article.published", label='=HYPERLINK("https://evil.example.com")')
    answer = admin.get(f"{PAGE}entries.csv", {"action": "article.published"})
    assert answer["Content-Disposition"] == 'attachment; filename="audit-2026-03-02.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [row["label"] for row in rows] == ['\'=HYPERLINK("https://evil.example.com")', "Late parcels"]
    assert json.loads(rows[1]["detail"]) == {"comment": "shorter"}
    assert AuditEntry.objects.filter(action="audit.exported", by_name="ada").count() == 1


def test_json_lines_are_one_entry_each(admin, some):
    answer = admin.get(f"{PAGE}entries.jsonl", {"person": "ruth"})
    lines = [json.loads(line) for line in b"".join(answer.streaming_content).decode().splitlines()]
    assert [line["label"] for line in lines] == ["box -> parcel", "Gift wrapping", "Late parcels"]
    assert lines[0]["at"] == "2026-02-22T10:00:00.000+00:00" or lines[0]["at"].startswith("2026-02-2")


@pytest.mark.parametrize(("path", "status"), [("entries.xml", 404), ("entries.csv?since=soon", 400)])
def test_no_other_export(admin, path, status):
    assert admin.get(f"{PAGE}{path}").status_code == status


class TestNobodyChangesIt:
    @pytest.mark.parametrize(
        "change",
        [
            lambda: AuditEntry.objects.update(action="article.archived"),
            lambda: AuditEntry.objects.update(by=User.objects.get(username="olga")),
            lambda: AuditEntry.objects.update(by_name="olga", by=None),
            lambda: AuditEntry.objects.update(at=clock.now()),
            lambda: AuditEntry.objects.all().delete(),
            lambda: AuditEntry.objects.first().delete(),
            lambda: connection.cursor().execute("DELETE FROM core_auditentry"),
            lambda: connection.cursor().execute("UPDATE core_auditentry SET label = 'x'"),
        ],
    )
    def test_the_database_refuses(self, some, change):
        before = list(AuditEntry.objects.values())
        with pytest.raises(DatabaseError, match="audit log"), transaction.atomic():
            change()
        assert list(AuditEntry.objects.values()) == before

    def test_an_account_may_go_and_its_name_stays(self, some):
        User.objects.get(username="ruth").delete()
        assert AuditEntry.objects.filter(by_name="ruth", by=None).count() == 3

    def test_retention_removes_what_is_old_and_says_so(self, some):
        with clock.frozen(NOW + timedelta(days=87)):
            call_command("forget_audit", "--older-than", "95")
        assert labels_now() == ["2 entries", "en", "C-104", "box -> parcel"]
        assert AuditEntry.objects.get(action="audit.forgotten").detail["removed"] == 2

    def test_after_it_the_guard_is_up_again(self, some):
        with clock.frozen(NOW + timedelta(days=87)):
            audit.forget(before=NOW - timedelta(days=8))
        with pytest.raises(DatabaseError), transaction.atomic():
            AuditEntry.objects.all().delete()

    @pytest.mark.parametrize("days", ["89", "0", "-5"])
    def test_the_last_ninety_days_stay(self, some, days):
        with pytest.raises(CommandError, match="90 days"):
            call_command("forget_audit", f"--older-than={days}")
        assert AuditEntry.objects.count() == 5


def labels_now() -> list[str]:
    return [entry.label for entry in AuditEntry.objects.all()]
