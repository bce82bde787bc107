"""Autosave, the soft lock, and two people in one draft."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from kb.models import Draft, EditingLock
from tests.kb.test_desk import form

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer(browser):
    def sign_in(name: str, role: str = "writer"):
        user = User.objects.create_user(name, is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        client = browser()
        client.force_login(user)
        return client

    return sign_in


def save(client, article, body, version):
    given = {"title": "Late", "summary": "", "body": body, "version": version}
    return client.post(f"/desk/articles/{article.pk}/autosave/", given)


def here(client, article, **more):
    return client.post(f"/desk/articles/{article.pk}/here/", more)


def test_a_save_gives_the_next_version(writer, write):
    article, ann = write("Late"), writer("ann")
    answer = save(ann, article, "one\r\ntwo", 1)
    assert (answer.status_code, answer.json()["version"]) == (200, 2)
    assert answer.json()["at"] == "10:00:00"
    assert Draft.objects.get(article=article).body == "one\ntwo"
    assert save(ann, article, "one\r\ntwo", 2).json()["version"] == 2, "the same again is no save"


def test_a_save_over_a_newer_text_is_refused_and_stores_nothing(writer, write):
    article, ann, bea = write("Late"), writer("ann"), writer("bea")
    save(ann, article, "ann's", 1)
    answer = save(bea, article, "bea's", 1)
    assert answer.status_code == 409
    assert answer.json() == {"who": "ann", "is_me": False, "at": "10:00:00"}
    assert Draft.objects.get(article=article).body == "ann's"


def test_the_page_of_a_conflict_marks_what_differs(writer, write):
    article, ann, bea = write("Late"), writer("ann"), writer("bea")
    opened = form(article)
    save(ann, article, "It takes four days.", 1)
    page = bea.post(f"/desk/articles/{article.pk}/", {**opened, "body": "It takes five days.", "title": "Later"})
    assert page.status_code == 409
    text = page.content.decode()
    assert "It takes <del>four</del> days." in text
    assert "It takes <ins>five</ins> days." in text
    assert "<del>Late</del><ins>Later</ins>" in text


def test_what_cannot_be_stored_is_said(writer, write):
    article, ann = write("Late"), writer("ann")
    answer = ann.post(f"/desk/articles/{article.pk}/autosave/", {"title": "x" * 201, "body": "b", "version": 1})
    assert answer.status_code == 422
    assert "longer than 200" in answer.json()["problem"]
    answer = ann.post(f"/desk/articles/{article.pk}/autosave/", {"title": " ", "body": "b", "version": 1})
    assert "the title is empty" in answer.json()["problem"]
    assert save(ann, article, "a\0b", 1).status_code == 200
    assert Draft.objects.get(article=article).body == "ab"


@pytest.mark.parametrize("role", ["analyst", "ops"])
def test_only_those_who_write_save(writer, write, role):
    article, client = write("Late"), writer("eve", role)
    assert save(client, article, "x", 1).status_code == 403
    assert here(client, article).status_code == 403


def test_the_second_person_is_told_who_is_there(writer, write):
    article, ann, bea = write("Late"), writer("ann"), writer("bea")
    assert here(ann, article).json()["is_me"]
    since = EditingLock.objects.get().since
    answer = here(bea, article).json()
    assert (answer["name"], answer["is_me"], answer["version"]) == ("ann", False, 1)
    assert "writing here since" in bea.get(f"/desk/articles/{article.pk}/").content.decode()
    assert here(ann, article).json()["is_me"]
    assert EditingLock.objects.get().since == since, "since when, not since the last heartbeat"


def test_a_lock_is_taken_over_and_the_first_one_learns_it(writer, write):
    article, ann, bea = write("Late"), writer("ann"), writer("bea")
    here(ann, article)
    assert here(bea, article, take_over="1").json()["is_me"]
    assert here(ann, article).json()["name"] == "bea"


def test_a_lock_ends_by_itself_and_by_leaving(writer, write):
    article, ann, bea = write("Late"), writer("ann"), writer("bea")
    here(ann, article)
    connection.cursor().execute("UPDATE kb_editinglock SET seen_at = seen_at - interval '41 s'")
    assert here(bea, article).json()["is_me"]
    here(bea, article, leave="1")
    assert here(ann, article).json()["is_me"]
    here(bea, article, leave="1")
    assert here(ann, article).json()["is_me"], "nobody leaves for somebody else"


def test_the_editor_asks_no_more_than_twelve_times(writer, write, django_assert_max_num_queries):
    article, client = write("Late"), writer("bea", "reviewer")
    save(client, article, "two", 1)
    client.get(f"/desk/articles/{article.pk}/")
    with django_assert_max_num_queries(12):
        client.get(f"/desk/articles/{article.pk}/")
