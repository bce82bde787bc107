"""Who is counted, and who is not."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpResponse, JsonResponse
from django.test import RequestFactory

from core import visitors

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def visit(*, agent: str = BROWSER, cookie: str = "", user=None, response=None, **headers: str):
    """The visitor of one request, and the response with its cookies."""
    request = RequestFactory().get("/", headers={"user-agent": agent, **headers})
    if cookie:
        request.COOKIES[visitors.COOKIE] = cookie
    request.user = user or AnonymousUser()
    if user:
        request.COOKIES[settings.SESSION_COOKIE_NAME] = "theirs"
    seen = []

    def view(request):
        seen.append(visitors.of(request))
        return response or HttpResponse("<p>Hello</p>")

    answer = visitors.VisitorMiddleware(view)(request)
    return seen[0], answer


def test_new_visitor_gets_an_id_that_the_next_visit_brings_back():
    visitor, answer = visit()
    assert visitor.is_new
    cookie = answer.cookies[visitors.COOKIE]
    assert cookie.value == visitor.id == str(uuid.UUID(visitor.id))
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    again, answer = visit(cookie=cookie.value)
    assert (again.id, again.is_new) == (visitor.id, False)
    assert not answer.cookies


def test_cookie_is_for_https_only_on_a_public_host(settings):
    settings.SESSION_COOKIE_SECURE = True
    assert visit()[1].cookies[visitors.COOKIE]["secure"]


@pytest.mark.parametrize("nonsense", ["x", "'; drop table", "0" * 5000])
def test_cookie_with_nonsense_is_replaced(nonsense):
    visitor, _ = visit(cookie=nonsense)
    assert visitor.is_new
    assert str(uuid.UUID(visitor.id)) == visitor.id


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; bingbot/2.0)",
        "curl/8.5.0",
        "python-requests/2.32",
        "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/128.0",
        "facebookexternalhit/1.1",
    ],
)
def test_bots_are_not_counted_and_get_no_cookie(agent):
    visitor, answer = visit(agent=agent)
    assert (visitor.id, visitor.why_not) == ("", "bot")
    assert not answer.cookies


@pytest.mark.parametrize("headers", [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}])
def test_prefetch_is_no_visit(headers):
    visitor, answer = visit(**headers)
    assert (visitor.id, visitor.why_not) == ("", "prefetch")
    assert not answer.cookies


def test_browser_that_asks_not_to_be_tracked_is_not():
    visitor, answer = visit(cookie=str(uuid.uuid4()), **{"sec-gpc": "1"})
    assert (visitor.id, visitor.why_not) == ("", "no_consent")
    assert not answer.cookies


def test_staff_are_not_counted():
    visitor, _ = visit(cookie=str(uuid.uuid4()), user=User(username="ed", is_staff=True))
    assert (visitor.id, visitor.why_not) == ("", "staff")


def test_signed_in_customer_is_counted():
    known = str(uuid.uuid4())
    assert visit(cookie=known, user=User(username="cu"))[0].id == known


def test_only_pages_set_the_cookie():
    assert not visit(response=JsonResponse({}))[1].cookies
