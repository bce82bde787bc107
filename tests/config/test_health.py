"""/healthz, as a load balancer asks it."""

from __future__ import annotations

import pytest
from django.db import connection, connections

from config import health

pytestmark = pytest.mark.django_db(transaction=True)


def test_host_that_can_work_says_ok(client):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_no_host_name_browser_https_or_cookie_is_asked_for(client, settings):
    settings.ALLOWED_HOSTS = []
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/healthz", headers={"host": "10.1.2.3", "user-agent": "kube-probe/1.30"})
    assert answer.status_code == 200
    assert not answer.cookies
    assert "X-Request-Id" not in answer.headers, "it is no line in the request log either"


def test_unreachable_database_is_named_and_nothing_else_is(client, monkeypatch):
    parameters = {**connection.get_connection_params(), "host": "/nowhere", "password": "secret"}
    monkeypatch.setattr(connections["default"], "get_connection_params", lambda: parameters)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "failing": ["database"]}


def test_missing_migration_is_named(client, monkeypatch):
    newer = health._migrations_on_disk() | {("kb", "9999_of_a_newer_release")}
    monkeypatch.setattr(health, "_migrations_on_disk", lambda: newer)
    assert client.get("/healthz").json() == {"status": "failing", "failing": ["migrations"]}


def test_missing_broker_tables_are_named(client):
    with connection.cursor() as cursor:
        cursor.execute("alter schema pgmq rename to pgmq_away")
    try:
        assert client.get("/healthz").json() == {"status": "failing", "failing": ["broker"]}
    finally:
        with connection.cursor() as cursor:
            cursor.execute("alter schema pgmq_away rename to pgmq")


def test_unreachable_external_broker_is_named(client, settings):
    settings.BROKER_URL = "amqp://guest@127.0.0.1:1//"
    assert client.get("/healthz").json() == {"status": "failing", "failing": ["broker"]}
