"""Lighthouse on the pages that customers come to, as gunicorn serves them: one JSON line a figure.

    python -m bench.lighthouse [--quick] [--check] [--page home|article|search|contact] [--keep FOLDER]

Lighthouse's own defaults: a phone of the middle class on a slow mobile network, simulated. Each page is loaded three
times (--quick: once) and each category's median printed, 0 to 100. What keeps a category under 100 goes to stderr.

Two figures need a word. The search page tells search engines not to list it (`noindex`, on purpose: an endless number
of pages that say what other pages say better), and Lighthouse's SEO audit "is-crawlable" asks for the opposite.
`lighthouse_search_seo` is therefore without that audit, and the audit's failing is itself checked: were the page
listed, this bench would say so. Nothing else is left out anywhere. And Lighthouse's browser says that it is one, so
nothing of this is counted as a visit (core/visitors.py).

Lighthouse is installed from npm, pinned, into .data/bench-peers/lighthouse (about 190 MB). --check: exit code 1 where
a figure is under 98, and which on stderr. Exit code 2 where Lighthouse or Chromium cannot be had. --keep: the whole
reports, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._report import report
from bench._search_process import PEERS_HOME, ROOT
from bench._search_world import World

LIGHTHOUSE = "lighthouse@12.8.2"  # the last that runs on Node 18 and 20
HOME = PEERS_HOME / "lighthouse"
CATEGORIES = {
    "performance": "performance",
    "accessibility": "accessibility",
    "best-practices": "best_practices",
    "seo": "seo",
}
LEAST = 98
# The audits that must fail, by page: see above.
MEANT = {"search": {"is-crawlable"}}
_SECONDS = 180
_WARM = 12  # requests


@dataclass(frozen=True)
class Run:
    """One run's scores (0 to 100, by category) and the audits that took points from them."""

    scores: Mapping[str, float]
    shortfalls: Mapping[str, list[str]]
    failed: frozenset[str]


def main() -> int:
    given = _arguments()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        print("lighthouse: no Chromium on this machine (Debian's package chromium)", file=sys.stderr)
        return 2
    if not install():
        return 2
    misses: list[str] = []
    with World(()) as world:
        for page, path in _fill(world).items():
            if given.page and page not in given.page:
                continue
            _warm(world.serve() + path)
            runs = [
                _run(
                    world.serve() + path,
                    page=page,
                    chromium=chromium,
                    keep=given.keep and given.keep / f"{page}-{n}.json",
                )
                for n in range(1 if given.quick else 3)
            ]
            misses += _report(page, runs)
    for sentence in misses:
        print(f"lighthouse: {sentence}", file=sys.stderr)
    return 1 if given.check and misses else 0


def install() -> bool:
    """Lighthouse by npm where it is not there as pinned. False, and why on stderr, where that cannot be."""
    mark = HOME / "installed"
    if mark.exists() and mark.read_text() == LIGHTHOUSE:
        return True
    npm = shutil.which("npm")
    if not npm:
        print("lighthouse: left out, there is no npm on this machine", file=sys.stderr)
        return False
    HOME.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(HOME), "--no-audit", "--no-fund", "--ignore-scripts", LIGHTHOUSE]
    done = subprocess.run(command, capture_output=True, text=True, cwd=HOME)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        print(f"lighthouse: left out, it cannot be installed: {last}", file=sys.stderr)
        return False
    mark.write_text(LIGHTHOUSE)
    return True


def _fill(world: World) -> dict[str, str]:
    """The demo's articles in a database of this run's own; the pages' paths by their names."""
    world.django()
    from django.conf import settings
    from django.core.management import call_command
    from django.urls import reverse
    from django.utils import translation

    from kb.models import Article

    call_command("load_reasons", ROOT / "demo" / "reasons.yaml", verbosity=0, stdout=sys.stderr)
    call_command("import_articles", ROOT / "demo" / "articles", source="demo", verbosity=0, stdout=sys.stderr)
    # The one with most text.
    articles = Article.objects.filter(locale=settings.LANGUAGE_CODE, live_revision__isnull=False)
    article = max(articles.select_related("live_revision"), key=lambda article: len(article.live_revision.html))
    with translation.override(settings.LANGUAGE_CODE):
        return {
            "home": reverse("help:home"),
            "article": reverse("help:article", args=[article.slug]),
            "search": f"{reverse('help:search')}?q=return",
            "contact": reverse("contacts:form"),
        }


def _warm(url: str) -> None:
    """What a worker does once (import, open its index, compile a template) is no reader's wait."""
    import httpx

    for _ in range(_WARM):  # by a connection each: a kept one would leave the other worker cold
        httpx.get(url, headers={"User-Agent": "warm-up bot"}, timeout=60).raise_for_status()


def _run(url: str, *, page: str, chromium: str, keep: Path | None) -> Run:
    with tempfile.TemporaryDirectory(prefix="preempt-lighthouse-") as folder:
        out = Path(folder) / "report.json"
        done = subprocess.run(
            [
                str(HOME / "node_modules" / ".bin" / "lighthouse"),
                url,
                "--quiet",
                "--output=json",
                f"--output-path={out}",
                f"--only-categories={','.join(CATEGORIES)}",
                "--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-quic",
            ],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env={**os.environ, "CHROME_PATH": chromium},
        )
        if done.returncode or not out.exists():
            raise SystemExit(f"lighthouse: {url}: {done.stderr.strip()[-500:]}")
        if keep:
            keep.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(out, keep)
        return _read(json.loads(out.read_text()), meant=MEANT.get(page, set()))


def _read(found: Any, *, meant: set[str]) -> Run:
    """A report's scores without the `meant` audits: the weighted mean of an audit's scores, as Lighthouse makes it."""
    scores: dict[str, float] = {}
    shortfalls: dict[str, list[str]] = defaultdict(list)
    failed = set()
    for category in CATEGORIES:
        total = weights = 0.0
        for part in found["categories"][category]["auditRefs"]:
            audit, weight = found["audits"][part["id"]], part["weight"]
            if audit["score"] is None or not weight:
                continue
            if audit["score"] < 1:
                failed.add(part["id"])
            if part["id"] in meant:
                continue
            total, weights = total + audit["score"] * weight, weights + weight
            if audit["score"] < 0.995:
                shortfalls[category].append(f"{part['id']} {audit.get('displayValue') or audit['title']}")
        scores[category] = 100 * total / weights
    return Run(scores, shortfalls, frozenset(failed))


def _report(page: str, runs: list[Run]) -> list[str]:
    """Print the medians; return what is not as it should be."""
    misses = []
    for category, name in CATEGORIES.items():
        figure = statistics.median(run.scores[category] for run in runs)
        report(f"lighthouse_{page}_{name}", figure, f"of 100, median of {len(runs)}")
        below = sorted({line for run in runs for line in run.shortfalls.get(category, [])})
        if below:
            print(f"lighthouse: {page}, {category}: not full marks for: {'; '.join(below)}", file=sys.stderr)
        if figure < LEAST:
            misses.append(f"not reached: {page}: {category} {figure:.0f} < {LEAST}")
    misses += [
        f"{page}: {audit} is expected to fail, and it does not"
        for audit in MEANT.get(page, set())
        if any(audit not in run.failed for run in runs)
    ]
    return misses


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--page", action="append", choices=("home", "article", "search", "contact"))
    parser.add_argument("--keep", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
