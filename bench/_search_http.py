"""The search page as a customer meets it: a real gunicorn on a real database; and texts that nobody should send."""

from __future__ import annotations

import http.client
import time
from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlencode

from bench import _search_corpus, _search_process
from bench._search_figures import Figures, quantile, say
from bench._search_peers import read
from bench._search_speed import label
from bench._search_world import World

_PATH = "/en/search/"
_WARM = 40  # requests before the clock runs: both workers have then imported and opened what they need
_SHELVES = 8
# A person's browser: it is counted, so that a search is logged, which a bot's is not.
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_A_VISIT = 5  # requests with one visitor's cookie


def measure(figures: Figures, world: World, *, size: int, requests: int) -> None:
    asked = _search_corpus.texts(_search_corpus.queries(world.sets, requests + _WARM, seed=2))
    times, statuses = _get(_site(figures, world, size), asked[:_WARM], asked[_WARM:])
    at = label(size)
    figures.report(f"http_search_p50_ms_{at}", quantile(times, 0.5), "ms, one request after another")
    figures.report(f"http_search_p95_ms_{at}", quantile(times, 0.95), "ms, one request after another")
    if failed := len(times) - statuses[200]:
        say(f"http: {failed} of {len(times)} searches failed: {dict(statuses)}")
    figures.report(f"http_search_failed_{at}", failed, f"of {len(times)} searches")


def measure_bad(figures: Figures, world: World, *, engine: str, size: int, count: int) -> None:
    """The worst of what the page and the engine alone make of `count` nasty texts, over the same articles."""
    asked = _search_corpus.texts(_search_corpus.queries(world.sets, 100))
    nasty = _search_corpus.nasty(asked)
    nasty = nasty[:: len(nasty) // count]  # of every kind some
    address = _site(figures, world, size)
    _get(address, ["refnud", *asked[:_WARM]], [])
    times, statuses = _get_bad(address, nasty)
    with _search_process.ours(engine, world.index_folder) as process:  # the site's own index
        process.ask(do="rank", texts=["refnud", *asked])
        found = process.ask(do="survive", texts=nasty)
    for error in found["errors"]:
        say(f"bad input: the engine raised for {error}")
    refused = len(times) - statuses[200]
    if refused:
        say(f"bad input: the page answered {dict(statuses)}")
    worst = {"engine": max(zip(found["times"], nasty, strict=True)), "http": max(zip(times, nasty, strict=True))}
    for by, (milliseconds, text) in worst.items():
        figures.report(f"bad_input_{by}_worst_ms", milliseconds, "ms")
        say(f"bad input: {milliseconds:.0f} ms by {by} for {text[:40]!r}… ({len(text)} characters)")
    either = max(milliseconds for milliseconds, _ in worst.values())
    figures.report("bad_input_worst_ms", either, f"ms, of {len(nasty)} texts, by the page or the engine")
    figures.report("bad_input_refused", len(found["errors"]) + refused, "texts with an error instead of an answer")


def _get(address: str, warm: Sequence[str], texts: Sequence[str]) -> tuple[list[float], Counter[int]]:
    """Milliseconds of each search page, one after another over kept connections, and how often each status came."""
    import httpx

    times, statuses = [], Counter[int]()
    for text in warm:  # by a connection each: a kept one would leave the other worker cold
        httpx.get(f"{address}{_PATH}", params={"q": text}, headers={"User-Agent": _BROWSER}, timeout=60)
    with httpx.Client(base_url=address, headers={"User-Agent": _BROWSER}, timeout=60) as client:
        for number, text in enumerate(texts):
            if number % _A_VISIT == 0:
                client.cookies.clear()
            started = time.perf_counter()
            status = client.get(_PATH, params={"q": text}).status_code
            times.append((time.perf_counter() - started) * 1000)
            statuses[status] += 1
    return times, statuses


def _get_bad(address: str, texts: Sequence[str]) -> tuple[list[float], Counter[int]]:
    """The same for addresses of any length, which httpx refuses to ask for. Status 0: the server hung up."""
    times, statuses = [], Counter[int]()
    server = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    for text in texts:
        path = f"{_PATH}?{urlencode({'q': text}, errors='replace')}"
        started = time.perf_counter()
        try:
            server.request("GET", path, headers={"User-Agent": _BROWSER})
            response = server.getresponse()
            response.read()
            statuses[response.status] += 1
        except (OSError, http.client.HTTPException):
            statuses[0] += 1
            server.close()
        times.append((time.perf_counter() - started) * 1000)
    server.close()
    return times, statuses


def _site(figures: Figures, world: World, size: int) -> str:
    """The address of a running web server whose help centre has `size` articles; it runs until the world ends."""
    world.django()
    from kb.models import Article
    from kb.search import indexing

    if not Article.objects.exists():
        say(f"{size:,} articles into a database")
        _fill(read(str(world.documents(size))))
        started = time.perf_counter()
        indexing.rebuild()
        figures.report(f"index_from_database_{label(size)}_seconds", time.perf_counter() - started, "s")
    return world.serve()


def _fill(pairs: Sequence[Sequence[str]]) -> None:
    """Published articles in bulk: what their pages would need beside search's own columns is left empty."""
    from django.db import connection, transaction

    from core import clock
    from kb.models import Article, Category, CategoryText, Revision

    now = clock.now()
    with transaction.atomic():
        shelves = Category.objects.bulk_create(Category(key=f"bench-{n}", topic="other") for n in range(_SHELVES))
        CategoryText.objects.bulk_create(
            CategoryText(category=shelf, locale="en", slug=shelf.key, name=f"Shelf {shelf.key}") for shelf in shelves
        )
        articles = Article.objects.bulk_create(
            (Article(locale="en", slug=f"a-{n}", category=shelves[n % _SHELVES], version=1) for n in range(len(pairs))),
            batch_size=2_000,
        )
        Revision.objects.bulk_create(
            (
                Revision(article=article, number=1, title=title, text=body.replace("\0", ""), created_at=now)
                for article, (title, body) in zip(articles, pairs, strict=True)
            ),
            batch_size=1_000,
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE kb_article SET live_revision_id = kb_revision.id, state = 'published'"
                " FROM kb_revision WHERE kb_revision.article_id = kb_article.id"
            )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
