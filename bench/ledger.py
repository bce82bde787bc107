"""The send ledger's pages at 200,000 rows, or as many as are asked for, on a database of its own:

    PREEMPT_DATA_DIR=/tmp/bench-ledger .venv/bin/python -m bench.ledger [rows] [--explain] [--quick]

Prints one JSON line: the 95th percentile of 20 requests of each kind of page in ms, with everything around it.
--explain prints the plan of the slowest query of each page. --quick: 20,000 rows.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

from config import embedded, settings

embedded.ensure(settings.DATA_DIR)

django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from core.people import person_key  # noqa: E402
from core.roles import OPS  # noqa: E402
from notifications import ledger  # noqa: E402
from notifications.models import Customer, Message, Rule, Skip  # noqa: E402

REQUESTS = 20
# Nine episodes in ten have a message, most of them sent; the others are skips. The sweep plans 200 at one moment, and
# once, after a storm, a tenth of all. A few are urgent, a few failed long ago.
_FILL = (
    """
    INSERT INTO notifications_customer (source, external_id, email, first_name, last_name, person, locale, time_zone)
    SELECT 'shop', 'c' || n, 'c' || n || '@example.com', 'Ada', 'Family' || n, md5('p' || n), 'en', ''
    FROM generate_series(1, %(rows)s * 2 / 5) AS n
    """,
    """
    INSERT INTO notifications_order
        (source, external_id, number, customer_id, placed_at, ship_to_country, ship_to_region)
    SELECT 'shop', 'o' || n, 'FH-' || (1000000 + n),
        (SELECT min(id) FROM notifications_customer) + (n::bigint * 7919) %% (%(rows)s * 2 / 5),
        now() - n * interval '63 seconds', 'GB', ''
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO notifications_shipment (order_id, carrier, tracking_no, state, ship_from_country, ship_from_region)
    SELECT id, 'Larkpost', 'LA ' || id || '-GB', 'delivered', 'GB', '' FROM notifications_order
    """,
    """
    INSERT INTO notifications_episode (shipment_id, kind, promised_by, opened_at, close_reason, closed_at)
    SELECT id, 'promise_passed', now(), now(), 'delivered', now() FROM notifications_shipment
    """,
    """
    INSERT INTO notifications_skip (episode_id, rule_id, reason, at)
    SELECT id, CASE WHEN id %% 20 = 0 THEN NULL ELSE %(rule)s END,
        CASE WHEN id %% 20 = 0 THEN 'no_rule' WHEN id %% 200000 = 10 THEN 'no_news' ELSE 'no_address' END,
        now() - (id / 200) * interval '3 hours'
    FROM notifications_episode WHERE id %% 10 = 0
    """,
    """
    INSERT INTO notifications_message
        (id, dedupe_key, rule_id, episode_id, customer_id, person, arm, lane, state, state_reason, locale, asserted,
         eligible_at, not_before, expires_at, lease_epoch, attempts, provider, provider_msg_id)
    SELECT (lpad(to_hex(e.id), 12, '0') || substr(md5(e.id::text), 13))::uuid, md5(e.id::text),
        CASE WHEN e.id %% 3 = 0 THEN %(rare)s ELSE %(rule)s END, e.id, c.id,
        c.person, 'notify', CASE WHEN e.id %% 50000 = 1 THEN 'urgent' ELSE 'normal' END,
        CASE WHEN e.id %% 100000 = 7 THEN 'failed' WHEN e.id %% 25 = 1 THEN 'held_out' WHEN e.id %% 25 = 2 THEN 'stale'
            WHEN e.id %% 50 = 3 THEN 'bounced' WHEN e.id %% 100 = 4 THEN 'suppressed' WHEN e.id %% 200 = 5 THEN 'ready'
            WHEN e.id %% 4 = 1 THEN 'accepted' ELSE 'delivered' END,
        CASE WHEN e.id %% 25 = 2 THEN 'delivered' WHEN e.id %% 100 = 4 THEN 'unsubscribed' ELSE '' END, 'en', '{}',
        CASE WHEN e.id %% 10 = 1 THEN now() - interval '90 days' ELSE now() - (e.id / 200) * interval '3 hours' END,
        now(), now(), 0, 0, 'sendgrid', ''
    FROM notifications_episode e JOIN notifications_shipment s ON s.id = e.shipment_id
        JOIN notifications_order o ON o.id = s.order_id JOIN notifications_customer c ON c.id = o.customer_id
    WHERE e.id %% 10 <> 0
    """,
)
PAGES = {
    "all": "",
    "number": "?find=fh 1010000",
    "email": "?find=known@example.com",
    "nobody": "?find=nobody@example.com",
    "sent": "?outcome=sent",
    "waiting": "?outcome=waiting",
    "quiet": "?outcome=quiet",
    "failed": "?outcome=failed",
    "unknown": "?outcome=unknown",
    "skipped": "?outcome=skipped",
    "reason": "?reason=stale.delivered",
    "reason_nowhere": "?reason=stale.too_late_to_be_of_use",
    "reason_skip_rare": "?reason=skipped.no_news",
    "rule": "?rule=rare",
    "rule_outcome": "?rule=rare&outcome=suppressed",
    "lane": "?lane=normal",
    "lane_rare": "?lane=urgent",
    "lane_nowhere": "?lane=campaign",
    "days": "?since=2026-01-01&until=2026-01-31",
    "days_outcome": "?since=2026-01-01&until=2026-03-31&outcome=bounced",
    "count_all": "?count=all",
}


def main(rows: int, *, explain: bool) -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    if not Message.objects.exists():
        _fill(rows)
    user, _is_new = User.objects.get_or_create(username="bench", defaults={"is_staff": True})
    user.groups.add(Group.objects.get(name=OPS))
    client = Client(HTTP_HOST="localhost")
    client.force_login(user)
    said: dict[str, float] = {"rows": Message.objects.count() + Skip.objects.count(), "counted": ledger.COUNTED}
    in_the_storm = Message.objects.filter(eligible_at=_storm()).order_by("-pk")[rows // 20].pk
    for name, query in {**PAGES, "deep": f"?after=m{in_the_storm}"}.items():
        said[f"ledger_{name}_p95_ms"] = _p95(client, query)
        if explain:
            _explain(client, name, query)
    print(json.dumps(said))


def _fill(rows: int) -> None:
    named = {"kind": "promise_passed", "template": "delay_promise_passed", "holdout_share": 0.1}
    both = [Rule.objects.create(key=key, name=key.title(), **named) for key in ("usual", "rare")]
    with connection.cursor() as cursor:
        for statement in _FILL:
            cursor.execute(statement, {"rows": rows, "rule": both[0].pk, "rare": both[1].pk})
        for table in ("customer", "order", "shipment", "episode", "message", "skip"):
            cursor.execute(f"VACUUM ANALYZE notifications_{table}")
    known = Message.objects.select_related("customer").order_by("pk")[77]
    Customer.objects.filter(pk=known.customer_id).update(person=person_key("known@example.com"))
    Message.objects.filter(customer=known.customer_id).update(person=person_key("known@example.com"))


def _storm() -> object:
    """The moment at which most messages were planned."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT eligible_at FROM notifications_message GROUP BY eligible_at ORDER BY count(*) DESC LIMIT 1"
        )
        return cursor.fetchone()[0]


def _p95(client: Client, query: str) -> float:
    took = []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        answer = client.get(f"/desk/ledger/{query}")
        took.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{query}: {answer.status_code}")
    return round(sorted(took)[REQUESTS * 95 // 100 - 1], 1)


def _explain(client: Client, name: str, query: str) -> None:
    """The plan of the query that took longest on a page."""
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/desk/ledger/{query}")
    slowest = max(asked.captured_queries, key=lambda one: float(one["time"]))
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF, SUMMARY) " + slowest["sql"].replace("%", "%%"), [])
        plan = "\n".join(f"    {row[0]}" for row in cursor.fetchall())
    print(f"{name} ({slowest['time']} s of {len(asked.captured_queries)} queries):\n{plan}", file=sys.stderr)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    default = 20_000 if "--quick" in sys.argv else 200_000
    main(numbers[0] if numbers else default, explain="--explain" in sys.argv)
