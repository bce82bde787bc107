"""How fast the desk is where editors write: the list of ten thousand articles, the editor's page, saving, importing.

    python -m bench.desk [--quick] [--check] [--part _desk_import]

Prints one JSON line a figure: list_10k_p95_ms (a page of the list, whole requests through the middleware, over every
kind of filter and order), list_queries_100 and list_queries_10k (the most that any of them asks), editor_queries; and
what bench/_desk_save.py, bench/_desk_import.py and bench/_desk_block.py measure: save_to_live_s, import_gumroad_s,
import_5000_s, block_10k_s, search_tests_1000_s.

The articles are made by SQL, with drafts, texts of the usual length, votes, results and links; nothing is indexed.
--check: exit code 1 where issue 5's bounds are not reached. --quick: fewer requests, and no import of 5,000.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time

from bench import _parts
from bench._report import report
from bench._search_figures import quantile
from bench._search_world import World

LIMITS = {
    "list_10k_p95_ms": 150.0,
    "editor_queries": 12,
    "save_to_live_s": 2.0,
    "import_gumroad_s": 5.0,
    "import_5000_s": 120.0,
}  # at most
PARTS = ("_desk_save", "_desk_import", "_desk_block")  # each has measure(quick) -> {name: value}
FILTERS = (
    "", "sort=title", "sort=-title&page=100", "sort=category", "sort=-contacts", "sort=-helpful", "sort=review",
    "page=40", "q=parcel", "q=lighthouse", "state=changed", "state=draft", "owner=me", "owner=none", "review=overdue",
    "needs=any", "needs=links", "needs=tests", "needs=facts", "needs=orphan",
    "needs=behind", "needs=votes", "category=3&locale=en&sort=title",
)  # fmt: skip

# Texts of some 3,000 characters, of which every 300th speaks of a lighthouse.
_FILL = """
WITH made AS (
    INSERT INTO kb_article (translation_group, locale, slug, category_id, state, visibility, version, source,
                            external_id, created_at, updated_at, owner_id, review_by)
    SELECT gen_random_uuid(), 'en', 'article-' || n, 1 + n %% 12, 'draft', 'public', 1, '', '',
           now() - interval '1 year', now(), CASE WHEN n %% 3 = 0 THEN NULL ELSE %(owner)s END,
           current_date + (n %% 400 - 20)
    FROM generate_series(%(first)s, %(last)s) AS n
    RETURNING id, substr(slug, 9)::int AS n
), texts AS (
    SELECT id, n, 'Why is my parcel number ' || n || ' late?' AS title,
           repeat('A parcel that is late is not lost. Look at the page of your order first. ', 40)
           || CASE WHEN n %% 300 = 0 THEN 'lighthouse' ELSE '' END AS body
    FROM made
), frozen AS (
    INSERT INTO kb_revision (article_id, number, title, summary, body, html, text, headings, comment, is_major,
                             title_source, summary_source, created_at)
    SELECT id, 1, title, '', body, body, body, '[]', '', false, '', '', now() FROM texts
    RETURNING id, article_id
)
INSERT INTO kb_draft (article_id, title, summary, body, version, updated_at)
SELECT id, title, '', CASE WHEN n %% 20 = 0 THEN body || ' More.' ELSE body END, 1, now() - n * interval '1 minute'
FROM texts
"""
_PUBLISH = """
UPDATE kb_article SET state = 'published', live_revision_id = revision.id
FROM kb_revision AS revision
WHERE revision.article_id = kb_article.id AND kb_article.id %% 10 <> 0 AND live_revision_id IS NULL
"""
_AROUND = """
INSERT INTO kb_articleresult (article_id, views, last_read_at, readers, confirmed, linkable, contacts_after_read, since,
                              as_of)
SELECT id, id %% 500, CASE WHEN id %% 7 > 0 THEN now() END, id %% 300, id %% 90, id %% 200, id %% 40,
       now() - interval '90 days', now()
FROM kb_article WHERE state = 'published' ON CONFLICT DO NOTHING;
INSERT INTO kb_votecount (revision_id, votes, yes)
SELECT live_revision_id, 3 + id %% 60, id %% 40 FROM kb_article WHERE live_revision_id IS NOT NULL AND id %% 2 = 0
ON CONFLICT DO NOTHING;
INSERT INTO kb_articlelink (article_id, kind, address, reference, text, target_id, state, trouble)
SELECT article.id, 'article', '/-/a/article-' || step, 'article-' || step, 'that', NULL,
       CASE WHEN article.id %% 51 = 0 THEN 'broken' ELSE 'ok' END, ''
