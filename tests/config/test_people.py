"""People: invited, given roles, switched off; and everybody's own account."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from config.accounts import invitations, staff
from core import clock, crypto, roles
from core.models import AuditEntry, DeskSession, Invitation
from core.roles import ADMIN, ANALYST, OPS, WRITER
from tests.config.staff import PASSWORD, SECOND, SIGN_IN, code, factors, give_app, make, signed_in

pytestmark = pytest.mark.django_db
PEOPLE = "/desk/people/"
NEW = {"username": "nils", "first_name": "Nils", "password": "three boats at noon"}


@pytest.fixture
def ada():
    return make("ada", ADMIN)


@pytest.fixture
def admin(ada):
    client = Client()
    client.force_login(ada)
    return client


def link_on(page: str) -> str:
    found = re.search(r"http://localhost:8000(/desk/join/[^<]+)<", page)
    assert found, page
    return found[1]


def act(client: Client, name: str, who: User, **said: object):
    return client.post(reverse(f"desk:{name}", args=[who.pk]), said, follow=True)


class TestInvitations:
    @pytest.fixture
    def link(self, admin) -> str:
        page = admin.post(PEOPLE, {"roles": [WRITER, OPS]})
        assert page.status_code == 200
        return link_on(page.content.decode())

    def test_the_link_makes_an_account_with_its_roles(self, link):
        page = Client().get(link).content.decode()
        assert "writes and edits articles" in page
        assert Client().post(link, NEW).url == SIGN_IN

        nils = User.objects.get(username="nils")
        assert nils.is_staff
        assert not nils.is_superuser
        assert set(nils.groups.values_list("name", flat=True)) == {WRITER, OPS}
        assert Client().post(SIGN_IN, {"login": "nils", "password": NEW["password"]}).url == "/desk/"
        assert Invitation.objects.get().used_by == nils
        made = AuditEntry.objects.get(action="account.made")
        assert (made.by_name, made.detail) == ("nils", {"through": "invitation", "roles": [WRITER, OPS]})

    def test_it_is_good_once(self, link):
        Client().post(link, NEW)
        again = Client().post(link, NEW | {"username": "other"})
        assert again.status_code == 410
        assert "has been used" in again.content.decode()
        assert not User.objects.filter(username="other").exists()

    def test_of_two_who_were_as_fast_one_gets_an_account(self, link):
        invitation = Invitation.objects.get()
        invitations.accept(invitation, username="nils", first_name="", password="x")
        with pytest.raises(invitations.Closed):
            invitations.accept(invitation, username="other", first_name="", password="x")
        assert not User.objects.filter(username="other").exists()

    def test_it_is_good_for_a_week(self, link):
        with clock.shifted(timedelta(days=6, hours=23)):
            assert Client().get(link).status_code == 200
        with clock.shifted(timedelta(days=7, minutes=1)):
            answer = Client().post(link, NEW)
        assert answer.status_code == 410
        assert "is over" in answer.content.decode()

    @pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: "x" + t[1:], lambda t: t + "x", lambda t: "junk"])
    def test_altered_it_opens_nothing(self, link, change):
        token = link.removeprefix("/desk/join/").rstrip("/")
        assert Client().get(f"/desk/join/{change(token)}/").status_code == 410

    def test_a_link_of_another_purpose_opens_nothing(self, link):
        token = crypto.sign("unsubscribe", Invitation.objects.get().pk)
        assert Client().get(f"/desk/join/{token}/").status_code == 410

    def test_withdrawn_it_opens_nothing(self, link, admin):
        admin.post(reverse("desk:invitation-withdraw", args=[Invitation.objects.get().pk]))
        answer = Client().post(link, NEW)
        assert answer.status_code == 410
        assert "withdrawn" in answer.content.decode()

    def test_roles_are_the_invitations_not_the_forms(self, link):
        Client().post(link, NEW | {"roles": [ADMIN], "is_superuser": "on", "is_staff": "on", "groups": "1"})
        nils = User.objects.get(username="nils")
        assert roles.roles_of(nils) == {WRITER, OPS}

    @pytest.mark.parametrize(
        "wrong",
        [
            {"username": "ADA"},
            {"username": "a b"},
            {"username": ""},
            {"username": "a\0b"},
            {"password": "short"},
            {"password": "nils"},
            {"password": "password123"},
            {"password": "x" * 10_000},
            {"password": "three\0boats at"},
        ],
    )
    def test_what_cannot_be_is_told_and_the_link_stays_good(self, link, wrong):
        answer = Client().post(link, NEW | wrong)
        assert answer.status_code == 400
        assert "errorlist" in answer.content.decode()
        assert Client().post(link, NEW).status_code == 302

    def test_who_is_signed_in_is_told_to_sign_out_first(self, link, admin):
        assert "Sign out first" in admin.get(link).content.decode()

    def test_looking_for_links_has_an_end(self):
        for _ in range(60):
            Client().get("/desk/join/junk/")
        assert Client().get("/desk/join/junk/").status_code == 429

    def test_without_a_mail_provider_nothing_is_sent(self, admin):
        page = admin.post(PEOPLE, {"email": "nils@fernhill.example.com", "roles": [WRITER]}).content.decode()
        assert link_on(page)
        assert mail.outbox == []

    def test_with_one_the_link_goes_to_the_address_and_stays_off_the_page(self, admin, settings):
        settings.MAIL_PROVIDER = "sendgrid"
        page = admin.post(PEOPLE, {"email": "nils@fernhill.example.com", "roles": [WRITER]}).content.decode()
        assert "/desk/join/" not in page
        assert mail.outbox[0].to == ["nils@fernhill.example.com"]
        link = re.search(r"http://localhost:8000(/desk/join/\S+)", mail.outbox[0].body)[1]
        Client().post(link, NEW)
        assert User.objects.get(username="nils").email == "nils@fernhill.example.com"

    @pytest.mark.parametrize("wrong", [{"roles": []}, {"roles": ["boss"]}, {"email": "x", "roles": [WRITER]}])
    def test_an_invitation_needs_a_role_and_an_address_that_is_one(self, admin, wrong):
        assert admin.post(PEOPLE, wrong).status_code == 400
        assert not Invitation.objects.exists()

    def test_nobody_is_invited_twice_to_one_address(self, admin, ada):
        assert admin.post(PEOPLE, {"email": ada.email.upper(), "roles": [WRITER]}).status_code == 400


class TestRoles:
    def test_they_are_changed_and_count_from_the_next_page_on(self, admin):
        ruth = make("ruth", WRITER)
        client = signed_in("ruth")
        assert client.get(reverse("desk:orders")).status_code == 403
        act(admin, "person-roles", ruth, roles=[OPS])
        assert client.get(reverse("desk:orders")).status_code == 200
        entry = AuditEntry.objects.get(action="account.roles_changed")
        assert (entry.by_name, entry.label) == ("ada", "ruth")
        assert entry.detail == {"before": [WRITER], "after": [OPS]}

    def test_nobody_takes_the_administrators_role_from_themselves(self, admin, ada):
        make("bea", ADMIN)
        page = act(admin, "person-roles", ada, roles=[WRITER])
        assert page.status_code == 409
        assert "from yourself" in page.content.decode()
        assert roles.roles_of(User.objects.get(pk=ada.pk)) == {ADMIN}

    def test_the_last_administrator_stays_one(self, ada):
        root = User.objects.create_superuser("root", password=PASSWORD)
        User.objects.filter(pk=root.pk).update(is_active=False)
        with pytest.raises(staff.Refused, match="last administrator"):
            staff.set_roles(ada, [WRITER], by=root)

    def test_a_group_that_is_no_role_stays(self, admin):
        ruth = make("ruth", WRITER, "choir")
        act(admin, "person-roles", ruth, roles=[ANALYST, "choir", "nonsense"])
        assert set(ruth.groups.values_list("name", flat=True)) == {WRITER, "choir"}  # nonsense is refused as a whole
        act(admin, "person-roles", ruth, roles=[ANALYST])
        assert set(ruth.groups.values_list("name", flat=True)) == {ANALYST, "choir"}

    def test_only_staff_can_be_given_roles(self, admin):
        customer = User.objects.create_user("cust")
        assert act(admin, "person-roles", customer, roles=[ADMIN]).status_code == 404

    def test_who_has_no_role_is_told_so(self):
        make("newcomer")
        client = signed_in("newcomer")
        page = client.get(reverse("desk:home"))
        assert page.status_code == 403
        assert "no role yet" in page.content.decode()
        assert client.get(reverse("desk:account")).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_remove_each_other_at_once_leave_one():
    Group.objects.get_or_create(name=ADMIN)
    ada, bea = make("ada", ADMIN), make("bea", ADMIN)
    both_ready, outcomes = threading.Barrier(2), []

    def remove(whom: User, by: User) -> None:
        try:
            both_ready.wait(timeout=10)
            outcomes.append(staff.switch_off(whom, by=by))
        except staff.Refused:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=pair) for pair in ((ada, bea), (bea, ada))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes)) == ["True", "refused"]
    assert roles.administrators().count() == 1


class TestSwitchedOff:
    def test_sessions_end_at_once_and_for_good(self, admin):
        ruth = make("ruth", WRITER)
        client = signed_in("ruth")
        act(admin, "person-switch", ruth)
        assert client.get(reverse("desk:home")).url == f"{SIGN_IN}?next=/desk/"
        assert Client().post(SIGN_IN, {"login": "ruth", "password": PASSWORD}).status_code == 200

        act(admin, "person-switch", ruth, on="1")
        assert client.get(reverse("desk:home")).status_code == 302
        signed_in("ruth")
        assert [
            entry.action for entry in AuditEntry.objects.filter(target_id=ruth.pk, by_name="ada").order_by("pk")
        ] == [
            "account.switched_off",
            "account.switched_on",
        ]

    def test_nobody_switches_off_themselves(self, admin, ada):
        make("bea", ADMIN)
        assert "your own account" in act(admin, "person-switch", ada).content.decode()
        assert User.objects.get(pk=ada.pk).is_active

    def test_not_even_a_stale_session_comes_back(self, admin):
        """A session whose row was ended, but whose own data a request in flight has written again."""
        ruth = make("ruth", WRITER)
        client = signed_in("ruth")
        session = client.session
        session["desk_seen"] -= 61
        session.save()
        DeskSession.objects.filter(user=ruth).update(ended_at=timezone.now())
        assert client.get(reverse("desk:home")).url == f"{SIGN_IN}?next=/desk/"
        assert not Session.objects.filter(session_key=session.session_key).exists()


def test_an_administrator_resets_a_lost_second_factor(admin):
    ruth = make("ruth", WRITER)
    secret = give_app(ruth)
    client = Client()
    client.post(SIGN_IN, {"login": "ruth", "password": PASSWORD})
    client.post(SECOND, {"code": code(secret)})
    act(admin, "person-second-factor-reset", ruth)
    assert factors(ruth) == []
    assert client.get(reverse("desk:home")).status_code == 302
    signed_in("ruth")


def test_not_ones_own(admin, ada):
    give_app(ada)
    act(admin, "person-second-factor-reset", ada)
    assert factors(ada) == ["totp"]


def test_the_list_says_who_has_which_roles_and_was_seen_when(admin):
    make("ruth", WRITER)
    signed_in("ruth")
    give_app(make("olga", OPS))
    make("newcomer")
    page = admin.get(PEOPLE).content.decode()
    for words in ("ruth", "olga", "no role yet", "never"):
        assert words in page
    with connection.execute_wrapper(_counting(few := [])):
        admin.get(PEOPLE)
    for n in range(20):
        make(f"person{n}", WRITER)
    with connection.execute_wrapper(_counting(many := [])):
        admin.get(PEOPLE)
    assert len(many) == len(few)
    assert "olga" not in admin.get(PEOPLE, {"q": "ruth"}).content.decode()
    assert admin.get(PEOPLE, {"q": "\0"}).status_code == 200


def _counting(seen: list[str]):
    def count(execute, sql, params, many, context):
        seen.append(sql)
        return execute(sql, params, many, context)

    return count


class TestOnesOwnAccount:
    def test_a_new_password_ends_all_other_sessions(self):
        make("ruth", WRITER)
        here, there = signed_in("ruth"), signed_in("ruth")
        new = "four boats at midnight"
        said = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        assert here.post("/desk/account/password/", said).url == "/desk/account/"
        assert here.get(reverse("desk:home")).status_code == 200
        assert there.get(reverse("desk:home")).status_code == 302
        assert AuditEntry.objects.filter(action="account.password_changed").count() == 1
        assert DeskSession.objects.filter(ended_at=None).count() == 1

    def test_the_old_password_is_asked_for(self):
        ruth = make("ruth", WRITER)
        client = signed_in("ruth")
        said = {"oldpassword": "no", "password1": "four boats at midnight", "password2": "four boats at midnight"}
        assert client.post("/desk/account/password/", said).status_code == 200
        ruth.refresh_from_db()
        assert ruth.check_password(PASSWORD)

    def test_signing_out_everywhere_else_leaves_this_one(self):
        make("ruth", WRITER)
        here, there = signed_in("ruth"), signed_in("ruth")
        here.post(reverse("desk:account-sessions-end"))
        assert here.get(reverse("desk:account")).content.decode().count("this one") == 1
        assert there.get(reverse("desk:home")).status_code == 302
        assert AuditEntry.objects.get(action="account.sessions_ended").detail == {"ended": 1}


class TestForgottenPassword:
    ASK = "/desk/password/"

    def test_without_a_mail_provider_there_is_no_such_page(self):
        assert Client().get(self.ASK).status_code == 404
        assert "Forgotten it?" not in Client().get(SIGN_IN).content.decode()

    def test_the_answer_is_the_same_whether_or_not_there_is_an_account(self, settings):
        settings.MAIL_PROVIDER = "sendgrid"
        make("ruth", WRITER)
        answers = [Client().post(self.ASK, {"email": f"{name}@fernhill.example.com"}) for name in ("ruth", "nobody")]
        assert [(answer.status_code, answer.url) for answer in answers] == [(302, "/desk/password/sent/")] * 2
        assert [one.to for one in mail.outbox] == [["ruth@fernhill.example.com"]]

    def test_the_link_sets_a_password_once_and_the_second_factor_is_still_asked_for(self, settings):
        settings.MAIL_PROVIDER = "sendgrid"
        ruth = make("ruth", WRITER)
        client = signed_in("ruth")
        give_app(ruth)
        Client().post(self.ASK, {"email": ruth.email})
        link = re.search(r"http://testserver(/desk/password/\S+)", mail.outbox[0].body)[1]
        browser = Client()
        form = browser.get(link).url
        new = {"password1": "four boats at midnight", "password2": "four boats at midnight"}
        assert browser.post(form, new).url == "/desk/password/done/"

        assert client.get(reverse("desk:home")).status_code == 302
        assert "This link is over" in Client().get(link).content.decode()
        signing = Client().post(SIGN_IN, {"login": "ruth", "password": new["password1"]})
        assert signing.url == SECOND

    def test_asking_has_an_end(self, settings):
        settings.MAIL_PROVIDER = "sendgrid"
        make("ruth", WRITER)
        answers = [Client().post(self.ASK, {"email": "ruth@fernhill.example.com"}).status_code for _ in range(6)]
        assert answers == [302] * 5 + [429]

    def test_an_account_that_is_off_gets_no_mail(self, settings):
        settings.MAIL_PROVIDER = "sendgrid"
        make("ruth", WRITER, is_active=False)
        Client().post(self.ASK, {"email": "ruth@fernhill.example.com"})
        assert mail.outbox == []
