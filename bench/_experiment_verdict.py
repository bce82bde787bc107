"""A look at a test of 1,000,000 visitors, or as many as are asked for, on a database of its own:

    PREEMPT_DATA_DIR=/tmp/bench-verdict .venv/bin/python -m bench._experiment_verdict [exposures] [--explain]

Eight weeks of two texts in three epochs, among as many reads of other articles: 6 of 100 send our form and 7 more open
it, 4 write to a connected help desk, 8 vote, 30 came by a signed link. Prints one JSON line: the median of 5 looks in
seconds (counts, judgement and the row that keeps it). --explain prints the plan of the count.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django

from config import embedded, settings

embedded.ensure(settings.DATA_DIR)

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from analytics import verdicts  # noqa: E402
from contacts.models import Contact  # noqa: E402
from core import clock  # noqa: E402
from kb.models import Article, Category, Epoch, Experiment, Exposure, Revision, Variant  # noqa: E402

LOOKS = 5
_WEEKS = 8
# Visitor n is md5(n): nothing lies beside what came before or after it, as in life. Arms by the parity of n's digest.
_FILL = (
    """
    CREATE TEMPORARY TABLE seen AS
    SELECT n, md5('v' || n)::uuid AS visitor, %(start)s + n * (interval '56 days' / %(rows)s) AS at,
           get_byte(decode(md5('a' || n), 'hex'), 0) %% 2 AS arm, get_byte(decode(md5('r' || n), 'hex'), 0) AS luck,
           get_byte(decode(md5('f' || n), 'hex'), 0) + 256 * get_byte(decode(md5('g' || n), 'hex'), 0) AS fate,
           1 + n * 3 / (%(rows)s + 1) AS epoch
    FROM generate_series(1, %(rows)s) AS n
    """,
    """
    INSERT INTO kb_exposure (experiment_id, variant_id, visitor, at, epoch, is_returning)
    SELECT %(experiment)s, CASE arm WHEN 0 THEN %(control)s ELSE %(other)s END, visitor, at, epoch, luck < 154 FROM seen
    """,
    """
    INSERT INTO analytics_event
        (kind, at, visitor, person, is_returning, article_id, revision_id, variant_id, topic, data)
    SELECT 'read', at, visitor, '', luck < 154, %(article)s, NULL, NULL, 'delivery', '{"locale": "en"}' FROM seen
    """,
    """
    INSERT INTO analytics_event
        (kind, at, visitor, person, is_returning, article_id, revision_id, variant_id, topic, data)
    SELECT 'read', at + interval '5 minutes', md5('w' || n)::uuid, '', true, 999, 999, NULL, 'returns',
           '{"locale": "en"}'
    FROM seen
    """,
    """
    INSERT INTO analytics_identity (visitor, person, how, at)
    SELECT visitor, md5('p' || n), 'link', at - interval '1 day' FROM seen WHERE luck < 77
    """,
    """
    INSERT INTO analytics_event (kind, at, visitor, person, is_returning, topic, data)
    SELECT 'form', at + interval '1 hour', visitor, '', true, '', '{}' FROM seen WHERE fate < 8500
    """,
    """
    INSERT INTO analytics_event (kind, at, visitor, person, is_returning, contact_id, topic, data)
    SELECT 'contact', at + interval '2 hours', visitor, md5('p' || n), true, n,
           CASE WHEN fate %% 4 = 0 THEN 'returns' ELSE 'delivery' END, '{"source": "form", "reason": ""}'
    FROM seen WHERE fate < 3900 + 400 * arm
    """,
    """
    INSERT INTO analytics_event (kind, at, visitor, person, is_returning, contact_id, topic, data)
    SELECT 'contact', at + interval '2 days', NULL, md5('p' || n), false, 10000000 + n, 'delivery',
           '{"source": "gorgias", "reason": ""}'
    FROM seen WHERE fate BETWEEN 10000 AND 12600
    """,
    """
    INSERT INTO analytics_event
        (kind, at, visitor, person, is_returning, article_id, revision_id, topic, data)
    SELECT 'vote', at + interval '3 minutes', visitor, '', true, %(article)s,
           CASE arm WHEN 0 THEN %(text)s ELSE %(other_text)s END, 'delivery',
           jsonb_build_object('is_helpful', fate %% 3 > 0, 'reason', '')
    FROM seen WHERE fate BETWEEN 20000 AND 25200
    """,
)


def main() -> int:
    asked = [word for word in sys.argv[1:] if not word.startswith("--")]
    rows = int(asked[0]) if asked else 1_000_000
    call_command("migrate", verbosity=0)
    experiment = Experiment.objects.filter(plan={"rows": rows}).first() or _fill(rows)
    if "--explain" in sys.argv:
        _explain(experiment)
        return 0
    times = []
    for number in range(LOOKS):
        started = time.perf_counter()
        verdict = verdicts.look(experiment, now=clock.now() + timedelta(seconds=number), kind="asked")
        times.append(time.perf_counter() - started)
    shown = {"seconds": round(statistics.median(times), 3), "rows": rows, "judged": verdict.units, "code": verdict.code}
    print(json.dumps(shown))
    return 0


@transaction.atomic
def _fill(rows: int) -> Experiment:
    now = clock.now()
    start = now - timedelta(weeks=_WEEKS, days=7)
    category, _ = Category.objects.get_or_create(key="bench", defaults={"topic": "delivery"})
    article = Article.objects.create(locale="en", slug=f"bench-{rows}-{now:%H%M%S}", category=category)
    texts = [
        Revision.objects.create(
            article=article, number=number, title="Bench", body="", html="", text="", created_at=start
        )
        for number in (1, 2)
    ]
    Article.objects.filter(pk=article.pk).update(live_revision=texts[0], state="published")
    experiment = Experiment.objects.create(
        article=article, name=f"Bench {rows:,}", state="running", started_at=start, planned_units=rows,
        plan={"rows": rows},
    )  # fmt: skip
    arms = [
        Variant.objects.create(experiment=experiment, key=key, revision=text, is_control=key == "a")
        for key, text in zip("ab", texts, strict=True)
    ]
    for number in (1, 2, 3):
        Epoch.objects.create(
            experiment=experiment, number=number, since=start, allocation=number / 3, weights={"a": 1, "b": 1}
        )
    for _ in range(2):  # a connected help desk, in up to now
        Contact.objects.create(
            reference=f"B-{rows}-{_}", source="gorgias", email="", message="", locale="en",
            received_at=now if _ else start,
        )  # fmt: skip
    given = {
        "rows": rows, "start": start, "experiment": experiment.pk, "article": article.pk, "control": arms[0].pk,
        "other": arms[1].pk, "text": texts[0].pk, "other_text": texts[1].pk,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in _FILL:
            cursor.execute(statement, given)
        cursor.execute("ANALYZE")
    assert Exposure.objects.filter(experiment=experiment).count() == rows
    return experiment


def _explain(experiment: Experiment) -> None:
    from analytics import experiment_counts

    def explained(run, sql, params, many, context):
        with connection.cursor() as cursor:
            cursor.cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + sql, params)
            print("\n".join(row[0] for row in cursor.cursor.fetchall()) if "fate" in sql else "")
        return run(sql, params, many, context)

    with connection.execute_wrapper(explained):
        experiment_counts.count(experiment, now=clock.now())


if __name__ == "__main__":
    sys.exit(main())
