"""What bench/delivery.py measures with: messages by the hundred thousand, a mail provider on loopback, real workers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench._search_process import ROOT
from bench._search_world import World
from tests.fakes import sendgrid

LATENCY_MS = 20
RULE = "bench"
PEOPLE = 100_000  # at most: more messages than that are about the same orders again
KEY = "SG.loopback-only"


def environment(provider: sendgrid.Handle) -> dict[str, str]:
    """What a worker's settings read: this provider, as fast as it goes, at any hour of the night."""
    return {
        "MAIL_PROVIDER": "sendgrid",
        "SENDGRID_API_KEY": KEY,
        "SENDGRID_URL": provider.url,
        "MAIL_RATE_PER_SECOND": "0",
        "QUIET_HOURS": "",
        "LOG_LEVEL": "WARNING",
    }


@contextlib.contextmanager
def provider(folder: Path) -> Iterator[sendgrid.Handle]:
    """The fake SendGrid of the tests as a process of its own, LATENCY_MS slow; it makes no reports."""
    log = folder / f"provider-{time.monotonic_ns()}.jsonl"
    command = [sys.executable, "-m", "tests.fakes.sendgrid", "--log", str(log), "--api-key", KEY]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        process.stdout.readline()
        handle = sendgrid.Handle(url=f"http://127.0.0.1:{port}", log=log)
        handle.order(latency_ms=LATENCY_MS)
        try:
            yield handle
        finally:
            process.terminate()


@contextlib.contextmanager
def workers(count: int = 3, **env: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Workers that need no broker, until the block ends."""
    command = [sys.executable, "manage.py", "dispatch"]
    started = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.DEVNULL) for _ in range(count)
    ]
    try:
        yield started
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                process.kill()  # amid a campaign that it would first have ended
                process.wait()


def begin(world: World, handle: sendgrid.Handle) -> None:
    """Django with its tables in `world`, set up to send through `handle`, in this process and its children."""
    os.environ.update(environment(handle))
    world.django()


def fill(count: int, *, lane: str, first: int = 1) -> None:
    """`count` ready messages of one lane, each about a late order; up to PEOPLE people, orders and parcels."""
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in _FILL:
            cursor.execute(statement, {"count": count, "people": PEOPLE, "lane": lane, "rule": RULE, "first": first})
        # As autovacuum would within a minute.
        for table in ("customer", "order", "orderline", "shipment", "trackingevent", "episode", "message"):
            cursor.execute(f"ANALYZE notifications_{table}")


_FILL = (
    """
    INSERT INTO notifications_rule (key, name, kind, template, lane, holdout_share, ambiguity_policy, is_legal_notice,
        is_for_any_hour, is_active)
    VALUES (%(rule)s, 'Bench', 'promise_passed', 'delay_promise_passed', %(lane)s, 0, 'never_twice', false, true, true)
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO notifications_customer (source, external_id, email, first_name, last_name, person, locale, time_zone)
    SELECT 'bench', 'c' || n, 'person' || n || '@example.com', 'Ada', 'Number', md5('p' || n),
        'en', 'Europe/London'
      FROM generate_series(%(first)s, %(first)s + least(%(count)s, %(people)s) - 1) n
    """,
    """
    INSERT INTO notifications_order (source, external_id, number, customer_id, placed_at, promised_deliver_by,
        ship_to_country, ship_to_region)
    SELECT 'bench', external_id, 'B-' || external_id, id, now() - interval '9 days', now() - interval '1 day', 'GB', ''
      FROM notifications_customer WHERE source = 'bench' AND substr(external_id, 2)::int >= %(first)s
    """,
    """
    INSERT INTO notifications_orderline (order_id, position, title, quantity)
    SELECT id, place, 'Desk lamp ' || place, place FROM notifications_order, generate_series(1, 2) place
     WHERE source = 'bench' AND substr(external_id, 2)::int >= %(first)s
    """,
    """
    INSERT INTO notifications_shipment (order_id, carrier, tracking_no, state, handed_over_at, last_event_at,
        ship_from_country, ship_from_region)
    SELECT id, 'Parcel Post', external_id, 'in_transit', now() - interval '7 days', now() - interval '2 days', 'GB', ''
      FROM notifications_order WHERE source = 'bench' AND substr(external_id, 2)::int >= %(first)s
    """,
    """
    INSERT INTO notifications_trackingevent (shipment_id, fingerprint, state, raw_status, at, is_dated, recorded_at,
        reason, text, place, oddity)
    SELECT s.id, md5('e' || s.id), 'in_transit', '', now() - interval '2 days', true, now(), '',
        'Arrived at the sorting centre', 'Leeds', ''
      FROM notifications_shipment s JOIN notifications_order o ON o.id = s.order_id
     WHERE o.source = 'bench' AND substr(o.external_id, 2)::int >= %(first)s
    """,
    """
    INSERT INTO notifications_episode (shipment_id, kind, promised_by, opened_at, close_reason)
    SELECT s.id, 'promise_passed', o.promised_deliver_by, now(), ''
      FROM notifications_shipment s JOIN notifications_order o ON o.id = s.order_id
     WHERE o.source = 'bench' AND substr(o.external_id, 2)::int >= %(first)s
    """,
    """
    INSERT INTO notifications_message (id, dedupe_key, rule_id, episode_id, customer_id, person, arm, lane, state,
        state_reason, locale, asserted, eligible_at, not_before, expires_at, lease_epoch, attempts, provider,
        provider_msg_id)
    SELECT gen_random_uuid(), md5(e.id || 'm' || again), r.id, e.id, c.id, c.person, 'notify', %(lane)s, 'ready', '',
        c.locale, jsonb_build_object('kind', 'promise_passed', 'promised_by', o.promised_deliver_by), now(),
        now() + (again - 1000) * interval '1 s' , now() + interval '3 days', 0, 0, '', ''
      FROM generate_series(0, (%(count)s - 1) / %(people)s) again, notifications_rule r,
        notifications_episode e JOIN notifications_shipment s ON s.id = e.shipment_id
        JOIN notifications_order o ON o.id = s.order_id JOIN notifications_customer c ON c.id = o.customer_id
     WHERE r.key = %(rule)s AND o.source = 'bench' AND substr(o.external_id, 2)::int >= %(first)s
    """,
)


def state_counts() -> dict[str, int]:
    from django.db.models import Count

    from notifications.models import Message

    return dict(Message.objects.values_list("state").annotate(count=Count("pk")).order_by())


def rss_mb(pid: int) -> float:
    """The process's resident memory."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
