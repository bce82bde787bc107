"""What a person hears about: on, off, all off, on again; by the link in a mail and from the order's page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from core import clock
from notifications import composing, links, occasions, preferences, suppression
from notifications.models import EpisodeKind, PreferenceChange, Suppression
from notifications.occasions import Category
from tests.notifications import mailing, shop
from tests.notifications.shop import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _thursday_noon(settings):
    settings.SITE_URL = "http://testserver"
    with clock.frozen(NOW):
        yield


@pytest.fixture
def person() -> str:
    shop.parcel()
    return shop.person_of("Ada")


@pytest.fixture
def ada() -> Client:
    return Client(enforce_csrf_checks=True)


def path(person: str, locale: str = "en") -> str:
    return links.preferences_url(person, locale=locale).removeprefix("http://testserver")


def stopped(person: str) -> set[str]:
    return set(Suppression.objects.filter(person=person).values_list("scope", flat=True))


def test_every_kind_of_mail_has_words_of_its_own(person):
    kinds = preferences.choices_of(person).kinds
    assert {kind.scope for kind in kinds} == {occasions.scope_of(kind) for kind in EpisodeKind.values}
    texts = [kind.text for kind in kinds]
    assert len(texts) == len(set(texts))
    assert all(text.startswith("When ") for text in texts)


def test_a_get_changes_nothing_and_a_post_does_what_was_ticked(ada, person):
    assert ada.get(path(person)).content.count(b"checked") == 3
    assert not Suppression.objects.exists()
    answer = ada.post(path(person), {"kind": ["order_updates", "delay_notices"]})
    assert answer.url.endswith("?saved=1")
    assert stopped(person) == {"back_on_track"}
    page = ada.get(answer.url).content
    assert page.count(b"checked") == 2
    assert b"Saved." in page


def test_all_off_covers_what_we_may_invent_later_and_on_again_lifts_it(ada, person):
    ada.post(path(person), {"kind": "delay_notices", "none": "1"})
    assert stopped(person) == {"all"}
    assert not preferences.choices_of(person).is_any_on
    ada.post(path(person), {"kind": list(Category)})
    assert stopped(person) == set()
    changes = PreferenceChange.objects.filter(person=person).values_list("scope", "is_on")
    offered = [kind.scope for kind in preferences.choices_of(person).kinds]
    assert sorted(changes) == sorted((kind, is_on) for kind in offered for is_on in (True, False))


def test_the_same_choice_twice_is_one_change(ada, person):
    for _ in range(2):
        ada.post(path(person), {"kind": ["order_updates", "delay_notices"]})
    assert PreferenceChange.objects.count() == 1


def test_a_choice_takes_back_what_waits_to_be_sent(ada):
    [message] = mailing.ready()
    ada.post(path(message.person), {"none": "1"})
    message.refresh_from_db()
    assert message.state == "suppressed"


@pytest.mark.parametrize("reason", ["bounced", "complained"])
def test_what_the_mailbox_said_is_not_lifted_by_a_choice(ada, person, reason):
    ada.post(path(person), {"none": "1"})
    suppression.suppress(person, scope="all", reason=reason, at=NOW)
    assert Suppression.objects.get().reason == reason, "the stronger reason stays"
    ada.post(path(person), {"kind": list(Category)})
    assert stopped(person) == {"all"}
    assert b"We do not write to your address at present" in ada.get(path(person)).content


def test_made_up_kinds_count_for_nothing(ada, person):
    ada.post(path(person), {"kind": ["all", "x" * 5000, "order_updates", "delay_notices", "\x00"]})
    assert stopped(person) == {"back_on_track"}


def test_the_link_lasts_long_speaks_the_customers_language_and_can_be_stopped(ada, person, monkeypatch):
    assert b'lang="es"' in ada.get(path(person, "es-MX")).content
    url = path(person)
    links.revoke_order(shop.order_of("FH-1001"), at=NOW, by=None)
    assert ada.get(url).status_code == 200, "it is not about that order"
    links.revoke_person(person, at=NOW, by=None)
    for answer in (ada.get(url), ada.post(url, {"none": "1"})):
        assert answer.status_code == 410
        assert b"This link was stopped" in answer.content
    assert not Suppression.objects.exists()
    monkeypatch.setattr(links, "PREFERENCES_LINK_AGE", timedelta(seconds=-1))
    assert ada.get(path(person)).status_code == 410
    assert ada.get("/en/orders/preferences/nonsense/").status_code == 404


def test_the_order_page_shows_and_changes_the_same_choices(ada, person):
    order = links.order_url(shop.order_of("FH-1001"), locale="en").removeprefix("http://testserver")
    assert ada.get(order).content.count(b"checked") == 3
    answer = ada.post(f"{order}choices/", {"kind": ["order_updates", "back_on_track"]})
    assert answer.url == f"{order}?saved=1#preferences"
    assert stopped(person) == {"delay_notices"}
    assert b"Saved." in ada.get(answer.url.partition("#")[0]).content
    assert ada.get(f"{order}choices/").status_code == 405


def test_every_mail_leads_to_the_choices():
    [message] = mailing.ready()
    mail = composing.compose(message, attempt=1)
    for part in (mail.text, mail.html):
        assert "/en/orders/preferences/" in part
