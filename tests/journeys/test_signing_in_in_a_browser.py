"""Signing in as people do: a passkey made and used, an app's code typed; and what keeps somebody from these pages."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from playwright.sync_api import Page, expect

from core import roles
from tests.config.staff import PASSWORD, code, factors, make
from tests.journeys import barriers
from tests.journeys.conftest import SHOTS, WALKED_ONCE, Walker, browser_context, in_each_view
from tests.journeys.desk_pages_signin import DESK_PAGES, DOOR_PAGES

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _groups(transactional_db):
    for role in roles.ALL:
        Group.objects.get_or_create(name=role)


SEEN_IN = [("phone", "dark"), ("desktop", "light")]


@pytest.fixture
def visitor_of_the_desk(chromium, live_server):
    context = browser_context(chromium, *SEEN_IN[0])
    yield Walker(context, str(live_server), SHOTS / "-".join(SEEN_IN[0]))
    context.close()


def give_authenticator(page: Page) -> None:
    """A device that keeps passkeys and always finds the right finger."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )


def sign_in(walker: Walker, name: str) -> None:
    walker.open("/desk/sign-in/")
    walker.page.get_by_label("Username").fill(name)
    walker.page.get_by_label("Password").fill(PASSWORD)
    walker.page.get_by_role("button", name="Sign in").click()


def sign_out(walker: Walker) -> None:
    walker.page.evaluate("() => document.querySelector('form[action=\"/desk/sign-out/\"]').submit()")
    expect(walker.page.get_by_role("heading", name="Sign in")).to_be_visible()


@WALKED_ONCE
def test_a_passkey_signs_in_alone_and_as_the_second_step(walker: Walker):
    ruth = make("ruth", roles.WRITER)
    page = walker.page
    give_authenticator(page)
    sign_in(walker, "ruth")
    walker.open("/desk/account/passkeys/add/")
    walker.shoot("account-passkey")
    page.get_by_label("Name").fill("Ruth's telephone")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    walker.shoot("account-recovery-codes")
    assert factors(ruth) == ["recovery_codes", "webauthn"]
    walker.open("/desk/account/")
    expect(page.get_by_text("Ruth's telephone")).to_be_visible()
    walker.shoot("account-with-passkey")

    sign_out(walker)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    sign_out(walker)
    sign_in(walker, "ruth")
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    walker.shoot("second-factor")
    page.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert not walker.complaints
    assert not walker.foreign


@WALKED_ONCE
def test_an_app_is_set_up_and_asked_for(walker: Walker):
    make("ruth", roles.WRITER)
    page = walker.page
    sign_in(walker, "ruth")
    walker.open("/desk/account/app/")
    walker.shoot("account-app")
    secret = page.locator("code").inner_text().replace(" ", "")
    page.get_by_label("Code that the app shows").fill(code(secret))
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    sign_out(walker)
    sign_in(walker, "ruth")
    page.get_by_label("Code", exact=True).fill(code(secret, steps=1))
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    assert not walker.complaints
    assert walker.width_overflow() <= 0


def test_nothing_keeps_anybody_from_these_pages(visitor_of_the_desk: Walker):
    found = []
    for number, (path, role, set_up) in enumerate(DESK_PAGES):
        if role == roles.ADMIN:  # test_the_desk_keeps_nobody_out.py walks through those
            continue
        visitor_of_the_desk.forget()
        user = make(f"ada-{number}", *([role] if role else []))
        client = Client()
        _sign_in(client, user.username)
        path = set_up(user) or path
        cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": visitor_of_the_desk.root}
        visitor_of_the_desk.page.context.add_cookies([cookie])
        visitor_of_the_desk.open(path, status=403 if (path, role) == ("/desk/", "") else 200)
        found += [f"{number} {path}: {sentence}" for sentence in _look(visitor_of_the_desk, f"signin-{number}")]
    assert found == []


@pytest.mark.parametrize("number", range(len(DOOR_PAGES)))
def test_nothing_keeps_anybody_from_the_door(visitor_of_the_desk: Walker, number: int):
    path, set_up = DOOR_PAGES[number]
    made = set_up()
    path = urlsplit(made).path if made else path
    visitor_of_the_desk.open(path, status=410 if path.endswith("junk/") else 200)
    assert _look(visitor_of_the_desk, f"door-{number}") == []


def _sign_in(client: Client, name: str) -> None:
    assert client.post("/desk/sign-in/", {"login": name, "password": PASSWORD}).status_code == 302


def _look(walker: Walker, name: str) -> list[str]:
    walker.shoot(name)
    page = walker.page
    found = in_each_view(page, barriers.axe, barriers.sideways, barriers.focus, views=SEEN_IN)
    return found + walker.complaints + walker.foreign
