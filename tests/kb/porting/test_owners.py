"""Who looks after an imported article, and when it is looked at again."""

from __future__ import annotations

from datetime import date

import pytest

from kb import importing, upkeep
from kb.import_reports import Asked
from kb.models import Article

pytestmark = pytest.mark.django_db

HEAD = "id,title,category,body,owner,review_by\n"


@pytest.fixture
def people(staff):
    for role in ("writer", "reviewer", "admin"):
        user = staff(role)
        user.email = {"writer": "wren@shop.example"}.get(role, "both@shop.example")
        user.save()


def rows(tmp_path, *lines: str):
    path = tmp_path / "a.csv"
    path.write_text(HEAD + "\n".join(lines) + "\n")
    return importing.run(path, asked=Asked())


def owned() -> dict[str, tuple[str | None, date | None]]:
    found = Article.objects.values_list("external_id", "owner__username", "review_by")
    return {id: (owner, day) for id, owner, day in found}


def test_owners_come_by_address_or_name_and_unknown_ones_are_told(tmp_path, people):
    report = rows(
        tmp_path,
        "a,A,c,x,WREN@shop.example,2026-12-24",
        "b,B,c,x,admin,never",
        "c,C,c,x,nobody@else.example,",
        "d,D,c,x,both@shop.example,",
        "e,E,c,x,,",
        "f,F,c,x,,soon",
    )
    usual = upkeep.next_date()
    assert owned() == {
        "a": ("writer", date(2026, 12, 24)),
        "b": ("admin", None),
        "c": (None, usual),
        "d": (None, usual),
        "e": (None, usual),
    }
    told = [(where, note.what) for where, note in report.notes if note.field == "owner"]
    assert told == [
        (f"a.csv, row {row}", f"Nobody of the staff, or more than one, goes by “{word}”. It comes in without one.")
        for row, word in ((4, "nobody@else.example"), (5, "both@shop.example"))
    ]
    assert [str(problem) for problem in report.problems] == [
        "a.csv, row 7, field review_by: 'soon' is no day. Write it like 2026-12-24, or never."
    ]


def test_another_owner_in_the_file_is_a_change_and_silence_is_none(tmp_path, people):
    rows(tmp_path, "a,A,c,x,writer,2026-12-24")
    report = rows(tmp_path, "a,A,c,x,admin,2026-12-31")
    assert (report.changed, owned()) == (1, {"a": ("admin", date(2026, 12, 31))})
    assert rows(tmp_path, "a,A,c,x,,").unchanged == 1
    assert rows(tmp_path, "a,A,c,y,gone,").changed == 1
    assert owned() == {"a": ("admin", date(2026, 12, 31))}
    assert Article.objects.get().revisions.count() == 2, "an owner is no text"
