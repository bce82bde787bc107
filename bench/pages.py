"""How fast an article's page is, its view recorded: beside a bare Django view, and beside django-helpdesk.

    python -m bench.pages [--quick] [--check]

Prints one JSON line a figure: article_vs_bare_view and article_vs_helpdesk (pages a second, ours divided by theirs),
article_kb (an article's page with all it loads, as transferred), article_queries (warm; article_queries_cold beside).

All three servers are alike (gunicorn, one worker, four threads) and stand on the same PostgreSQL. The bare view has our
settings and middleware and returns the very bytes of our page. django-helpdesk (in .data/bench-helpdesk) shows a
category of 20 items, which is where it shows items. Ours shows the same 20 texts as articles, to visitors of whom one
in five is new; that every view became a row is counted. Rounds take turns, and the median of their ratios counts.

--check: exit code 1 where issue 4's bounds are not reached. Exit code 2 where nothing could be measured.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

from bench import _pages_servers
from bench._pages_servers import Load, Server
from bench._report import report
from bench._search_figures import say
from bench._search_process import ROOT
from bench._search_world import World

ARTICLES = 20
BOUNDS = {"article_vs_bare_view": 0.5, "article_vs_helpdesk": 10.0}  # at least
LIMITS = {"article_kb": 40.0, "article_queries": 1, "article_queries_cold": 3}  # at most
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_WAIT_SECONDS = 20.0
_WARM = 3 * ARTICLES  # pages before the clock runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two short rounds")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    figures: dict[str, float] = {}
    with World([]) as world:
        world.django()
        slugs = _fill(world)
        figures |= _weigh(slugs[0])
        figures |= _count_queries(slugs[0])
        rounds, seconds = (2, 2.0) if given.quick else (5, 6.0)
        figures |= _race(world, slugs, rounds=rounds, seconds=seconds)
    misses = [
        f"{name} {figures[name]:.2f} < {least}" for name, least in BOUNDS.items() if figures.get(name, 1e9) < least
    ]
    misses += [f"{name} {figures[name]:.1f} > {most}" for name, most in LIMITS.items() if figures[name] > most]
    for sentence in misses:
        say(f"not reached: {sentence}")
    return 1 if given.check and misses else 0


def _fill(world: World) -> list[str]:
    """Twenty articles of the demo on one shelf, each published; their slugs."""
    from kb import piece_files, publishing
    from kb.models import Category, CategoryText
    from kb.porting import package, piece_entries
    from kb.search import indexing

    with package.opened(ROOT / "demo" / piece_entries.FILE) as file:  # what the texts say of the shop
        for item in piece_entries.read(file, piece_entries.FILE):
            piece_files.store(item)
    shelf = Category.objects.create(key="help", topic="other")
    CategoryText.objects.create(category=shelf, locale="en", slug="help", name="Help", description="Answers.")
    slugs = []
    for text in _texts():
        article = publishing.create_article(
            locale="en", category=shelf, title=text["title"], summary=text["summary"], body=text["body"], by=None
        )
        publishing.publish(article, by=None, ring=False)
        slugs.append(article.slug)
    indexing.rebuild()
    (world.folder / "texts.json").write_text(json.dumps(_texts()), encoding="utf-8")
    return slugs


def _texts() -> list[dict[str, str]]:
    found = []
    for file in sorted((ROOT / "demo" / "articles" / "en").rglob("*.md"))[:ARTICLES]:
        _, head, body = file.read_text(encoding="utf-8").split("---", 2)
        fields = dict(re.findall(r"^(title|summary): *\"?(.*?)\"?$", head, flags=re.M))
        found.append({"title": fields["title"], "summary": fields.get("summary", ""), "body": body.strip()})
    return found


def _client(**headers: str):
    from django.test import Client

    return Client(headers={"user-agent": BROWSER, "accept-encoding": "gzip", **headers}, SERVER_NAME="localhost")


def _weigh(slug: str) -> dict[str, float]:
    """Kilobytes of an article's page and of all that it names, compressed as it is served, without headers."""
    page = _client().get(f"/en/a/{slug}/")
    html = gzip.decompress(page.content).decode()
    linked = set(re.findall(r'<(?:script|img|use)[^>]*? (?:src|href)="(/[^"#]+)', html))
    linked |= set(re.findall(r'<link rel="(?:stylesheet|icon)"[^>]*? href="(/[^"#]+)', html))
    sizes = {"html": len(page.content)}
    from django.conf import settings

    for address in linked:
        file = Path(settings.STATIC_ROOT) / address.removeprefix(settings.STATIC_URL)
        packed = file.with_name(file.name + ".gz")
        sizes[file.name] = (packed if packed.exists() else file).stat().st_size
    for name, size in sorted(sizes.items(), key=lambda item: -item[1]):
        say(f"  {size / 1000:6.1f} kB {name}")
    total = sum(sizes.values()) / 1000
    report("article_kb", total, "kB with everything, compressed")
    return {"article_kb": total}


def _count_queries(slug: str) -> dict[str, float]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from kb import live

    figures = {}
    client = _client()
    client.get("/en/")  # an id
    live.shelf.forget()
    for name in ("article_queries_cold", "article_queries"):
        with CaptureQueriesContext(connection) as asked:
            client.get(f"/en/a/{slug}/")
        # In this process the view event is written at once; in a web server it is written beside the requests.
        said = [query["sql"] or "" for query in asked.captured_queries]  # None: a prepared statement
        count = sum("INSERT INTO analytics_event" not in sql for sql in said)
        report(name, count, "queries")
        figures[name] = float(count)
    connection.close()
    return figures


