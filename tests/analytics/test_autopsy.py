"""Contacts looked into: the first cause that fits, a sample that is always the same, and shares that open on rows."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from analytics import autopsies, periods, settling
from analytics.models import Autopsy, AutopsyFinding, AutopsyState, Cause
from analytics.reports import autopsy
from analytics.stats.proportions import Rate
from contacts.models import Contact
from kb import publishing
from kb.models import Category
from kb.search import indexing, query
from kb.search.found import Found, Result
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.history import ANNA, BEN, at
from tests.analytics.test_dashboard import Links, rows_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("today")]


@pytest.fixture
def answers(monkeypatch):
    """What search answers: {a word of the text: ids of articles}. Notes what it was asked."""
    known: dict[str, list[int]] = {}
    asked: list[tuple[str, str, int]] = []

    def find(text, *, locale, k, is_order_only):
        asked.append((text, locale, k))
        found = next((ids for word, ids in known.items() if word in text), [])
        return Found(tuple(Result(pk, "", "", "", "") for pk in found), len(found))

    monkeypatch.setattr(query, "find", find)
    known["asked"] = asked
    return known


def contact(text: str, when, **more) -> Contact:
    made = history.contact(when, **more)
    Contact.objects.filter(pk=made.pk).update(subject="", message=text)
    return made


def causes() -> dict[int, str]:
    return dict(AutopsyFinding.objects.values_list("contact_id", "cause"))


def look() -> None:
    autopsies.examine(autopsies.draw(at().date(), NOW.date()), now=NOW)


def test_each_contact_has_the_first_cause_that_fits(answers):
    parcel = history.article("Where is my parcel", topic="delivery")
    other = history.article("Refund times", topic="refunds")
    answers |= {"lost": [other.pk, parcel.pk], "gone": [other.pk]}
    delivery = history.reason("delivery")
    late, gifts = history.reason("late", parent=delivery), history.reason("gifts")
    history.read(ANNA, parcel, at(days=2))
    uncoded = contact("lost", at(days=3), person="a")
    bare = contact("lost", at(days=3), person="b", why=gifts)
    read = contact("gone", at(days=3), visitor=ANNA, person="c", why=late)
    not_found = contact("gone", at(days=3), visitor=BEN, person="d", why=delivery)
    not_read = contact("lost", at(days=3), visitor=BEN, person="e", why=late)
    unknown = contact("lost", at(days=3), person="f", why=delivery, source="email")
    read_long_ago = contact("lost", at(days=12), visitor=ANNA, person="g", why=delivery)

    look()

    assert causes() == {
        uncoded.pk: Cause.UNCODED,
        bare.pk: Cause.NO_ARTICLE,
        read.pk: Cause.READ,
        not_found.pk: Cause.NOT_FOUND,
        not_read.pk: Cause.NOT_READ,
        unknown.pk: Cause.UNKNOWN,
        read_long_ago.pk: Cause.NOT_READ,
    }
    assert AutopsyFinding.objects.get(contact=read).article_id == parcel.pk
    assert {(locale, k) for _text, locale, k in answers["asked"]} == {("en", 3)}


def test_a_person_whom_we_know_by_another_visit_has_read(answers):
    parcel = history.article("Where is my parcel", topic="delivery")
    history.read(ANNA, parcel, at(days=2))
    history.contact(at(days=1), visitor=ANNA, person="anna")  # ties her visitor to her
    made = contact("lost", at(days=3), person="anna", why=history.reason("delivery"), source="email")

    look()

    assert causes()[made.pk] == Cause.READ


def test_the_products_own_search_is_asked_with_the_customers_words(tmp_path, settings):
    """Nothing stands in for search here."""
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    category = Category.objects.create(key="delivery", topic="delivery")
    article = publishing.create_article(
        locale="en", category=category, title="Where is my parcel", body="Track a parcel that is late.", by=None
    )
    publishing.publish(article, by=None, ring=False)
    indexing.rebuild()
    why = history.reason("delivery")
    found = contact("My parcel is so late, track it please!", at(days=3), visitor=BEN, person="a", why=why)
    lost = contact("Xylophone quux?", at(days=3), visitor=BEN, person="b", why=why)

    look()

    assert causes() == {found.pk: Cause.NOT_READ, lost.pk: Cause.NOT_FOUND}


def test_while_search_is_down_nothing_is_said_of_a_contact(monkeypatch):
    history.article("Where is my parcel", topic="delivery")
    contact("lost", at(days=3), visitor=BEN, person="a", why=history.reason("delivery"))
    monkeypatch.setattr(query, "find", lambda *_, **__: Found((), 0, error="no index"))

    look()

    assert causes() == {}


def test_the_sample_is_the_same_whoever_draws_it_and_no_larger_than_agreed(monkeypatch):
    monkeypatch.setattr(autopsies, "SAMPLE", 5)
    for n in range(12):
        contact("x", at(n, days=n), person=f"p{n}", why=history.reason("delivery" if n % 3 else "refunds"))
    contact("", at(days=1), person="erased", why=history.reason("delivery"))

    whole = autopsies.draw(at().date(), NOW.date())
    half = {each.id for each in autopsies.draw(at().date(), at(days=5).date())}

    assert autopsies.draw(at().date(), NOW.date()) == whole
    assert sorted(each.topic for each in whole) == ["delivery"] * 5 + ["refunds"] * 4
    early = {each.id for each in whole if each.received_at < at(days=6)}
    assert early <= half, "who is drawn of many is drawn of some of these, too"


def test_a_night_looks_into_each_contact_once_and_an_asked_run_looks_anew(answers):
    delivery, refunds = history.reason("delivery"), history.reason("refunds")
    first = contact("x", at(days=3), person="a", why=delivery)
    second = contact("x", at(days=4), person="b", why=delivery)
    autopsies.look_after(now=NOW)
    assert causes() == {first.pk: Cause.NO_ARTICLE, second.pk: Cause.NO_ARTICLE}

    history.article("Where is my parcel", topic="delivery")
    history.code(second, refunds, NOW)  # corrected: looked into again
    history.article("Refunds", topic="refunds")
    autopsies.look_after(now=NOW)
    assert Autopsy.objects.count() == 1, "once a day"
    Autopsy.objects.all().delete()
    autopsies.look_after(now=NOW)
    assert causes() == {first.pk: Cause.NO_ARTICLE, second.pk: Cause.NOT_FOUND}

    autopsies.ask(at().date(), NOW.date(), topic="delivery", by=None, now=NOW)
    Autopsy.objects.filter(state=AutopsyState.WAITING).update(asked_by=_somebody())
    autopsies.run_open()
    assert causes()[first.pk] == Cause.NOT_FOUND


def _somebody() -> int:
    return User.objects.get_or_create(username="somebody")[0].pk


def test_a_run_that_breaks_off_says_so_and_the_next_can_be_asked_for(monkeypatch):
    contact("x", at(days=3), person="a", why=history.reason("delivery"))
    history.article("Where is my parcel", topic="delivery")

    def broken(*_args, **_more):
        raise RuntimeError("the index is gone")

    monkeypatch.setattr(query, "find", broken)
    autopsies.ask(at().date(), NOW.date(), topic="", by=None, now=NOW)
    autopsies.run_open()

    row = Autopsy.objects.get()
    assert (row.state, row.error) == (AutopsyState.FAILED, "the index is gone")
    assert autopsies.ask(at().date(), NOW.date(), topic="", by=None, now=NOW)[1]
    assert not autopsies.ask(at().date(), NOW.date(), topic="", by=None, now=NOW)[1], "one at a time"


def finding(n: int, cause: str, *, reason: str = "late", topic: str = "delivery", lot: int | None = None):
    made = history.contact(at(n, days=n % 20), person=f"p{n}", why=history.reason(reason))
    AutopsyFinding.objects.create(
        contact=made, received_at=made.received_at, reason=reason, topic=topic, cause=cause,
        lot=n if lot is None else lot, made_at=NOW - timedelta(hours=5),
    )  # fmt: skip
    return made


def test_shares_are_of_the_sample_of_the_reason_and_each_opens_on_its_contacts(signed_in):
    delivery = history.reason("delivery")
    history.reason("late", parent=delivery)
    for n in range(10):
        finding(n, Cause.READ if n < 4 else Cause.NOT_FOUND)
    finding(20, Cause.NO_ARTICLE, reason="delivery")
    finding(21, Cause.NO_ARTICLE, reason="gifts", topic="gifts")
    history.contact(at(days=3), person="not drawn", why=delivery)
    settling.settle()
    period = periods.read({}, now=NOW)[0]

    every = autopsy.build(period, now=NOW)
    of_delivery = autopsy.build(period, now=NOW, reason="delivery")

    assert every.whole is None
    assert [(row.reason.code, row.examined, row.reason.now) for row in every.rows] == [
        ("delivery", 11, 12),
        ("gifts", 1, 1),
    ]
    assert [(row.reason.code, row.examined) for row in of_delivery.rows] == [("late", 10)]
    shares = {share.cause: share.rate for share in of_delivery.whole.shares}
    assert shares[Cause.READ] == Rate(4, 11)
    client = signed_in()
    for address in (reverse("desk:autopsy"), reverse("desk:autopsy") + "?reason=delivery"):
        page = client.get(address)
        assert "The contacts of these days were looked into between" in text_of(page)
        numbers = Links(page.content.decode()).numbers
        assert len(numbers) >= 6
        for href, number in numbers:
            assert rows_of(client, href) == number, href


def test_of_more_that_were_looked_into_only_the_sample_counts(monkeypatch):
    monkeypatch.setattr(autopsies, "SAMPLE", 5)
    for n in range(9):
        finding(n, Cause.READ if n < 5 else Cause.NOT_FOUND)
    period = periods.read({}, now=NOW)[0]

    found = autopsy.found(period, {})

    assert sorted(found.values_list("lot", flat=True)) == [0, 1, 2, 3, 4]


def test_asking_makes_one_run_and_says_when_one_is_under_way(signed_in, django_capture_on_commit_callbacks):
    client = signed_in("admin")
    asked = {"from": "2026-03-02", "to": "2026-03-29", "reason": ""}

    assert client.post(reverse("desk:autopsy-ask"), asked).status_code == 302
    page = client.post(reverse("desk:autopsy-ask"), asked, follow=True)

    assert Autopsy.objects.count() == 1
    assert "Another run is under way" in text_of(page)
    assert "Waiting for a worker to take it" in text_of(page)


def test_without_contacts_or_findings_the_page_says_what_is_missing(signed_in):
    client = signed_in("ops")
    assert "Nobody contacted us in these days" in text_of(client.get(reverse("desk:autopsy")))
    history.contact(at(days=3), person="a", why=history.reason("delivery"))
    settling.settle()

    page = text_of(client.get(reverse("desk:autopsy"), {"reason": uuid.uuid4().hex}))

    assert "1 contact, and it has not been looked into yet" in page
    assert "Look into them now" in page
    assert "Delivery" not in page  # no list of reasons without a number
