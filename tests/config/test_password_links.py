"""A link to a new password, made by an administrator for a colleague."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.urls import reverse

from config.accounts import password_links
from core import clock, crypto
from core.models import AuditEntry, PasswordLink
from core.roles import ADMIN, WRITER
from tests.config.staff import PASSWORD, SECOND, SIGN_IN, give_app, make, signed_in

pytestmark = pytest.mark.django_db
NEW = "four boats at midnight"
FORM = {"password1": NEW, "password2": NEW}


@pytest.fixture
def ada() -> User:
    return make("ada", ADMIN)


@pytest.fixture
def admin(ada) -> Client:
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def ruth() -> User:
    return make("ruth", WRITER)


def ask(admin: Client, who: User) -> str:
    """The path of the link that the page shows."""
    page = admin.post(reverse("desk:person-password-link", args=[who.pk])).content.decode()
    found = re.search(r"http://localhost:8000(/desk/password-link/[^<]+)<", page)
    assert found, page
    return found[1]


def may_sign_in(password: str) -> bool:
    return Client().post(SIGN_IN, {"login": "ruth", "password": password}).status_code == 302


def test_it_sets_a_password_once_and_ends_every_session(admin, ruth):
    at_home = signed_in("ruth")
    link = ask(admin, ruth)
    assert at_home.get("/desk/").status_code == 200, "a link that nobody has used changes nothing"
    page = Client().get(link)
    assert page.status_code == 200
    assert "For the account ruth" in page.content.decode()
    browser = Client()
    assert browser.post(link, FORM).url == SIGN_IN
    assert browser.get("/desk/").status_code == 302, "it signs nobody in"
    assert at_home.get("/desk/").status_code == 302
    assert not may_sign_in(PASSWORD)
    assert may_sign_in(NEW)

    again = Client().post(link, {"password1": "five boats at dawn", "password2": "five boats at dawn"})
    assert again.status_code == 410
    assert "has been used" in again.content.decode()
    assert may_sign_in(NEW)
    told = AuditEntry.objects.filter(action__startswith="account.password_").order_by("pk")
    assert [(one.by_name, one.action, one.label) for one in told] == [
        ("ada", "account.password_link_made", "ruth"),
        ("ruth", "account.password_reset", "ruth"),
    ]
    assert not any(link.split("/")[-2] in str(one.detail) for one in told)


def test_the_second_factor_is_still_asked_for(admin, ruth):
    give_app(ruth)
    Client().post(ask(admin, ruth), FORM)
    assert Client().post(SIGN_IN, {"login": "ruth", "password": NEW}).url == SECOND


def test_it_is_good_for_a_day(admin, ruth):
    link = ask(admin, ruth)
    with clock.shifted(timedelta(hours=23)):
        assert Client().get(link).status_code == 200
    with clock.shifted(timedelta(hours=25)):
        answer = Client().post(link, FORM)
    assert answer.status_code == 410
    assert "is over" in answer.content.decode()
    assert may_sign_in(PASSWORD)


def test_a_newer_one_takes_its_place_and_it_can_be_withdrawn(admin, ruth):
    first = ask(admin, ruth)
    second = ask(admin, ruth)
    assert Client().post(first, FORM).status_code == 410
    page = admin.get(reverse("desk:person", args=[ruth.pk])).content.decode()
    assert "A link of ada is good until" in page
    assert second not in page
    admin.post(reverse("desk:person-password-link-end", args=[ruth.pk]))
    assert Client().post(second, FORM).status_code == 410
    assert may_sign_in(PASSWORD)


def test_a_password_that_was_changed_since_ends_it(admin, ruth):
    link = ask(admin, ruth)
    signed_in("ruth").post("/desk/account/password/", {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})
    answer = Client().get(link)
    assert answer.status_code == 410
    assert "was changed since" in answer.content.decode()


def test_of_two_who_were_as_fast_one_sets_the_password(admin, ruth):
    ask(admin, ruth)
    link = PasswordLink.objects.get(user=ruth)
    password_links.use(link, password=NEW)
    with pytest.raises(password_links.Closed):
        password_links.use(link, password="another one of them")
    assert may_sign_in(NEW)


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: "x" + t[1:], lambda t: t + "x", lambda t: "junk"])
def test_altered_it_opens_nothing(admin, ruth, change):
    token = ask(admin, ruth).removeprefix("/desk/password-link/").rstrip("/")
    assert Client().post(f"/desk/password-link/{change(token)}/", FORM).status_code == 410


@pytest.mark.parametrize("value", [1, "1", [1], [1, 2, 3], None, {"a": 1}])
def test_what_else_is_signed_opens_nothing(admin, ruth, value):
    ask(admin, ruth)
    for purpose in ("invitation", "password-link"):
        token = crypto.sign(purpose, value)
        assert Client().post(f"/desk/password-link/{token}/", FORM).status_code == 410
    assert may_sign_in(PASSWORD)


@pytest.mark.parametrize(
    "wrong", [{"password1": "short", "password2": "short"}, {"password2": "another"}, {"password1": ""}]
)
def test_what_cannot_be_is_told_and_the_link_stays_good(admin, ruth, wrong):
    link = ask(admin, ruth)
    answer = Client().post(link, FORM | wrong)
    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert Client().post(link, FORM).status_code == 302


def test_who_is_signed_in_is_told_to_sign_out_first(admin, ruth):
    assert "Sign out first" in admin.get(ask(admin, ruth)).content.decode()


def refused(admin: Client, who: User) -> str:
    answer = admin.post(reverse("desk:person-password-link", args=[who.pk]), follow=True)
    assert not PasswordLink.objects.exists()
    return answer.content.decode()


def test_there_is_none_for_oneself_for_an_account_that_is_off_or_for_who_has_no_password(admin, ada, ruth):
    assert "Change your own password" in refused(admin, ada)
    ruth.is_active = False
    ruth.save()
    assert "The account is switched off" in refused(admin, ruth)
    nils = make("nils", WRITER)
    nils.set_unusable_password()
    nils.save()
    assert "has no password to forget" in refused(admin, nils)


def test_switched_off_meanwhile_it_opens_nothing(admin, ruth):
    link = ask(admin, ruth)
    admin.post(reverse("desk:person-switch", args=[ruth.pk]))
    assert Client().post(link, FORM).status_code == 410


def test_nobody_but_an_administrator_makes_one(ruth):
    make("eve", WRITER)
    assert signed_in("eve").post(reverse("desk:person-password-link", args=[ruth.pk])).status_code == 403
    assert not PasswordLink.objects.exists()


def test_the_person_hears_of_it_by_mail_without_the_link(admin, ruth, settings, django_capture_on_commit_callbacks):
    settings.MAIL_PROVIDER = "sendgrid"
    with django_capture_on_commit_callbacks(execute=True):
        link = ask(admin, ruth)
    assert [one.to for one in mail.outbox] == [[ruth.email]]
    assert "ada has made a link" in mail.outbox[0].body
    assert link not in mail.outbox[0].body


def test_looking_for_links_has_an_end():
    for _ in range(60):
        Client().get("/desk/password-link/junk/")
    assert Client().get("/desk/password-link/junk/").status_code == 429
