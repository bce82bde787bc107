from __future__ import annotations

from django.http import HttpResponse
from django.test import RequestFactory

from core import csp


def test_every_answer_forbids_whatever_is_not_a_file_of_ours():
    answer = csp.ContentSecurityPolicyMiddleware(lambda _: HttpResponse())(RequestFactory().get("/"))
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "*" not in answer["Content-Security-Policy"]


def test_view_may_set_its_own():
    own = HttpResponse(headers={"Content-Security-Policy": "sandbox"})
    answer = csp.ContentSecurityPolicyMiddleware(lambda _: own)(RequestFactory().get("/"))
    assert answer["Content-Security-Policy"] == "sandbox"
