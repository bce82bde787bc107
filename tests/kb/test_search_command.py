"""manage.py search: what an operator sees of an answer."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from kb.models import SearchLog, Visibility
from kb.search import indexing, tuning

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(capsys):
    def run(*words: str) -> str:
        call_command("search", *words)
        return capsys.readouterr().out

    return run


@pytest.fixture
def help_centre(write):
    write("My parcel is late", "A parcel is late once the promised day has passed.")
    write("When does my refund arrive?", "Refunds take five days.", on="refunds")
    secret = write("How we pay late parcels", "Only we read this.")
    type(secret).objects.filter(pk=secret.pk).update(visibility=Visibility.STAFF)
    indexing.rebuild()


def test_it_tells_what_was_corrected_who_answered_and_how_fast(help_centre, told):
    out = told("late pracel")
    assert "searched for: late parcel" in out
    assert " 1. My parcel is late  [Delivery]  /en/a/my-parcel-is-late/" in out
    assert "1 found (Delivery 1)" in out
    assert out.splitlines()[-1].startswith("whoosh/")
    assert out.splitlines()[-1].endswith(" ms")
    assert not SearchLog.objects.exists()


def test_verbatim_corrects_nothing(help_centre, told):
    assert "0 found" in told("pracel", "--verbatim")


def test_explain_tells_which_stems_gave_how_much(help_centre, told):
    line = next(line for line in told("late parcel", "--explain").splitlines() if " = " in line)
    score, _, shares = line.strip().partition(" = ")
    parts = dict(share.rsplit(" ", 1) for share in shares.split(" + "))
    assert set(parts) == {"late", "parcel"}
    assert sum(map(float, parts.values())) == pytest.approx(float(score), abs=0.002)


def test_categories_and_articles_for_staff(help_centre, told):
    assert "My parcel" not in told("parcel refund", "--category", "refunds")
    assert "How we pay" not in told("late parcels")
    assert "staff only  How we pay late parcels" in told("late parcels", "--staff")
    with pytest.raises(CommandError, match="Use one of: delivery, refunds"):
        told("parcel", "--category", "nope")


def test_a_pin_is_marked(help_centre, write, told):
    pinned = write("Lost parcels")
    indexing.rebuild()
    tuning.place(locale="en", query="refund", article_id=pinned.pk, kind="pin", by=None)
    out = told("refund", "--explain")
    assert " 1. pinned  Lost parcels" in out
    assert "an editor pinned it" in out


def test_another_language_is_told(write, told):
    write("Mi paquete se retrasa", "Un paquete llega tarde.", locale="es")
    write("My parcel is late")
    indexing.rebuild()
    assert "another language: es" in told("paquete retrasa tarde")


def test_json_holds_everything(help_centre, told):
    found = json.loads(told("late parcel", "--json", "--explain"))
    assert found["total"] == 1
    assert found["results"][0]["why"]
    assert found["engine"].startswith("whoosh/")
