"""The desk's contacts to take along: as many as the screen has, without what people wrote."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest

from contacts.models import Contact
from core import keys
from core.models import AuditEntry, Scope
from tests.analytics import history
from tests.analytics.history import ANNA, at

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]


@pytest.fixture
def four_contacts():
    weather = history.reason("weather")
    history.contact(at(days=1), visitor=ANNA, person="anna", why=weather)
    history.contact(at(days=2), person="ben", why=history.reason("storm", parent=weather), source="email")
    history.contact(at(days=3), person="anna")
    history.contact(at(days=20))
    Contact.objects.filter(received_at=at(days=3)).update(message="My secret umbrella", locale="de")


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("", 4), ("since=2026-03-04", 3), ("until=2026-03-04", 2), ("since=2026-03-04&until=2026-03-05", 2),
        ("reason=weather", 2), ("reason=uncoded", 2), ("source=email", 1), ("locale=de", 1), ("who=nobody", 1),
        ("q=umbrella", 1), ("q=umbrella&sort=received", 1),
    ],
)  # fmt: skip
def test_file_and_api_have_what_the_screen_has(asked: str, number: int, four_contacts, signed_in, client) -> None:
    desk = signed_in()
    page = desk.get(f"/desk/contacts/?{asked}")
    assert page.context["contacts"].paginator.count == number
    (query,) = re.findall(r'href="/desk/rows/contacts.csv\?([^"]*)"', page.content.decode())
    file = b"".join(desk.get(f"/desk/rows/contacts.csv?{html.unescape(query)}")).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(file)))
    assert len(lines) == number
    assert "umbrella" not in file
    key = keys.create(name="warehouse", scopes=[Scope.RESULTS_READ], by=None)[1]
    rows = client.get(
        f"/api/v1/rows/contacts?{html.unescape(query)}", headers={"authorization": f"Bearer {key}"}
    ).json()["rows"]
    assert [(row["contact"], row["reason"]) for row in rows] == [(line["contact"], line["reason"]) for line in lines]
    noted = json.dumps([entry.detail for entry in AuditEntry.objects.filter(action="rows.exported")])
    assert "umbrella" not in noted


def test_what_the_screen_would_pass_over_is_refused(four_contacts, signed_in) -> None:
    for wrong in ("reason=none", "who=me", "source=pigeon", "from=soon", "since=2026-03-04"):
        assert signed_in().get(f"/desk/rows/contacts.csv?{wrong}").status_code == 400, wrong
    assert signed_in("editor").get("/desk/rows/contacts.csv").status_code == 403
