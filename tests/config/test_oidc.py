"""Single sign-on: whom the provider sends, what they may, and whose account they do not get."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.core import checks
from django.test import Client
from django.urls import reverse

from config import env
from core import roles
from core.models import AuditEntry
from core.roles import ADMIN, WRITER
from tests.config.staff import SECOND, SIGN_IN, give_app, make, signed_in
from tests.fakes import oidc

pytestmark = pytest.mark.django_db
LEAVE = "/desk/sign-in/with/oidc/"


@pytest.fixture
def idp(settings):
    with oidc.provider() as fake:
        settings.OIDC_ISSUER, settings.OIDC_NAME = fake.issuer, "Fernhill ID"
        app = {
            "provider_id": "oidc",
            "name": "Fernhill ID",
            "client_id": oidc.CLIENT,
            "secret": oidc.SECRET,
            "settings": {"server_url": fake.issuer},
        }
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}}
        yield fake


def leave(client: Client, query: str = "") -> dict[str, list[str]]:
    """What the provider is asked."""
    page = client.post(LEAVE + query).content.decode()
    to = html.unescape(re.search(r'content="0;url=([^"]+)"', page)[1])
    return parse_qs(urlsplit(to).query)


def come_back(client: Client, asked: dict[str, list[str]], **more: str):
    return client.get(f"{LEAVE}back/", {"code": "c", "state": asked["state"][0], **more})


def through(client: Client, query: str = ""):
    return come_back(client, leave(client, query))


def test_without_a_provider_there_is_no_such_way():
    assert "Continue with" not in Client().get(SIGN_IN).content.decode()
    assert Client().post(LEAVE).status_code == 404
    assert Client().get(f"{LEAVE}back/").status_code == 404


def test_a_newcomer_gets_an_account_without_a_role_and_is_told_so(idp):
    client = Client()
    assert "Continue with Fernhill ID" in client.get(SIGN_IN).content.decode()
    assert through(client).url == "/desk/"
    page = client.get("/desk/")
    assert page.status_code == 403
    assert "no role yet" in page.content.decode()

    nils = User.objects.get(username="nils")
    assert nils.is_staff
    assert not nils.has_usable_password()
    assert roles.roles_of(nils) == set()
    assert client.get(reverse("desk:account")).status_code == 200
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["account.made", "sign_in.done"]


def test_with_the_role_that_an_administrator_gives_they_come_in(idp):
    through(Client())
    admin = Client()
    admin.force_login(make("ada", ADMIN))
    nils = User.objects.get(username="nils")
    assert "no role yet" in admin.get(reverse("desk:people")).content.decode()
    admin.post(reverse("desk:person-roles", args=[nils.pk]), {"roles": [WRITER]})
    client = Client()
    through(client)
    assert client.get("/desk/").status_code == 200
    assert User.objects.count() == 2


def test_the_same_address_is_not_the_same_account(idp):
    ada = make("ada", ADMIN)
    idp.person = {"sub": "evil", "email": ada.email.upper(), "email_verified": True, "preferred_username": "ada"}
    client = Client()
    page = through(client)
    assert page.status_code == 403
    assert "There is an account already" in page.content.decode()
    assert client.get("/desk/").status_code == 302
    assert not SocialAccount.objects.exists()
    assert User.objects.count() == 1


def test_the_same_user_name_is_not_the_same_account(idp):
    ada = make("ada", ADMIN)
    idp.person = {"sub": "evil", "email": "", "preferred_username": "ada"}
    client = Client()
    through(client)
    assert client.get("/desk/").status_code == 403
    assert SocialAccount.objects.get().user != ada


def test_who_is_signed_in_connects_the_two_and_then_signs_in_by_it(idp):
    ada = make("ada", ADMIN)
    idp.person = {"sub": "7", "email": ada.email, "preferred_username": "ada"}
    client = signed_in("ada")
    assert through(client, "?process=connect").url == reverse("desk:account")
    assert AuditEntry.objects.filter(action="account.connected").count() == 1
    other = Client()
    through(other)
    assert other.get("/desk/").status_code == 200
    client.post(reverse("desk:account-disconnect"))
    assert not SocialAccount.objects.exists()


def test_an_account_of_somebody_else_cannot_be_connected(idp):
    make("ada", ADMIN)
    through(Client())  # nils has it
    client = signed_in("ada")
    through(client, "?process=connect")
    assert SocialAccount.objects.get().user.username == "nils"


def test_the_second_factor_is_still_asked_for(idp):
    through(Client())
    give_app(User.objects.get(username="nils"))
    client = Client()
    assert through(client).url == SECOND
    assert client.get("/desk/").status_code == 302


def test_an_account_that_is_off_stays_out(idp):
    through(Client())
    User.objects.update(is_active=False)
    client = Client()
    assert through(client).url == SIGN_IN
    assert "switched off" in client.get(SIGN_IN).content.decode()


def test_an_answer_to_nobodys_question_is_refused(idp):
    client = Client()
    asked = leave(client)
    assert Client().get(f"{LEAVE}back/", {"code": "c", "state": asked["state"][0]}).url == SIGN_IN
    assert come_back(client, asked, state="forged").url == SIGN_IN
    assert come_back(client, asked).url == "/desk/"
    other = Client()
    other.cookies = client.cookies
    client.post(reverse("desk:sign-out"))
    assert come_back(client, asked).url == SIGN_IN  # once


def test_the_token_must_be_for_us(idp):
    idp.audience = "another-app"
    client = Client()
    assert through(client).url == SIGN_IN
    assert not User.objects.exists()


def test_a_proof_key_and_no_secret_go_by_the_browser(idp):
    client = Client()
    asked = leave(client)
    assert asked["code_challenge_method"] == ["S256"]
    assert "client_secret" not in asked
    come_back(client, asked)
    assert idp.asked[0]["code_verifier"]


def test_a_provider_that_does_not_answer_is_told(idp):
    idp.is_down = True
    client = Client()
    assert client.post(LEAVE).url == SIGN_IN
    assert "does not answer" in client.get(SIGN_IN).content.decode()


def test_cancelled_there_is_told_here(idp):
    client = Client()
    asked = leave(client)
    answer = client.get(f"{LEAVE}back/", {"error": "access_denied", "state": asked["state"][0]}, follow=True)
    assert "You did not sign in at Fernhill ID" in answer.content.decode()


def test_it_leads_on_to_our_own_pages_only(idp):
    assert through(Client(), "?next=/desk/articles/").url == "/desk/articles/"
    assert through(Client(), "?next=https://evil.example.com/").url == "/desk/"


def test_leaving_takes_our_own_form(idp):
    assert Client().get(LEAVE).status_code == 405
    assert Client(enforce_csrf_checks=True).post(LEAVE).status_code == 403


@pytest.fixture
def mapped(settings):
    settings.OIDC_ROLES_CLAIM = "groups"
    settings.OIDC_ROLES = {"kb-editors": ["writer", "reviewer"], "kb-readers": ["analyst"], "kb-admins": ["admin"]}


def says(idp, *groups: str, **more: object) -> None:
    idp.person = {"sub": "1", "email": "nils@fernhill.example.com", "preferred_username": "nils", **more}
    if groups:
        idp.person["groups"] = list(groups)


def roles_now() -> set[str]:
    return roles.roles_of(User.objects.get(username="nils"))


def test_a_newcomer_has_the_roles_of_their_groups_at_once(idp, mapped):
    make("ada", ADMIN)
    says(idp, "kb-editors", "kb-readers", "everybody")
    client = Client()
    through(client)
    assert client.get("/desk/").status_code == 200
    assert roles_now() == {"writer", "reviewer", "analyst"}
    entry = AuditEntry.objects.get(action="account.roles_changed")
    assert entry.detail == {
        "before": [],
        "after": ["analyst", "reviewer", "writer"],
        "through": "single sign-on",
        "groups": ["kb-editors", "kb-readers"],
    }


def test_at_each_sign_in_they_are_what_the_provider_says_then(idp, mapped):
    make("ada", ADMIN)
    says(idp, "kb-editors")
    through(Client())
    says(idp, "kb-readers")
    client = Client()
    through(client)
    assert roles_now() == {"analyst"}
    through(client)
    assert AuditEntry.objects.filter(action="account.roles_changed").count() == 2, "the same again is no change"
    says(idp)
    through(client)
    assert roles_now() == set()
    assert client.get("/desk/").status_code == 403


@pytest.mark.parametrize(
    "claim",
    [["admin"], ["writer"], ["KB-ADMINS"], ["kb-admins "], "kb-admins,kb-editors", {"kb-admins": True}, [["kb-admins"]],
     [None, 7], 7, True, None],
)  # fmt: skip
def test_what_is_not_mapped_gives_nothing(idp, mapped, claim):
    says(idp, groups=claim, roles=["admin"], admin=True)
    through(Client())
    assert roles_now() == set()


def test_without_a_mapping_no_claim_gives_anything(idp, settings):
    settings.OIDC_ROLES_CLAIM, settings.OIDC_ROLES = "", {}
    says(idp, "kb-admins", "admin")
    through(Client())
    assert roles_now() == set()


def test_a_role_that_the_mapping_does_not_name_stays_as_an_administrator_gave_it(idp, mapped):
    admin = Client()
    admin.force_login(make("ada", ADMIN))
    says(idp, "kb-editors")
    through(Client())
    nils = User.objects.get(username="nils")
    page = admin.get(reverse("desk:person", args=[nils.pk])).content.decode()
    assert "decides of these roles: writer, reviewer, analyst, admin" in page
    admin.post(reverse("desk:person-roles", args=[nils.pk]), {"roles": ["ops", "admin"]})
    assert roles_now() == {"ops", "admin"}
    through(Client())
    assert roles_now() == {"ops", "writer", "reviewer"}


def test_the_last_administrator_stays_one_whatever_the_provider_says(idp, mapped):
    says(idp, "kb-admins")
    through(Client())
    says(idp, "kb-editors")
    client = Client()
    through(client)
    assert roles_now() == {"admin", "writer", "reviewer"}
    make("ada", ADMIN)
    through(client)
    assert roles_now() == {"writer", "reviewer"}


@pytest.mark.parametrize(
    ("name", "person"),
    [
        ("https://shop.example.com/groups", {"https://shop.example.com/groups": ["kb-editors"]}),
        ("realm_access.roles", {"realm_access": {"roles": ["kb-editors"]}}),
        ("role", {"role": "kb-editors"}),
    ],
)
def test_a_claim_may_have_dots_or_be_a_path_or_one_word(idp, mapped, settings, name, person):
    settings.OIDC_ROLES_CLAIM = name
    says(idp, **person)
    through(Client())
    assert roles_now() == {"writer", "reviewer"}


def test_the_claim_may_stand_in_the_token_alone(idp, mapped):
    says(idp)
    idp.in_token = {"groups": ["kb-editors"]}
    through(Client())
    assert roles_now() == {"writer", "reviewer"}


def test_connecting_changes_no_roles_and_signing_in_by_it_does(idp, mapped):
    make("ada", ADMIN)
    make("nils", "ops", WRITER)
    says(idp, "kb-readers")
    through(signed_in("nils"), "?process=connect")
    assert roles_now() == {"ops", "writer"}
    through(Client())
    assert roles_now() == {"ops", "analyst"}


@pytest.mark.parametrize("said", ["[]", "writer", '{"a": "writer"}', '{"a": [1]}', '{"a": }'])
def test_a_mapping_that_is_none_stops_the_start(monkeypatch, said):
    monkeypatch.setenv("OIDC_ROLES", said)
    with pytest.raises(env.BadSetting, match="OIDC_ROLES"):
        env.lists("OIDC_ROLES")


def test_a_mapping_to_a_role_that_there_is_not_is_told(settings):
    settings.OIDC_ROLES = {"kb-editors": ["writer", "editor"]}
    found = [one for one in checks.run_checks() if one.id == "preempt.E021"]
    assert "'kb-editors' would give roles that there are not: editor" in found[0].msg


@pytest.mark.parametrize("said", ["id.example.com", "ftp://id.example.com", "http://id.example.com", "https://a b"])
def test_an_issuer_that_is_no_address_stops_the_start(monkeypatch, said):
    monkeypatch.setenv("OIDC_ISSUER", said)
    with pytest.raises(env.BadSetting, match="OIDC_ISSUER"):
        env.address("OIDC_ISSUER")


def test_half_of_the_settings_stop_the_start():
    with pytest.raises(env.BadSetting, match="OIDC_CLIENT_SECRET"):
        env.together(OIDC_ISSUER="https://id.example.com", OIDC_CLIENT_ID="x", OIDC_CLIENT_SECRET="")
    env.together(OIDC_ISSUER="", OIDC_CLIENT_ID="", OIDC_CLIENT_SECRET="")
