"""One line a request: enough to find it again, nothing that people wrote or own."""

from __future__ import annotations

import logging

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from core import crypto, requests
from core.requests import Discreet, RequestLogMiddleware


@pytest.fixture
def ask(caplog):
    def ask(path: str):
        with caplog.at_level(logging.INFO, logger="preempt.request"):
            answer = RequestLogMiddleware(lambda _: HttpResponse(status=201))(RequestFactory().get(path))
        return answer, caplog.records[-1]

    return ask


def test_line_and_answer_carry_the_same_id(ask):
    answer, line = ask("/help/")
    assert answer["X-Request-Id"] == line.request_id
    assert (line.method, line.path, line.status) == ("GET", "/help/", 201)
    assert line.ms >= 0


def test_two_requests_have_two_ids(ask):
    assert ask("/")[1].request_id != ask("/")[1].request_id


def test_query_is_not_logged(ask):
    assert ask("/search/?q=my+divorce")[1].path == "/search/"


def test_signed_link_is_not_logged(ask):
    token = crypto.sign("order", {"order": "FH-106117", "person": "x" * 32})
    assert token not in ask(f"/orders/{token}/")[1].path


def test_djangos_own_lines_on_failures_keep_neither_the_request_nor_a_signed_link():
    token = crypto.sign("order", [1, "link"])
    path = f"/en/orders/{token}/"
    record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "%s: %s", ("Not Found", path), None)
    record.request = RequestFactory().get(path)
    assert Discreet().filter(record)
    assert record.getMessage() == "Not Found: /en/orders/…/"
    assert not hasattr(record, "request")


def test_a_path_with_a_null_byte_is_not_found_and_no_failure():
    answer = RequestLogMiddleware(lambda _: HttpResponse(status=201))(RequestFactory().get("/en/a/%00/"))
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("headers", "is_foreign"),
    [
        ({}, False),  # a program
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://testserver"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "https://proxy.example.com"}, False),
        ({"origin": "http://testserver"}, False),
        ({"origin": "https://testserver"}, True),
        ({"origin": "null"}, True),
    ],
)
def test_a_form_of_another_site_is_told_by_what_the_browser_says(headers, is_foreign):
    assert requests.is_from_another_site(RequestFactory().post("/", headers=headers)) == is_foreign
