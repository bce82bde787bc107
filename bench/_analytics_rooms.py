"""What a shop with so many events has besides them: orders and parcels, messages, form visits, tests, edits, incidents.

On the year of bench/_analytics_world.py: a tenth as many orders as events, a message to every third of them, a visit of
the form for each that was opened, six tests of which three run, changes of texts, things that colleagues wrote down.
"""

from __future__ import annotations

from datetime import timedelta

from bench import _analytics_world
from bench._search_figures import say

_TESTS = 6
_CHANGES = 60  # of the most read articles' texts
_ORDER_EVERY = 10  # events
_VISITORS_EVERY = 200  # events: so many take part in each test

_FILL = (
    """
    CREATE TEMPORARY TABLE known_person AS
    SELECT person, row_number() OVER () AS n FROM (SELECT DISTINCT person FROM analytics_identity) AS known
    """,
    """
    INSERT INTO notifications_customer
        (source, external_id, email, first_name, last_name, person, locale, time_zone)
    SELECT 'shop', 'c' || n, 'c' || n || '@example.com', 'Ada', 'Family' || (n %% 20000),
           coalesce(known.person, md5('p' || n)), 'en', ''
    FROM generate_series(1, %(customers)s) AS n LEFT JOIN known_person AS known USING (n)
    """,
    """
    INSERT INTO notifications_order
        (source, external_id, number, customer_id, placed_at, promised_ship_by, promised_deliver_by, ship_to_country,
         ship_to_region)
    SELECT 'shop', 'o' || n, 'FH-' || (1000000 + n),
           (SELECT min(id) FROM notifications_customer) + (n::bigint * 7919) %% %(customers)s,
           at, at + interval '2 days', at + interval '5 days', 'GB', ''
    FROM (SELECT n, %(start)s + n * (%(span)s / %(orders)s) AS at FROM generate_series(1, %(orders)s) AS n) AS placed
    """,
    """
    INSERT INTO notifications_shipment
        (order_id, carrier, tracking_no, state, handed_over_at, delivered_at, last_event_at, ship_from_country,
         ship_from_region)
    SELECT id, 'Larkpost', 'LA ' || id || '-GB',
           CASE WHEN placed_at < %(end)s - interval '5 days' THEN 'delivered'
                WHEN placed_at < %(end)s - interval '1 day' THEN 'in_transit' ELSE 'created' END,
           CASE WHEN placed_at < %(end)s - interval '1 day' THEN placed_at + interval '1 day' END,
           CASE WHEN placed_at < %(end)s - interval '5 days' THEN placed_at + interval '4 days' END,
           placed_at + interval '1 day', 'GB', ''
    FROM notifications_order
    """,
    """
    INSERT INTO notifications_episode (shipment_id, kind, promised_by, opened_at, close_reason, closed_at)
    SELECT parcel.id, about.kind, placed_at + interval '3 days', placed_at + interval '3 days', 'delivered',
           placed_at + interval '6 days'
    FROM notifications_shipment AS parcel JOIN notifications_order AS bought ON bought.id = parcel.order_id
    CROSS JOIN LATERAL (
        SELECT (ARRAY['shipped', 'promise_passed', 'not_handed_over'])[1 + parcel.id %% 3]
    ) AS about (kind)
    WHERE parcel.id %% 5 < 2 AND placed_at < %(end)s - interval '3 days'
    """,
    """
    INSERT INTO notifications_message
        (id, dedupe_key, rule_id, episode_id, customer_id, person, arm, lane, state, state_reason, locale, asserted,
         eligible_at, not_before, expires_at, sent_at, lease_epoch, attempts, provider, provider_msg_id)
    SELECT (lpad(to_hex(trouble.id), 12, '0') || substr(md5(trouble.id::text), 13))::uuid, md5(trouble.id::text),
           rule.id, trouble.id, customer.id, customer.person,
           CASE WHEN is_out THEN 'held_out' ELSE 'notify' END, 'normal',
           CASE WHEN is_out THEN 'held_out' WHEN trouble.id %% 50 = 3 THEN 'bounced' WHEN trouble.id %% 100 = 4
                THEN 'suppressed' WHEN trouble.id %% 4 = 1 THEN 'accepted' ELSE 'delivered' END,
           '', 'en', '{}', trouble.opened_at, trouble.opened_at, trouble.opened_at + interval '2 days',
           CASE WHEN NOT is_out AND trouble.id %% 100 <> 4 THEN trouble.opened_at + interval '5 minutes' END,
           0, 1, 'sendgrid', ''
    FROM notifications_episode AS trouble
    JOIN notifications_shipment AS parcel ON parcel.id = trouble.shipment_id
    JOIN notifications_order AS bought ON bought.id = parcel.order_id
    JOIN notifications_customer AS customer ON customer.id = bought.customer_id
    JOIN LATERAL (SELECT id FROM notifications_rule WHERE kind = trouble.kind ORDER BY id LIMIT 1) AS rule ON true
    CROSS JOIN LATERAL (SELECT get_byte(decode(md5('arm' || customer.id), 'hex'), 0) < 26) AS drawn (is_out)
    """,
    """
    INSERT INTO contacts_formvisit
        (id, visitor, arm, arm_reason, off_share, salt, opened_at, shown, opened, answered_at)
    SELECT (data ->> 'form_id')::uuid, visitor, CASE WHEN draw < 13 THEN 'off' WHEN draw < 230 THEN 'on'
           ELSE 'not_eligible' END, CASE WHEN draw < 230 THEN '' ELSE 'said_no' END, 0.05, 'bench', at, '[]', '[]',
           CASE WHEN draw BETWEEN 13 AND 30 THEN at + interval '30 seconds' END
    FROM analytics_event
    CROSS JOIN LATERAL (SELECT get_byte(decode(md5('form' || visitor), 'hex'), 0)) AS lot (draw)
    WHERE kind = 'form' AND data ? 'form_id'
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO analytics_autopsyfinding
        (contact_id, received_at, reason, topic, cause, article_id, lot, made_at)
    SELECT contact.id, received_at, reason.code, split_part(reason.code, '-', 1),
           (ARRAY['no_article', 'read', 'not_found', 'not_read', 'unknown'])[1 + contact.id %% 5], after_article_id,
           hashtextextended(contact.id::text, 0), %(end)s
    FROM contacts_contact AS contact
    JOIN LATERAL (SELECT reason_id FROM contacts_coding WHERE contact_id = contact.id ORDER BY id DESC LIMIT 1)
      AS coding ON true
    JOIN contacts_reasoncode AS reason ON reason.id = coding.reason_id
    WHERE contact.id %% 20 = 0
    """,
)
_FILLED = (
    "notifications_customer", "notifications_order", "notifications_shipment", "notifications_episode",
    "notifications_message", "contacts_formvisit", "contacts_contact", "analytics_autopsyfinding", "analytics_event",
    "analytics_identity", "kb_exposure",
)  # fmt: skip


