"""The desk's page of API keys."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from core import keys
from core.models import ApiKey

pytestmark = pytest.mark.django_db

PAGE = "/desk/api-keys/"
NEW = {"name": "shop front", "scopes": ["search:read"]}


@pytest.fixture
def desk():
    def sign_in(role: str) -> Client:
        user = User.objects.create_user(role, password="x", is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client = Client()
        client.force_login(user)
        return client

    return sign_in


def test_only_admins_see_it_and_its_link(desk):
    writer = desk("writer")
    assert writer.get(PAGE).status_code == 403
    assert writer.post(PAGE, NEW).status_code == 403
    assert PAGE not in writer.get("/desk/articles/").content.decode()
    assert PAGE in desk("admin").get("/desk/articles/").content.decode()
    assert Client().get(PAGE).status_code == 302
    assert not ApiKey.objects.exists()


def test_a_new_key_stands_in_one_answer_and_in_no_other(desk):
    admin = desk("admin")
    answer = admin.post(PAGE, NEW)
    (text,) = re.findall(r"<code>(pk_[\w-]{30,})</code>", answer.content.decode())
    assert keys.find(text).created_by.username == "admin"
    assert answer["Cache-Control"] == "no-store"
    assert text not in admin.get(PAGE).content.decode()
    assert text[:10] in admin.get(PAGE).content.decode()


def test_sending_the_form_twice_makes_one_key_and_says_why(desk):
    admin = desk("admin")
    admin.post(PAGE, NEW)
    again = admin.post(PAGE, NEW)
    assert again.status_code == 400
    assert "There is a live key of this name" in again.content.decode()
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("form", [{}, {"name": "x"}, {"name": "x", "scopes": ["search:write"]}, {"name": "x" * 81}])
def test_what_makes_no_sense_is_told_beside_its_field(desk, form):
    answer = desk("admin").post(PAGE, form)
    assert answer.status_code == 400
    assert "errorlist" in answer.content.decode()
    assert not ApiKey.objects.exists()


def test_revoking_ends_it(desk):
    admin = desk("admin")
    admin.post(PAGE, NEW)
    key = ApiKey.objects.get()
    answer = admin.post(f"{PAGE}{key.pk}/revoke/", follow=True)
    assert "The key is revoked" in answer.content.decode()
    assert "revoked before" in admin.post(f"{PAGE}{key.pk}/revoke/", follow=True).content.decode()
    assert admin.get(f"{PAGE}{key.pk}/revoke/").status_code == 405
