"""The audit log's page and export at a million entries, on a database of its own:

    PREEMPT_DATA_DIR=/tmp/bench-audit .venv/bin/python bench/audit.py [entries]

Prints one JSON line: the slowest of each kind of page in ms, and how many entries a second the export gives.
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

from core.models import AuditEntry  # noqa: E402
from core.roles import ADMIN  # noqa: E402

_FILL = """
    INSERT INTO core_auditentry (at, by_name, action, target_type, target_id, label, detail)
    SELECT now() - n * interval '31 seconds', (ARRAY['ruth', 'olga', 'nils', 'ada', ''])[1 + n %% 5],
        (ARRAY['article.published', 'article.saved', 'contact.recoded', 'sign_in.done', 'synonym.added'])[1 + n %% 5],
        'kb.article', (n %% 10000)::text, 'Article about topic ' || (n %% 10000),
        jsonb_build_object('comment', 'word' || (n %% 5000))
    FROM generate_series(1, %s) AS n
"""
PAGES = {
    "first": "",
    "person": "?person=ruth",
    "action": "?action=article.published",
    "thing": "?action=article",
    "person_action": "?person=olga&action=article.saved",
    "target": "?target=kb.article:77",
    "rare_word": "?q=word4321",
    "common_word": "?q=article",
    "no_such_word": "?q=nonsense",
    "days": "?since=2026-01-01&until=2026-01-02",
    "person_word": "?person=ada&q=word33",
}


def main(entries: int) -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        if (missing := entries - AuditEntry.objects.count()) > 0:
            cursor.execute(_FILL, [missing])
        cursor.execute("ANALYZE core_auditentry")
    user, _is_new = User.objects.get_or_create(username="bench", defaults={"is_staff": True})
    user.groups.add(Group.objects.get(name=ADMIN))
    client = Client(HTTP_HOST="localhost")
    client.force_login(user)
    said: dict[str, float] = {"audit_entries": entries}
    for name, query in PAGES.items():
        took = []
        for _ in range(5):
            began = time.perf_counter()
            assert client.get(f"/desk/audit/{query}").status_code == 200
            took.append((time.perf_counter() - began) * 1000)
        said[f"audit_{name}_ms"] = round(sorted(took)[2], 1)
    deep = AuditEntry.objects.order_by("-at", "-pk")[entries * 9 // 10 : entries * 9 // 10 + 1].get()
    began = time.perf_counter()
    client.get("/desk/audit/", {"before": deep.pk})
    said["audit_deep_ms"] = round((time.perf_counter() - began) * 1000, 1)
    began, rows = time.perf_counter(), 0
    for part in client.get("/desk/audit/entries.jsonl", {"target": "kb.article"}).streaming_content:
        rows += part.count(b"\n")
        if rows >= 100_000:
            break
    said["audit_export_per_s"] = round(rows / (time.perf_counter() - began))
    print(json.dumps(said))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
