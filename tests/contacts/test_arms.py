"""Who is shown suggestions, who is not, and what is kept of the decision."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from contacts import arms
from contacts.models import Arm, Contact, FormVisit, SuggestionRate
from core import bucketing, clock
from core.visitors import Visitor
from kb import feedback
from tests.contacts.conftest import NOW
from tests.contacts.pages import WRITTEN, Customer

pytestmark = pytest.mark.django_db
SUGGEST = "/en/contact/suggest/"


def visitor(number: int = 0) -> Visitor:
    return Visitor(id=str(uuid.UUID(int=number)))


def visit_of(page) -> FormVisit:
    from contacts import visits

    return FormVisit.objects.get(pk=visits.id_of(page.fields["visit"]))


def says_no(customer: Customer, article, *, at=NOW, is_helpful: bool = False) -> None:
    feedback.vote(
        revision_id=article.live_revision_id,
        variant_id=None,
        visitor=customer.client.cookies["pv"].value,
        is_helpful=is_helpful,
        at=at,
    )


def test_one_in_ten_goes_without_by_default(settings):
    from config import settings as product

    assert product.SUGGESTIONS_OFF_SHARE == 0.10
    settings.SUGGESTIONS_OFF_SHARE = 0.10
    off = sum(arms.assign(visitor(number), now=NOW).arm == Arm.OFF for number in range(1000))
    assert 70 <= off <= 130


def test_a_visitor_without_suggestions_sees_none_and_can_send(article, settings):
    settings.SUGGESTIONS_OFF_SHARE = 1.0
    article("Refund times")
    customer = Customer()
    empty = customer.get()
    asked = customer.press(empty, to=SUGGEST, **WRITTEN)
    part = Customer(**{"HX-Request": "true"}).press(empty, to=SUGGEST, follow=False, **WRITTEN)
    for page in (empty, asked, part):
        assert page.suggestions == []
        assert "it appears here" not in page.text
        assert "No article fits" not in page.text
    assert 'hx-post="/en/contact/suggest/"' not in empty.text
    visit = FormVisit.objects.get()
    assert (visit.arm, visit.arm_reason, visit.off_share, visit.salt) == ("off", "", 1.0, arms.SALT)
    assert visit.shown == []
    customer.press(asked)
    assert Contact.objects.get().form_visit.arm == "off"


def test_a_visitor_keeps_their_arm(settings):
    settings.SUGGESTIONS_OFF_SHARE = 0.5
    customer = Customer()
    drawn = {visit_of(customer.get()).arm for _ in range(5)}
    assert len(drawn) == 1
    expected = bucketing.is_in_share(arms.SALT, customer.client.cookies["pv"].value, 0.5)
    assert drawn == {"off" if expected else "on"}


def test_another_rate_moves_only_those_who_must_move(settings, staff):
    everybody = [visitor(number) for number in range(200)]
    off = {}
    for share in (0.1, 0.3, 0.2):
        arms.set_off_share(share, by=None, why="", now=NOW)
        off[share] = {one.id for one in everybody if arms.assign(one, now=NOW).arm == Arm.OFF}
    assert off[0.1] < off[0.2] < off[0.3]


def test_each_opening_keeps_the_rate_that_was_in_force():
    first = visit_of(Customer().get())
    arms.set_off_share(0.25, by=None, why="", now=NOW)
    second = visit_of(Customer().get())
    assert (first.off_share, second.off_share) == (0.0, 0.25)
    first.refresh_from_db()
    assert first.off_share == 0.0


def test_whoever_said_no_to_an_article_is_spared_for_seven_days(article):
    failed = article("Refund times")
    customer = Customer()
    assert visit_of(customer.get()).arm == "on"
    says_no(customer, failed)
    page = customer.press(customer.get(), to=SUGGEST, **WRITTEN)
    visit = visit_of(page)
    assert (visit.arm, visit.arm_reason) == ("not_eligible", "said_no")
    assert page.suggestions == []
    with clock.frozen(NOW + timedelta(days=7)):
        assert visit_of(customer.get()).arm == "on"


def test_a_no_that_was_taken_back_spares_nobody(article):
    read = article("Refund times")
    customer = Customer()
    customer.get()
    says_no(customer, read)
    says_no(customer, read, is_helpful=True)
    assert visit_of(customer.get()).arm == "on"


def test_somebody_elses_no_spares_nobody(article):
    read = article("Refund times")
    one, other = Customer(), Customer()
    one.get(), other.get()
    says_no(one, read)
    assert visit_of(other.get()).arm == "on"


def test_whoever_wrote_is_spared_for_seven_days(article):
    article("Refund times")
    customer = Customer()
    customer.press(customer.get(), **WRITTEN)
    visit = visit_of(customer.get())
    assert (visit.arm, visit.arm_reason) == ("not_eligible", "wrote_before")
    with clock.frozen(NOW + timedelta(days=7, seconds=1)):
        assert visit_of(customer.get()).arm == "on"


@pytest.mark.parametrize(
    ("headers", "why"), [({"Sec-GPC": "1"}, "no_consent"), ({"User-Agent": "Googlebot/2.1"}, "bot")]
)
def test_whoever_has_no_id_gets_suggestions_and_is_not_counted(article, settings, headers, why):
    settings.SUGGESTIONS_OFF_SHARE = 1.0
    article("Refund times")
    customer = Customer(**headers)
    page = customer.press(customer.get(), to=SUGGEST, **WRITTEN)
    assert page.suggestions
    visit = FormVisit.objects.get()
    assert (visit.arm, visit.arm_reason, visit.visitor) == ("not_counted", why, None)


def test_a_form_fetched_ahead_is_drawn_when_it_is_first_used(settings):
    settings.SUGGESTIONS_OFF_SHARE = 1.0
    page = Customer(**{"Sec-Purpose": "prefetch"}).get()
    customer = Customer()
    customer.get()  # has an id
    FormVisit.objects.all().delete()
    customer.press(page, to=SUGGEST, **WRITTEN)
    assert FormVisit.objects.get().arm == "off"


def test_counts_add_up_and_name_their_denominators(settings, article):
    settings.SUGGESTIONS_OFF_SHARE = 0.0
    ada, bo = Customer(), Customer()
    ada.get(), ada.get(), bo.get()
    settings.SUGGESTIONS_OFF_SHARE = 1.0
    Customer().get()
    Customer(**{"Sec-GPC": "1"}).get()
    ada.press(ada.get(), **WRITTEN)
    ada.get()
    FormVisit.objects.create(opened_at=NOW)  # from before there were arms
    counts = arms.counts(since=NOW - timedelta(days=1), until=NOW + timedelta(days=1))
    assert counts.visits == sum(count.visits for count in counts.counts) == 7
    assert (counts.of(Arm.ON).visits, counts.of(Arm.ON).visitors) == (3, 2)
    assert (counts.of(Arm.OFF).visits, counts.of(Arm.OFF).visitors) == (2, 2)
    assert counts.compared == 5
    assert {(one.arm, one.reason, one.visits) for one in counts.counts} >= {
        ("not_eligible", "wrote_before", 1),
        ("not_counted", "no_consent", 1),
    }
    assert arms.counts(since=NOW + timedelta(days=1), until=NOW + timedelta(days=2)).visits == 0


# --- The desk ---

PAGE = "desk:contact-suggestions"


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("role", ["ops", "admin"])
def test_the_desk_sets_the_rate_and_who_did_stays_written_down(staff, role):
    user = staff(role)
    desk = signed_in(user)
    page = desk.post(reverse(PAGE), {"percent": "12.5", "why": "a quieter month"}, follow=True)
    assert "12.5 %" in page.content.decode()
    assert "a quieter month" in page.content.decode()
    desk.post(reverse(PAGE), {"percent": "20"})
    changes = list(SuggestionRate.objects.values_list("off_share", "set_by", "set_at", "why"))
    assert changes == [(0.2, user.pk, NOW, ""), (0.125, user.pk, NOW, "a quieter month")]
    assert arms.off_share() == 0.2


def test_the_same_rate_again_is_no_change(staff):
    desk = signed_in(staff("ops"))
    for _ in range(2):
        desk.post(reverse(PAGE), {"percent": "20"})
    assert SuggestionRate.objects.count() == 1


@pytest.mark.parametrize("percent", ["", "-1", "101", "ten", "NaN", "1e9", "10.123"])
def test_a_rate_that_makes_no_sense_changes_nothing(staff, percent):
    answer = signed_in(staff("ops")).post(reverse(PAGE), {"percent": percent})
    assert answer.status_code == 422
    assert not SuggestionRate.objects.exists()


def test_an_analyst_reads_the_page_and_cannot_change_it(staff):
    desk = signed_in(staff("analyst"))
    assert "Save the share" not in desk.get(reverse(PAGE)).content.decode()
    assert desk.post(reverse(PAGE), {"percent": "50"}).status_code == 403
    assert not SuggestionRate.objects.exists()


@pytest.mark.parametrize("role", ["writer", "reviewer"])
def test_others_do_not_see_it(staff, role):
    assert signed_in(staff(role)).get(reverse(PAGE)).status_code == 403


def test_the_page_shows_each_arm_with_what_it_is_a_part_of(staff):
    Customer().get()
    Customer(**{"Sec-GPC": "1"}).get()
    text = signed_in(staff("ops")).get(reverse(PAGE)).content.decode()
    assert "of 1 compared" in text
    assert "of 2 in all, not compared" in text


def test_a_contact_tells_which_form_it_came_by(staff, settings):
    settings.SUGGESTIONS_OFF_SHARE = 1.0
    customer = Customer()
    customer.press(customer.get(), **WRITTEN)
    address = reverse("desk:contact", args=[Contact.objects.get().pk])
    assert "Without, drawn at random" in signed_in(staff("ops")).get(address).content.decode()