def furnish(events: int) -> None:
    """Write them. Before settling, which counts what of them is counted by day."""
    from django.db import connection

    _drafts()
    _test_texts(events // _VISITORS_EVERY)
    orders = events // _ORDER_EVERY
    given = {
        "orders": orders,
        "customers": orders * 2 // 5,
        "start": _analytics_world.BEGINNING,
        "end": _analytics_world.END,
        "span": _analytics_world.END - _analytics_world.BEGINNING,
    }
    with connection.cursor() as cursor:
        for statement in _FILL:
            cursor.execute(statement, given)
            say(f"    {cursor.rowcount:10} {' '.join(statement.split())[:60]}")
        _change_texts()
        for table in _FILLED:
            cursor.execute(f"VACUUM ANALYZE {table}")


def _drafts() -> None:
    """Every article can be edited."""
    from kb.models import Article, Draft

    articles = Article.objects.select_related("live_revision").filter(draft=None)
    Draft.objects.bulk_create(
        Draft(article=article, title=article.live_revision.title, body=article.live_revision.body,
              updated_at=_analytics_world.BEGINNING)
        for article in articles
        if article.live_revision
    )  # fmt: skip


def _test_texts(visitors: int) -> None:
    """Tests on articles that are read now and then: three run since four weeks, three ended before."""
    from django.db import connection

    from analytics import verdicts
    from analytics.simulation import bulk
    from core import clock
    from kb import experiments
    from kb.experiments import Arm
    from kb.models import Article, Revision

    articles = Article.objects.select_related("live_revision").order_by("pk")[20 : 20 + _TESTS]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    for number, article in enumerate(articles):
        since = _analytics_world.END - timedelta(days=28 if number % 2 else 120)
        other = Revision.objects.create(
            article=article, number=900, title="Another", body="It was.", html="<p>It was.", text="It was.",
            created_at=since,
        )  # fmt: skip
        live = article.live_revision
        assert live is not None
        with clock.frozen(since):
            test = experiments.create(
                article, name=f"Test {number}", control=Arm("a", live), others=[Arm("b", other)], by=None,
                hypothesis="Fewer ask where their parcel is.",
            )  # fmt: skip
            experiments.start(test, by=None, planned_units=visitors)
        bulk.exposures(
            test, visitors=visitors, shares={"a": 0.6, "b": 0.63}, seed=number, days=27, since=since, returning=0.6
        )
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE kb_exposure")  # as the server does by itself, by and by
        if not number % 2:
            with clock.frozen(since + timedelta(days=40)):
                experiments.finish(test)
        for week in range(1, 4):
            verdicts.look(test, now=since + timedelta(weeks=week))
        say(f"    {visitors:10} visitors of a test, {test.name}")


def _change_texts() -> None:
    """Audit entries and revisions of the texts that were changed, and what colleagues wrote down."""
    from analytics.models import Marker
    from core.models import AuditEntry
    from kb.models import Article

    days = _analytics_world.WEEKS * 7
    entries = []
    for place, article in enumerate(Article.objects.order_by("pk")[:_CHANGES]):
        for change in range(4):
            at = _analytics_world.BEGINNING + timedelta(days=(place * 11 + change * 90) % days, hours=10)
            entries.append(
                AuditEntry(
                    at=at,
                    by_name="bench",
                    action="article.published",
                    target_type="kb.article",
                    target_id=str(article.pk),
                    label=str(article.slug),
                    detail={"revision": 1, "title": f"Text {place}", "comment": "Minor: a clearer first step"},
                )
            )
    AuditEntry.objects.bulk_create(entries)
    Marker.objects.bulk_create(
        Marker(on=(_analytics_world.BEGINNING + timedelta(days=week * 7)).date(), label=f"Release {week}",
               made_at=_analytics_world.BEGINNING)
        for week in range(_analytics_world.WEEKS)
    )  # fmt: skip