def _race(world: World, slugs: list[str], *, rounds: int, seconds: float) -> dict[str, float]:
    from analytics.models import Event

    page = _client().get(f"/en/a/{slugs[0]}/")
    (world.folder / "page").write_bytes(page.content)
    kept = ("Content-Type", "Content-Encoding", "Cache-Control", "Vary", "ETag")
    bare = {
        "DJANGO_SETTINGS_MODULE": "bench._pages_settings",
        "BENCH_BARE_PAGE": str(world.folder / "page"),
        "BENCH_BARE_HEADERS": json.dumps({name: page.headers[name] for name in kept if name in page.headers}),
    }
    ours = _requests([f"/en/a/{slug}/" for slug in slugs])
    first = f"/en/a/{slugs[0]}/"
    helpdesk = _helpdesk(world)
    figures: dict[str, float] = {}
    python = Path(sys.executable)
    logs = world.folder / "logs"
    logs.mkdir(exist_ok=True)
    speeds: dict[str, list[float]] = {"ours": [], "bare": [], "helpdesk": []}
    with (
        Server(python, "config.wsgi:application", folder=ROOT, env={}, ready=first, log=logs / "ours") as server,
        Server(python, "bench._pages_bare:application", folder=ROOT, env=bare, ready=first, log=logs / "bare") as plain,
        Load() as load,
    ):
        servers = {"ours": (server, ours), "bare": (plain, _requests([first]))}
        if helpdesk is not None:
            servers["helpdesk"] = helpdesk
        before, asked = Event.objects.filter(kind="read").count(), 0
        try:
            for name, (one, requests) in servers.items():
                warmed = 0
                while warmed < _WARM:
                    good, _took = load.run(one.port, requests, seconds=1.0)
                    warmed += good
                asked += warmed if name == "ours" else 0
            for _round in range(rounds):
                for name, (one, requests) in servers.items():
                    cpu = one.cpu()
                    good, took = load.run(one.port, requests, seconds=seconds)
                    asked += good if name == "ours" else 0
                    speeds[name].append(good / took)
                    say(f"  {name}: {good / took:.0f} pages/s, {(one.cpu() - cpu) / good * 1000:.2f} ms of CPU each")
        finally:
            if helpdesk is not None:
                helpdesk[0].end()
        _wait_for(lambda: Event.objects.filter(kind="read").count() - before >= asked)
        recorded = Event.objects.filter(kind="read").count() - before
        if recorded != asked:
            raise SystemExit(f"pages: {asked} pages were shown, {recorded} views recorded")
        say(f"  all {recorded} views are rows")
    for name, peer in (("article_vs_bare_view", "bare"), ("article_vs_helpdesk", "helpdesk")):
        if not speeds[peer]:
            continue
        ratio = statistics.median(mine / theirs for mine, theirs in zip(speeds["ours"], speeds[peer], strict=True))
        version = "django-helpdesk 2.6.1" if peer == "helpdesk" else "a bare Django view"
        report(
            name,
            ratio,
            f"times its pages a second (ours {statistics.median(speeds['ours']):.0f})",
            peer=version,
            ratio=ratio,
        )
        figures[name] = ratio
    return figures


def _requests(paths: list[str]) -> list[str]:
    """What browsers send. Every fifth visitor is new."""
    lines = "Host: localhost\r\nUser-Agent: {}\r\nAccept: text/html\r\nAccept-Language: en\r\nAccept-Encoding: gzip\r\n"
    made = []
    for number in range(200):
        cookie = "" if number % 5 == 0 else f"Cookie: pv={uuid.UUID(int=number * 7919, version=4)}\r\n"
        made.append(f"GET {paths[number % len(paths)]} HTTP/1.1\r\n{lines.format(BROWSER)}{cookie}\r\n")
    return made


def _helpdesk(world: World) -> tuple[Server, list[str]] | None:
    from psycopg.conninfo import conninfo_to_dict

    if (python := _pages_servers.install_helpdesk()) is None:
        return None
    parts = conninfo_to_dict(world.database("helpdesk"))
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    database = {names[name]: value for name, value in parts.items() if name in names}
    env = {"BENCH_HELPDESK_DATABASE": json.dumps(database), "PYTHONPATH": str(ROOT / "bench")}
    env["DJANGO_SETTINGS_MODULE"] = ""
    fill = [str(python), "-P", str(ROOT / "bench" / "_pages_helpdesk.py"), str(world.folder / "texts.json")]
    done = subprocess.run(fill, env={**os.environ, **env}, capture_output=True, text=True, cwd=world.folder)
    if done.returncode:
        say(f"pages: django-helpdesk cannot be filled, article_vs_helpdesk is left out:\n{done.stderr[-1500:]}")
        return None
    path = done.stdout.split()[-1]
    log = world.folder / "helpdesk.log"
    server = Server(python, "_pages_helpdesk:application", folder=world.folder, env=env, ready=path, log=log)
    return server, _requests([path])


def _wait_for(condition) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while not condition() and time.monotonic() < until:
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
