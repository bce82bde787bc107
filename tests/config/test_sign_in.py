"""The desk's door: who comes in, who is told what, and who has tried too often."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from config import urls
from core import clock, roles
from core.models import AuditEntry, DeskSession
from tests.kb.conftest import NOW

pytestmark = pytest.mark.django_db

PASSWORD = "a long walk at dusk"
SIGN_IN = "/desk/sign-in/"
TOO_MANY = "Too many tries. Please wait a quarter of an hour and try again."
WHO_MAY_SEE = {
    "home": set(roles.ALL),
    "articles": {roles.WRITER, roles.REVIEWER, roles.ANALYST, roles.ADMIN},
    "contacts": {roles.OPS, roles.ANALYST, roles.ADMIN},
    "messages": {roles.OPS, roles.ANALYST, roles.ADMIN},
    "outbox": {roles.OPS, roles.ANALYST, roles.ADMIN},
    "journeys": {roles.OPS, roles.ANALYST, roles.ADMIN},
}


@pytest.fixture(autouse=True)
def _a_monday_in_march():
    with clock.frozen(NOW):
        yield


@pytest.fixture
def grace():
    user = User.objects.create_user("grace", password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=roles.ANALYST)[0])
    return user


def send(name: str = "grace", password: str = PASSWORD, *, address: str = "192.0.2.1", **more: str):
    return Client(REMOTE_ADDR=address).post(SIGN_IN, {"login": name, "password": password, **more})


def seen(response) -> str:
    """The page without what differs from one to the next anyway."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", response.content.decode())


def test_the_right_password_leads_to_the_desk(grace):
    client = Client()
    response = client.post(SIGN_IN, {"login": "grace", "password": PASSWORD}, follow=True)

    assert response.redirect_chain == [(reverse("desk:home"), 302)]
    assert response.status_code == 200
    assert client.get(SIGN_IN).url == reverse("desk:home")


def test_who_was_sent_away_comes_back_to_the_page_they_wanted(grace):
    wanted = reverse("desk:journeys") + "?page=2"
    assert send(next=wanted).url == wanted


def test_a_wrong_password_and_an_unknown_name_are_told_the_same(grace):
    wrong = send("grace", "not it")
    unknown = send("nobody", "not it")

    assert wrong.status_code == unknown.status_code == 200
    assert "Please enter a correct username and password" in wrong.content.decode()
    assert seen(wrong).replace("grace", "*") == seen(unknown).replace("nobody", "*")
    assert "sessionid" not in wrong.cookies


def test_an_inactive_account_is_told_no_more_than_an_unknown_one(grace):
    User.objects.update(is_active=False)
    assert seen(send()).replace("grace", "*") == seen(send("nobody")).replace("nobody", "*")


@pytest.mark.parametrize(("same", "tries"), [("address", 60), ("name", 10)])
def test_the_try_after_the_last_in_a_quarter_of_an_hour_has_to_wait(grace, same, tries):
    def attempt(n: int):
        if same == "address":
            return send(f"guess{n}", "no")
        return send(("grace", "Grace ")[n % 2], "no", address=f"192.0.2.{n + 1}")

    assert [attempt(n).status_code for n in range(tries)] == [200] * tries
    refused = attempt(tries)
    assert refused.status_code == 429
    assert TOO_MANY in refused.content.decode()

    with clock.frozen(NOW + timedelta(minutes=15)):
        assert attempt(tries + 1).status_code == 200


def test_others_are_not_kept_waiting(grace):
    for n in range(61):
        send(f"guess{n}", "no")
    assert send(address="192.0.2.2").status_code == 302


def test_too_many_tries_no_longer_tell_whether_the_password_was_right(grace):
    for _try in range(10):
        send("grace", "no")
    right, wrong = send("grace"), send("grace", "no")

    assert right.status_code == wrong.status_code == 429
    assert "sessionid" not in right.cookies
    assert seen(right) == seen(wrong)


def test_a_customer_may_sign_in_and_sees_nothing_of_the_desk():
    User.objects.create_user("ada", password=PASSWORD)
    client = Client()
    response = client.post(SIGN_IN, {"login": "ada", "password": PASSWORD}, follow=True)

    assert response.status_code == 403
    for name in WHO_MAY_SEE:
        assert client.get(reverse(f"desk:{name}")).status_code == 403, name


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com/", "javascript:alert(1)"])
def test_sign_in_leads_nowhere_else(grace, elsewhere):
    in_query = Client().post(f"{SIGN_IN}?next={elsewhere}", {"login": "grace", "password": PASSWORD})
    assert in_query.url == send(next=elsewhere).url == reverse("desk:home")


def test_sign_out_is_a_button_and_not_a_link(grace):
    client = Client()
    client.force_login(grace)

    assert client.get(reverse("desk:sign-out")).status_code == 405
    assert client.get(reverse("desk:home")).status_code == 200
    assert client.post(reverse("desk:sign-out")).url == SIGN_IN
    assert client.get(reverse("desk:home")).status_code == 302


