"""Requests that cannot be read get a page of ours, which says what happened and what to do."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.kb.conftest import BROWSER

pytestmark = pytest.mark.django_db

FORM = "application/x-www-form-urlencoded"
TOO_LONG = "x" * 1_100_000


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/en/vote/", f"helpful=no&comment={TOO_LONG}"),
        ("/embed/en/vote/", f"helpful=no&comment={TOO_LONG}"),
        ("/en/orders/", f"number={TOO_LONG}"),
        ("/en/contact/", f"message={TOO_LONG}"),
        ("/en/contact/suggest/", f"message={TOO_LONG}"),
        ("/en/contact/answered/", f"message={TOO_LONG}"),
        ("/en/vote/", "&".join(f"a{number}=1" for number in range(1100))),
    ],
)
def test_more_than_we_take_is_said_in_words_and_leads_back_to_what_was_typed(browser, path, body):
    answer = browser().post(path, body, content_type=FORM)
    assert answer.status_code == 413
    said = answer.content.decode()
    assert "Go back with your browser: what you wrote is still" in said
    assert 'class="top no-print"' in said, "a page of the help centre"
    assert "default-src 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/en/", "/en/search/", "/de/contact/"])
def test_an_address_with_too_many_parameters_too(browser, path):
    answer = browser().get(f"{path}?{'&'.join(f'a{number}=1' for number in range(1100))}")
    assert answer.status_code == 413
    assert 'action="' in answer.content.decode(), "with a search box"


def test_in_the_readers_language(browser):
    said = browser().post("/de/vote/", f"comment={TOO_LONG}", content_type=FORM).content.decode()
    assert '<html lang="de"' in said
    assert "Go back" not in said


def test_what_came_damaged_is_called_that(browser):
    answer = browser().post("/en/contact/", "xx", content_type="multipart/form-data; boundary=")
    assert answer.status_code == 400
    assert "reached us only in part" in answer.content.decode()
    answer = browser().post("/en/vote/", "xx", content_type="multipart/form-data; boundary=")
    assert answer.status_code == 400
    assert "damaged or only in part" in answer.content.decode()


def test_an_address_under_another_name_gets_no_page(browser):
    answer = browser().get("/en/", headers={"host": "evil.example"})
    assert (answer.status_code, answer.content) == (400, b"No such host here.")


def test_a_form_of_the_desk_without_its_cookie_is_told_what_to_do():
    answer = Client(enforce_csrf_checks=True, headers={"user-agent": BROWSER}).post("/desk/sign-in/", {})
    assert answer.status_code == 403
    assert "load the page again" in answer.content.decode()


@pytest.mark.parametrize(
    ("path", "leads"),
    [("/en/vote/", "/en/"), ("/en/orders/box/", "/en/orders/"), ("/de/contact/suggest/", "/de/contact/")],
)
def test_the_address_of_a_post_opened_by_hand_is_no_dead_end(browser, path, leads):
    assert browser().get(path)["Location"] == leads


def test_a_long_address_makes_no_long_page(browser):
    page = browser().get("/en/search/?q=" + "%D8%B7" * 20_000)
    assert page.status_code == 200
    assert len(page.content) < 150_000, "the language menu names the address in every language"
