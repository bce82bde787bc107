"""The second factor: set up, asked for, guessed, replayed, lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from io import StringIO
from urllib.parse import unquote

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from config import embedded
from config.accounts import codes
from core.models import AuditEntry, DeskSession
from core.roles import ADMIN, WRITER
from tests.config.staff import (
    PASSWORD,
    SECOND,
    SIGN_IN,
    code,
    factors,
    give_app,
    give_recovery_codes,
    make,
    secret_on,
    signed_in,
)

pytestmark = pytest.mark.django_db
SET_UP = "/desk/account/app/"
TOO_MANY = "Too many tries"


@pytest.fixture
def ruth():
    return make("ruth", WRITER)


def through_password(name: str = "ruth", **more: str) -> Client:
    client = Client()
    response = client.post(SIGN_IN, {"login": name, "password": PASSWORD, **more})
    assert response.url == SECOND
    return client


def is_in(client: Client) -> bool:
    return client.get(reverse("desk:home")).status_code == 200


def test_an_app_is_set_up_by_picture_or_key_and_brings_recovery_codes(ruth):
    client = signed_in("ruth")
    page = client.get(SET_UP).content.decode()
    secret = secret_on(page)

    assert '<svg class="qr"' in page
    assert "data:image" not in page
    response = client.post(SET_UP, {"code": code(secret)})
    assert response.url == "/desk/account/recovery-codes/"
    assert factors(ruth) == ["recovery_codes", "totp"]
    assert client.get(response.url).content.decode().count("<li><code>") == 10
    assert AuditEntry.objects.get(action="account.second_factor_added").detail == {"kind": "app"}


def test_the_secret_of_an_app_is_not_in_the_database_as_it_is(ruth):
    client = signed_in("ruth")
    secret = secret_on(client.get(SET_UP).content.decode())
    client.post(SET_UP, {"code": code(secret)})
    assert secret not in json.dumps(list(Authenticator.objects.values_list("data", flat=True)))


def test_a_wrong_first_code_sets_up_nothing_and_shows_the_same_key_again(ruth):
    client = signed_in("ruth")
    secret = secret_on(client.get(SET_UP).content.decode())
    page = client.post(SET_UP, {"code": "000000" if code(secret) != "000000" else "111111"}).content.decode()
    assert "That did not fit" in page
    assert secret_on(page) == secret
    assert factors(ruth) == []


def test_the_password_alone_no_longer_lets_in(ruth):
    secret = give_app(ruth)
    client = through_password(next="/desk/articles/")

    assert not is_in(client)
    assert not AuditEntry.objects.filter(action="sign_in.done").exists()
    response = client.post(SECOND, {"code": code(secret)})
    assert response.url == "/desk/articles/"
    assert is_in(client)
    assert AuditEntry.objects.get(action="sign_in.done").detail == {"ways": ["password", "mfa:totp"]}


def test_nobody_reaches_the_second_step_without_the_first(ruth):
    give_app(ruth)
    assert Client().get(SECOND).url == SIGN_IN
    assert Client().post(SECOND, {"code": "123456"}).url == SIGN_IN


def test_a_code_is_good_once(ruth):
    secret = give_app(ruth)
    used = code(secret)
    assert through_password().post(SECOND, {"code": used}).status_code == 302
    again = through_password()
    page = again.post(SECOND, {"code": used})

    assert "That did not fit" in page.content.decode()
    assert not is_in(again)
    assert AuditEntry.objects.get(action="second_factor.failed").label == "ruth"


def test_a_code_of_before_one_that_was_used_is_over_too(ruth):
    secret = give_app(ruth)
    assert through_password().post(SECOND, {"code": code(secret, steps=1)}).status_code == 302
    for steps in (-1, 0, 1):
        client = through_password()
        client.post(SECOND, {"code": code(secret, steps=steps)})
        assert not is_in(client), steps


def test_the_code_that_set_up_the_app_signs_nobody_in(ruth):
    client = signed_in("ruth")
    secret = secret_on(client.get(SET_UP).content.decode())
    client.post(SET_UP, {"code": code(secret)})
    other = through_password()
    other.post(SECOND, {"code": code(secret)})
    assert not is_in(other)


@pytest.mark.parametrize(("steps", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_the_phones_clock_may_be_half_a_minute_off(ruth, monkeypatch, steps, is_good):
    moment = time.time()
    monkeypatch.setattr(time, "time", lambda: moment)
    secret = give_app(ruth)
    assert codes.use(Authenticator.objects.get(user=ruth), code(secret, steps=steps)) is is_good


def test_guessing_codes_has_an_end_and_then_even_the_right_one_waits(ruth):
    secret = give_app(ruth)
    client = through_password()
    wrong = "000000" if code(secret) != "000000" else "111111"
    answers = [client.post(SECOND, {"code": wrong}).status_code for _ in range(11)]

    assert answers == [200] * 10 + [429]
    anew = through_password()  # another session, another address: it is counted for the person
    late = anew.post(SECOND, {"code": code(secret)}, REMOTE_ADDR="192.0.2.77")
    assert late.status_code == 429
    assert TOO_MANY in late.content.decode()
    assert not is_in(anew)


@pytest.mark.parametrize("junk", ["", " ", "12345\0", "١٢٣٤٥٦", "x" * 10_000, "123 456 7"])
def test_what_no_code_can_be_is_no_error(ruth, junk):
    give_app(ruth)
    client = through_password()
    assert client.post(SECOND, {"code": junk}).status_code == 200
    assert not is_in(client)


@pytest.mark.parametrize(
    "junk", ["", "{", "[]", "null", "1", '{"id": 1}', '{"response": {}}', '{"id": "a", "response": 7}']
)
def test_what_no_passkey_says_is_no_error(ruth, junk):
    give_app(ruth)
    client = through_password()
    assert client.post(SECOND, {"credential": junk}).status_code == 200
    assert client.post("/desk/sign-in/passkey/", {"credential": junk}).status_code == 302
    inside = signed_in("tess", Client()) if make("tess", WRITER) else None
    assert inside.post("/desk/account/passkeys/add/", {"credential": junk, "name": "x"}).status_code == 200
    assert not is_in(client)


def test_a_recovery_code_lets_in_once(ruth):
    give_app(ruth)
    recovery = give_recovery_codes(ruth)
    typed = f"{recovery[0][:4]} {recovery[0][4:]}"
    assert through_password().post(SECOND, {"code": typed}).url == "/desk/"
    again = through_password()
    again.post(SECOND, {"code": typed})
    assert not is_in(again)


def test_recovery_codes_come_as_a_file_too(ruth):
    secret = give_app(ruth)
    recovery = give_recovery_codes(ruth)
    client = through_password()
    client.post(SECOND, {"code": code(secret)})
    response = client.get("/desk/account/recovery-codes.txt")
    assert response["Content-Disposition"].startswith("attachment")
    assert f"{recovery[9][:4]} {recovery[9][4:]}" in response.content.decode()


@pytest.mark.parametrize(
    "path", ["app/", "passkeys/add/", "recovery-codes/", "recovery-codes.txt", "recovery-codes/new/"]
)
def test_whoever_finds_an_open_browser_is_asked_who_they_are(ruth, path):
    client = Client()
    client.force_login(ruth)  # signed in at some time, it is not known when
    give_recovery_codes(ruth)
    response = client.get(f"/desk/account/{path}")
    assert unquote(response.url) == f"/desk/account/confirm/?next=/desk/account/{path}"

    assert "Incorrect password" in client.post(response.url, {"password": "no"}).content.decode()
    assert client.post(response.url, {"password": PASSWORD}).url == f"/desk/account/{path}"
    assert client.get(f"/desk/account/{path}").status_code in (200, 404)


def test_removing_the_app_takes_the_recovery_codes_along(ruth):
    secret = give_app(ruth)
    give_recovery_codes(ruth)
    client = through_password()
    client.post(SECOND, {"code": code(secret)})
    assert client.post("/desk/account/app/remove/").status_code == 302
    assert factors(ruth) == []
    assert AuditEntry.objects.get(action="account.second_factor_removed").detail == {"kind": "app"}


def test_new_recovery_codes_end_the_old_ones(ruth):
    secret = give_app(ruth)
    old = give_recovery_codes(ruth)
    client = through_password()
    client.post(SECOND, {"code": code(secret)})
    assert client.post("/desk/account/recovery-codes/new/").status_code == 302
    other = through_password()
    other.post(SECOND, {"code": old[0]})
    assert not is_in(other)
    assert AuditEntry.objects.filter(action="account.recovery_codes_made").count() == 1


class TestWhereEverybodyMustHaveOne:
    @pytest.fixture(autouse=True)
    def _required(self, settings):
        settings.REQUIRE_SECOND_FACTOR = True

    def test_every_page_leads_to_setting_one_up(self, ruth):
        client = signed_in("ruth")
        for name in ("home", "articles", "search"):
            response = client.get(reverse(f"desk:{name}"))
            assert response.url == reverse("desk:account"), name
        page = client.get(reverse("desk:account")).content.decode()
        assert "You need a second factor" in page

        secret = secret_on(client.get(SET_UP).content.decode())  # just signed in: not asked for the password again
        client.post(SET_UP, {"code": code(secret)})
        assert is_in(client)

    def test_a_post_does_nothing_before_that(self, ruth):
        admin = make("ada", ADMIN)
        client = signed_in("ada")
        client.post(reverse("desk:person-switch", args=[ruth.pk]))
        ruth.refresh_from_db()
        assert ruth.is_active
        assert admin.is_active

    def test_who_has_one_goes_on(self, ruth):
        secret = give_app(ruth)
        client = through_password()
        client.post(SECOND, {"code": code(secret)})
        assert is_in(client)

    def test_the_last_one_stays(self, ruth):
        secret = give_app(ruth)
        client = through_password()
        client.post(SECOND, {"code": code(secret)})
        page = client.post("/desk/account/app/remove/").content.decode()
        assert "this is your last" in page
        assert factors(ruth) == ["totp"]

    def test_what_nobody_signed_in_for_is_as_ever(self):
        assert Client().get(SIGN_IN).status_code == 200
        assert Client().get(reverse("desk:home")).url == f"{SIGN_IN}?next=/desk/"


def test_in_the_demo_nobody_must_have_one():
    def setting(**variables: str) -> str:
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")}
        asked = "from config import settings; print(settings.REQUIRE_SECOND_FACTOR)"
        done = subprocess.run(
            [sys.executable, "-c", asked], cwd=embedded.REPOSITORY, env=kept | variables, capture_output=True, text=True
        )
        return done.stdout.strip()

    assert setting(REQUIRE_SECOND_FACTOR="1", PREEMPT_DEMO="1") == "False"
    assert setting(REQUIRE_SECOND_FACTOR="1") == "True"


def test_a_command_resets_the_second_factor_of_who_lost_it(ruth):
    secret = give_app(ruth)
    client = through_password()
    client.post(SECOND, {"code": code(secret)})
    out = StringIO()
    call_command("reset_second_factor", "ruth", stdout=out)

    assert factors(ruth) == []
    assert not is_in(client)
    assert DeskSession.objects.get().ended_at
    signed_in("ruth")
    entry = AuditEntry.objects.get(action="account.second_factor_reset")
    assert (entry.by_name, entry.label, entry.detail) == ("", "ruth", {"removed": 1, "through": "manage.py"})


def test_the_command_names_the_account_that_it_does_not_know():
    with pytest.raises(CommandError, match="no account 'rutz'"):
        call_command("reset_second_factor", "rutz")


def test_with_another_secret_key_the_error_says_what_to_do(ruth, settings):
    give_app(ruth)
    settings.SECRET_KEY = "another"
    with pytest.raises(ValueError, match="reset_second_factor"):
        codes.use(Authenticator.objects.get(user=ruth), "123456")