@pytest.mark.parametrize(
    "pattern",
    [one for one in urls.desk if one.name not in ("sign-in", "sign-out", "join", "password-link")],
    ids=lambda one: one.name,
)
def test_a_stranger_is_sent_to_the_sign_in_from_everywhere(pattern):
    samples = {"int": 1, "uuid": uuid.UUID(int=1), "slug": "verify"}
    kinds = {
        name: type(one).__name__.removesuffix("Converter").lower() for name, one in pattern.pattern.converters.items()
    }
    address = reverse(f"desk:{pattern.name}", kwargs={name: samples[kind] for name, kind in kinds.items()})
    answer = Client().get(address)
    if answer.status_code == 405:  # takes POST alone, and says so before it asks who it is
        assert answer["Allow"] == "POST"
        answer = Client().post(address)

    assert answer.status_code == 302
    assert answer.url == f"{SIGN_IN}?next={address}"


def test_a_sign_in_a_failed_one_and_a_sign_out_are_in_the_audit_log(grace):
    send("grace", "no")
    send("nobody", "my password in the wrong field")
    client = Client()
    client.post(SIGN_IN, {"login": "grace", "password": PASSWORD})
    client.post(reverse("desk:sign-out"))
    said = [(entry.action, entry.by_name, entry.label) for entry in AuditEntry.objects.order_by("pk")]

    assert said == [
        ("sign_in.failed", "", "grace"),
        ("sign_in.failed", "", "unknown name"),
        ("sign_in.done", "grace", "grace"),
        ("sign_out.done", "grace", "grace"),
    ]


def test_a_session_gets_another_key_when_somebody_signs_in(grace):
    client = Client()
    client.post(SIGN_IN, {"login": "grace", "password": PASSWORD})
    first = client.cookies["sessionid"].value
    client.post(reverse("desk:sign-out"))
    client.cookies["sessionid"] = first
    client.post(SIGN_IN, {"login": "grace", "password": PASSWORD})
    assert client.cookies["sessionid"].value != first


def test_signing_in_needs_the_forms_own_token(grace):
    client = Client(enforce_csrf_checks=True)
    assert client.post(SIGN_IN, {"login": "grace", "password": PASSWORD}).status_code == 403
    assert "sessionid" not in client.cookies


@pytest.mark.parametrize(
    ("name", "password"),
    [("gr\0ace", PASSWORD), ("grace", f"{PASSWORD}\0"), ("grace", "x" * 10_000), ("x" * 10_000, "y")],
)
def test_what_no_name_or_password_can_be_is_refused_like_any_other(grace, name, password):
    response = send(name, password)
    assert response.status_code == 200
    assert "sessionid" not in response.cookies


@pytest.mark.parametrize("path", ["signup/", "sign-up/", "account/signup/", "account/email/", "admin/"])
def test_nobody_can_sign_up(path):
    assert Client().get(f"/desk/{path}").status_code == 404
    with pytest.raises(NoReverseMatch):
        reverse("account_signup")


def test_a_session_that_was_not_used_for_half_a_day_is_over(grace, settings):
    client = Client()
    client.post(SIGN_IN, {"login": "grace", "password": PASSWORD})
    assert client.session.get_expiry_age() == settings.SESSION_COOKIE_AGE == 12 * 3600
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get(reverse("desk:home")).url == f"{SIGN_IN}?next=/desk/"


def test_a_session_in_use_goes_on_and_is_noted_once_a_minute(grace):
    client = Client()
    client.post(SIGN_IN, {"login": "grace", "password": PASSWORD})
    ages_ago = timezone.now() - timedelta(hours=11)
    DeskSession.objects.update(seen_at=ages_ago)
    client.get(reverse("desk:home"))
    assert DeskSession.objects.get().seen_at == ages_ago  # seen within the minute

    session = client.session
    session["desk_seen"] -= 61
    session.save()
    Session.objects.update(expire_date=timezone.now() + timedelta(minutes=1))
    client.get(reverse("desk:home"))
    assert DeskSession.objects.get().seen_at > ages_ago
    assert Session.objects.get().expire_date > timezone.now() + timedelta(hours=11)


def test_no_session_lasts_longer_than_a_fortnight_however_busy(grace):
    client = Client()
    client.post(SIGN_IN, {"login": "grace", "password": PASSWORD})
    session = client.session
    session["desk_began"] -= 15 * 86_400
    session.save()
    assert client.get(reverse("desk:home")).url == f"{SIGN_IN}?next=/desk/"
    assert DeskSession.objects.get().ended_at


def test_who_is_deleted_while_signed_in_is_a_stranger(grace):
    client = Client()
    client.post(SIGN_IN, {"login": "grace", "password": PASSWORD})
    grace.delete()
    assert client.get(reverse("desk:home")).url == f"{SIGN_IN}?next=/desk/"
    assert not DeskSession.objects.exists()


@pytest.mark.parametrize("role", roles.ALL)
def test_each_role_sees_the_lists_that_are_for_it(role):
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    got = {name: client.get(reverse(f"desk:{name}")).status_code for name in WHO_MAY_SEE}

    assert got == {name: 200 if role in may else 403 for name, may in WHO_MAY_SEE.items()}
