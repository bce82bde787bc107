"""What an article costs a reader's data plan: every byte that a cold browser gets from gunicorn and WhiteNoise."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.urls import reverse

from config import embedded, supervisor
from kb.models import Article
from tests import workers
from tests.journeys.conftest import AGENT
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

MOST = 40_000  # bytes, headers and all


@pytest.fixture
def served(settings, tmp_path: Path) -> Iterator[str]:
    """The site as `manage.py demo` serves it, over the test's rows: files hashed, compressed, cached for ever."""
    env = workers.environment(
        DJANGO_SETTINGS_MODULE="config.settings",
        SEARCH_INDEX_DIR=str(settings.SEARCH_INDEX_DIR),
        SECURE_SSL_REDIRECT="0",
        ALLOWED_HOSTS="localhost",
        LOG_LEVEL="WARNING",
    )
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(collect, cwd=embedded.REPOSITORY, env=env, check=True)
    listeners = supervisor.listen(8900 + os.getpid() % 900)
    with supervisor.Supervisor(logs=tmp_path / "logs", say=print) as parts:
        parts.start(supervisor.web(listeners, env=env))
        address = f"http://localhost:{listeners[0].getsockname()[1]}"
        until(lambda: httpx.get(f"{address}/healthz", timeout=30).status_code == 200, "the web server answers")
        yield address
    for listener in listeners:
        listener.close()


def weigh(chromium, url: str) -> dict[str, tuple[int, dict[str, str]]]:
    """Bytes on the wire and response headers, by address, of a browser that has never been here."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, user_agent=AGENT)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    asked: dict[str, tuple[str, dict[str, str]]] = {}
    weights: dict[str, tuple[int, dict[str, str]]] = {}

    def answered(event) -> None:
        headers = {name.lower(): value for name, value in event["response"]["headers"].items()}
        asked[event["requestId"]] = (event["response"]["url"], headers)

    def finished(event) -> None:
        if event["requestId"] in asked:
            address, headers = asked[event["requestId"]]
            weights[address] = (int(event["encodedDataLength"]), headers)

    devtools.send("Network.enable")
    devtools.on("Network.responseReceived", answered)
    devtools.on("Network.loadingFinished", finished)
    page.goto(url, wait_until="networkidle")
    context.close()
    return weights


def test_the_longest_article_comes_with_everything_in_40_kb(chromium, settings, tmp_path, shop, served):
    articles = Article.objects.filter(source="demo", locale="en").select_related("live_revision")
    article = max(articles, key=lambda article: len(article.live_revision.html))
    weights = weigh(chromium, served + reverse("help:article", args=[article.slug]))
    for address, (weight, headers) in sorted(weights.items(), key=lambda item: -item[1][0]):
        path = address.removeprefix(served)
        print(f"{weight:7,} bytes  {headers.get('content-encoding', 'as it is'):8}  {path}")
    total = sum(weight for weight, _ in weights.values())
    print(f"{total:7,} bytes  in {len(weights)} answers")
    static = {address: headers for address, (_, headers) in weights.items() if "/static/" in address}
    assert len(static) > 5, "the style sheets and scripts were not seen"
    assert all("immutable" in headers["cache-control"] for headers in static.values())
    assert total <= MOST