FROM kb_article AS article, generate_series(1, 4) AS step WHERE state = 'published' ON CONFLICT DO NOTHING;
UPDATE kb_articlelink SET target_id = (SELECT min(id) FROM kb_article) + (id * 7) %% (SELECT count(*) FROM kb_article)
WHERE state = 'ok' AND target_id IS NULL;
INSERT INTO kb_searchtest (locale, query, article_id, top, note)
SELECT 'en', 'parcel ' || id, id, 3, '' FROM kb_article WHERE state = 'published' AND id %% 10 = 1
ON CONFLICT DO NOTHING;
INSERT INTO kb_searchtestoutcome (run_id, test_id, position, top, is_passed)
SELECT (SELECT max(id) FROM kb_searchtestrun), id, 1, 3, id %% 5 > 0 FROM kb_searchtest ON CONFLICT DO NOTHING;
INSERT INTO kb_pieceuse (revision_id, piece_id, version_id)
SELECT live_revision_id, piece.id, CASE WHEN article.id %% 70 > 0 THEN version.id END
FROM kb_article AS article, kb_piece AS piece JOIN kb_pieceversion AS version ON version.piece_id = piece.id
WHERE live_revision_id IS NOT NULL AND article.id %% 3 = 0 ON CONFLICT DO NOTHING;
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer requests, no import of 5,000")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--part", choices=PARTS, help="only this part")
    given = parser.parse_args()
    if given.part:
        _parts.measure(given.part, quick=given.quick)
        return 0
    figures: dict[str, float] = {}
    with World([]) as world:
        world.django()
        figures |= _pages(quick=given.quick)
    for name in PARTS:
        figures |= _parts.in_a_process("desk", name, quick=given.quick)
    misses = [f"{name} {figures[name]:.1f} > {most}" for name, most in LIMITS.items() if figures.get(name, 0) > most]
    if figures["list_queries_100"] != figures["list_queries_10k"]:
        misses.append("the list of 10,000 asks otherwise than the list of 100")
    for sentence in misses:
        print(f"desk: not reached: {sentence}", file=sys.stderr)
    return 1 if given.check and misses else 0


def _pages(*, quick: bool) -> dict[str, float]:
    from django.db import connection

    figures: dict[str, float] = {}
    owner = _editor()
    _shelves()
    _a_run_and_a_fact()
    _fill(owner.pk, 1, 100)
    client = _client(owner)
    figures["list_queries_100"] = _most_queries(client)
    report("list_queries_100", figures["list_queries_100"], "queries at most")
    began = time.perf_counter()
    _fill(owner.pk, 101, 10_000)
    print(f"desk: 10,000 articles made in {time.perf_counter() - began:.1f} s", file=sys.stderr)
    figures["list_queries_10k"] = _most_queries(client)
    report("list_queries_10k", figures["list_queries_10k"], "queries at most")
    times: dict[str, list[float]] = {query: [] for query in FILTERS}
    for query in itertools.chain.from_iterable([FILTERS] * (3 if quick else 10)):
        began = time.perf_counter()
        answer = client.get(f"/desk/articles/?{query}")
        times[query].append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, query
    for query, own in sorted(times.items(), key=lambda one: -quantile(one[1], 0.5)):
        print(f"desk:   {quantile(own, 0.5):7.1f} ms  ?{query}", file=sys.stderr)
    figures["list_10k_p95_ms"] = quantile([one for own in times.values() for one in own], 0.95)
    report("list_10k_p95_ms", figures["list_10k_p95_ms"], "ms")
    figures["editor_queries"] = _editor_queries(client)
    report("editor_queries", figures["editor_queries"], "queries")
    connection.close()
    return figures


def _editor():
    from django.contrib.auth.models import Group, User

    user = User.objects.create_user("editor", is_staff=True)
    user.groups.add(Group.objects.get(name="reviewer"))
    return user


def _shelves() -> None:
    from kb.models import Category, CategoryText

    for number in range(1, 13):
        shelf = Category.objects.create(pk=number, key=f"shelf-{number}", topic="other", position=number)
        CategoryText.objects.create(category=shelf, locale="en", slug=f"shelf-{number}", name=f"Shelf {number}")


def _a_run_and_a_fact() -> None:
    """What every tenth article's search test was last run by, and what every third one's text uses."""
    from core import clock
    from kb import pieces
    from kb.models import RunReason, SearchTestRun

    SearchTestRun.objects.create(
        at=clock.now(), why=RunReason.ASKED, tests=0, failing=0, engine="none", took_ms=0, state="x"
    )
    values = pieces.read_values("text", {"": "nine to five"})
    pieces.create(sort="fact", key="hours", kind="text", name="Hours", values=values, by=None)


def _fill(owner: int, first: int, last: int) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FILL, {"owner": owner, "first": first, "last": last})
        cursor.execute(_PUBLISH, [])
        for statement in _AROUND.strip().rstrip(";").split(";"):
            cursor.execute(statement, [])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _client(user):
    from django.test import Client

    client = Client(SERVER_NAME="localhost", headers={"user-agent": "Mozilla/5.0 Firefox/140.0"})
    client.force_login(user)
    return client


def _queries(client, path: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(path)  # what a process keeps for a while
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path)
    assert answer.status_code == 200, path
    return len(asked.captured_queries)


def _most_queries(client) -> float:
    return float(max(_queries(client, f"/desk/articles/?{query}") for query in FILTERS if "page" not in query))


def _editor_queries(client) -> float:
    from kb.models import Article

    article = Article.objects.published().order_by("pk").first()
    assert article is not None
    return float(_queries(client, f"/desk/articles/{article.pk}/"))


if __name__ == "__main__":
    sys.exit(main())
