"""What every address of the API shares: keys, limits, and errors that say what to do (RFC 9457)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import SuspiciousOperation
from django.http import Http404
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from core import keys, ratelimit
from core.models import ApiKey, Scope

PROBLEM = "application/problem+json"
_MINUTE = timedelta(minutes=1)
_OF_A_KEY = 6_000  # requests a minute: a shop's own server


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer pk_…`. Never a cookie: a page of somebody else's cannot ask in a reader's name."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = keys.find(text.strip())
        if key is None:
            raise exceptions.AuthenticationFailed(
                "This API key is not known or has been revoked. Send a live one as Authorization: Bearer pk_…, or none."
            )
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The same in docs/api.yaml."""

    target_class = "core.api.KeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A key made on the desk; it begins with pk_."}


class Everybody(BasePermission):
    """Also without a key."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return True


class Limit(BaseThrottle):
    """So many requests a minute of one network, as the view's `a_minute` says; of a key far more."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, ApiKey):
            return ratelimit.allow(f"api:key:{request.auth.pk}", limit=_OF_A_KEY, per=_MINUTE)
        network = ratelimit.network_of(request._request)
        # A server behind a socket does not know the network; its proxy must limit.
        return not network or ratelimit.allow(f"api:{view.limit_name}:{network}", limit=view.a_minute, per=_MINUTE)

    def wait(self) -> float:
        return _MINUTE.total_seconds()  # at most: the window ends sooner


def has_scope(request: Request, scope: Scope) -> bool:
    """Whether the request came with a key that has it."""
    return isinstance(request.auth, ApiKey) and scope in request.auth.scopes


def problem(
    status_code: int, title: str, detail: str, *, errors: list[dict[str, str]] | None = None, **headers: str
) -> Response:
    """An error's answer: what happened, which parameters, what to do."""
    body = {"type": "about:blank", "title": title, "status": status_code, "detail": detail}
    if errors:
        body["errors"] = errors
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body, status=status_code, headers=named, content_type=PROBLEM)


def on_error(error: Exception, context: dict[str, Any]) -> Response | None:
    """REST framework's exception handler. None for a fault of our own, which Django logs and answers with 500."""
    match error:
        case exceptions.ValidationError():
            errors = [
                {"parameter": name, "problem": str(text)}
                for name, texts in error.detail.items()
                for text in (texts if isinstance(texts, list) else [texts])
            ]
            detail = "; ".join(f"{each['parameter']}: {each['problem']}" for each in errors)
            return problem(400, "A parameter cannot be used", detail, errors=errors)
        case exceptions.Throttled():
            seconds = str(int(error.wait or _MINUTE.total_seconds()))
            return problem(
                status.HTTP_429_TOO_MANY_REQUESTS,
                "Too many requests",
                f"Your network has asked too often. Wait {seconds} seconds, or use an API key.",
                Retry_After=seconds,
            )
        case exceptions.AuthenticationFailed():
            return problem(401, "The API key is not valid", str(error.detail), WWW_Authenticate="Bearer")
        case exceptions.APIException():
            return problem(error.status_code, "The request was refused", str(error.detail))
        case Http404():
            return problem(404, "There is nothing here", "See /api/v1/schema for what there is.")
        case SuspiciousOperation():
            return problem(400, "The request cannot be read", "It has far too many parameters, or broken ones.")
    return None
