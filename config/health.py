"""GET /healthz, for load balancers and the supervisor: 200 where this process can do its work, else 503 and what fails.

Public; it names components and says nothing else about them. The middleware stands before all others, since a health
check comes by plain http, without our host name, and wants no log line, cookie or visitor.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable

import psycopg
from django.conf import settings
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from kombu import Connection
from kombu.exceptions import OperationalError

PATH = "/healthz"
_SECONDS = 2  # for each attempt to connect

logger = logging.getLogger("preempt.health")


class HealthMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return _answer() if request.path == PATH else self.get_response(request)


def failing() -> list[str]:
    """The components that do not work now: `database`, `migrations`, `broker`."""
    found = []
    parameters = connection.get_connection_params()
    try:
        # A connection of its own: a pool that is only busy is no failure.
        with psycopg.connect(**{**parameters, "connect_timeout": _SECONDS}) as asked:
            applied = asked.execute("select app::text, name::text from django_migrations").fetchall()
            if not _migrations_on_disk() <= set(applied):
                found.append("migrations")
            if not settings.BROKER_URL and not asked.execute("select to_regclass('pgmq.meta')").fetchall()[0][0]:
                found.append("broker")
    except psycopg.errors.UndefinedTable:
        found.append("migrations")
    except psycopg.Error as error:
        logger.warning("health: the database does not answer: %s", error)
        found.append("database")
    if settings.BROKER_URL and not _answers(settings.BROKER_URL):
        found.append("broker")
    return found


def _answer() -> JsonResponse:
    found = failing()
    content = {"status": "failing", "failing": found} if found else {"status": "ok"}
    return JsonResponse(content, status=503 if found else 200, headers={"Cache-Control": "no-store"})


@functools.cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    """What this process's code needs; read once, since the code does not change while it runs."""
    return frozenset(MigrationLoader(None).disk_migrations)


def _answers(broker: str) -> bool:
    try:
        with Connection(broker, connect_timeout=_SECONDS) as asked:
            asked.connect()
    except (OSError, OperationalError) as error:
        logger.warning("health: the broker does not answer: %s", error)
        return False
    return True
