"""The order desk's pages at a million orders, on a database of its own:

    PREEMPT_DATA_DIR=/tmp/bench-orders .venv/bin/python bench/order_desk.py [orders] [--explain]

Prints one JSON line: the median of each kind of page in ms, with everything around it. --explain prints the plan of the
query that finds the page's orders.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
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
from notifications import next_updates  # noqa: E402
from notifications.models import Customer, Order  # noqa: E402

# A shop of two years: one customer has two to three orders, 3 % of the parcels are on their way, 1 % in trouble now.
_FILL = (
    """
    INSERT INTO notifications_customer
        (source, external_id, email, first_name, last_name, person, locale, time_zone)
    SELECT 'shop', 'c' || n, 'c' || n || '@example.com',
        (ARRAY['Ada','Bo','Cy','Maria','José','Noor','Li','Eva','Tom','Ines'])[1 + n %% 10],
        'Family' || (n %% 20000), md5('p' || n), 'en', ''
    FROM generate_series(1, %(customers)s) AS n
    """,
    """
    INSERT INTO notifications_order
        (source, external_id, number, customer_id, placed_at, promised_ship_by, promised_deliver_by, ship_to_country,
         ship_to_region)
    SELECT CASE WHEN n %% 50 = 0 THEN 'market' ELSE 'shop' END, 'o' || n, 'FH-' || (1000000 + n),
        (SELECT min(id) FROM notifications_customer) + (n::bigint * 7919) %% %(customers)s,
        now() - n * interval '63 seconds', now() - n * interval '63 seconds' + interval '2 days',
        now() - n * interval '63 seconds' + interval '5 days', 'GB', ''
    FROM generate_series(1, %(orders)s) AS n
    """,
    """
    INSERT INTO notifications_shipment
        (order_id, carrier, tracking_no, state, ship_from_country, ship_from_region)
    SELECT id, 'Larkpost', 'LA ' || id || '-GB',
        CASE WHEN random() < 0.97 THEN 'delivered' WHEN random() < 0.9 THEN 'in_transit' ELSE 'exception' END, 'GB', ''
    FROM notifications_order
    """,
    """
    INSERT INTO notifications_episode (shipment_id, kind, promised_by, opened_at, close_reason, closed_at)
    SELECT id, CASE WHEN id %% 100000 = 0 THEN 'likely_lost'
            WHEN id %% 3 = 0 THEN 'not_handed_over' ELSE 'promise_passed' END, now(), now(), '',
        CASE WHEN random() < 0.1 THEN NULL ELSE now() END
    FROM notifications_shipment WHERE id %% 10 = 0
    """,
)
PAGES = {
    "all": "",
    "page_100": "?page=100",
    "number": "?find=fh 1500000",
    "number_beginning": "?find=FH-15000",
    "tracking": "?find=la+500000gb",
    "email": "?find=known@example.com",
    "rare_name": "?find=Ada+Family120",
    "common_name": "?find=maria",
    "nobody": "?find=Nobodyhasthis",
    "trouble": "?trouble=any",
    "kind": "?trouble=not_handed_over",
    "kind_rare": "?trouble=likely_lost",
    "kind_nowhere": "?trouble=returned",
    "state_rare": "?state=exception",
    "state_common": "?state=delivered",
    "state_nowhere": "?state=returned",
    "source": "?source=market",
    "promised": "?promised_from=2026-01-01&promised_to=2026-01-31",
    "promised_trouble": "?promised_from=2026-01-01&promised_to=2026-06-30&trouble=any",
    "owed": "?owed=overdue",
    "trouble_state_source": "?trouble=any&state=in_transit&source=market",
    "list": "owed/",
}


def main(orders: int, *, explain: bool) -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    if not Order.objects.exists():
        with connection.cursor() as cursor:
            for statement in _FILL:
                cursor.execute(statement, {"orders": orders, "customers": orders * 2 // 5})
            for table in ("customer", "order", "shipment", "episode"):
                cursor.execute(f"VACUUM ANALYZE notifications_{table}")
        person = Customer.objects.order_by("pk")[77]
        Customer.objects.filter(pk=person.pk).update(person=person_key("known@example.com"))
        now = datetime.now(UTC)
        for order in Order.objects.order_by("-pk")[:200]:
            next_updates.promise(order, due_at=now - timedelta(days=1), note="", by=None, now=now - timedelta(days=2))
    user, _is_new = User.objects.get_or_create(username="bench", defaults={"is_staff": True})
    user.groups.add(Group.objects.get(name=OPS))
    client = Client(HTTP_HOST="localhost")
    client.force_login(user)
    said: dict[str, float] = {"orders": Order.objects.count()}
    for name, query in PAGES.items():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            answer = client.get(f"/desk/orders/{query}")
            assert answer.status_code in (200, 302), (name, answer.status_code)
            took.append((time.perf_counter() - began) * 1000)
        said[f"order_desk_{name}_ms"] = round(sorted(took)[2], 1)
        if explain:
            _explain(client, name, query)
    order = Order.objects.order_by("pk")[orders // 2]
    began = time.perf_counter()
    assert client.get(f"/desk/orders/{order.pk}/").status_code == 200
    said["order_desk_order_ms"] = round((time.perf_counter() - began) * 1000, 1)
    print(json.dumps(said))


def _explain(client: Client, name: str, query: str) -> None:
    """The plans of the queries that took longest on a page."""
    with CaptureQueriesContext(connection) as asked:
        client.get(f"/desk/orders/{query}")
    slowest = max(asked.captured_queries, key=lambda one: float(one["time"]))
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF, SUMMARY) " + slowest["sql"].replace("%", "%%"), [])
        plan = "\n".join(f"    {row[0]}" for row in cursor.fetchall())
    print(f"{name} ({slowest['time']} s):\n{plan}", file=sys.stderr)


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    main(numbers[0] if numbers else 1_000_000, explain="--explain" in sys.argv)
