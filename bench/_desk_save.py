"""From POST publish to the new text on the public page and in the answers of search: real web and worker processes.

    python -m bench._desk_save

measure() is what bench/desk.py calls; it starts everything in a folder of its own and leaves nothing behind.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
_LONGEST = 30.0  # seconds for one round, then it has failed
_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def measure(quick: bool) -> dict[str, float]:
    """save_to_live_s: the slowest of ROUNDS, in seconds; its median for the curious. `quick` changes nothing."""
    home = Path(tempfile.mkdtemp(prefix="preempt-desk-save-"))
    home.chmod(0o755)  # the server's account must reach it when this runs as root
    code = "from bench import _desk_save; _desk_save.run()"
    env = {**os.environ, "PREEMPT_DATA_DIR": str(home / "data"), "DJANGO_SETTINGS_MODULE": "config.settings"}
    env.pop("DATABASE_URL", None)
    try:
        # A process of its own: settings are read once, and the caller's may be others.
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"desk: save to live failed:\n{done.stderr[-3000:]}")
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found
    finally:
        shutil.rmtree(home, ignore_errors=True)


def run() -> None:
    from django.conf import settings

    from config import embedded, supervisor

    embedded.ensure(settings.DATA_DIR)
    import django

    django.setup()
    from django.core.management import call_command

    listeners = supervisor.listen(0)
    port = listeners[0].getsockname()[1]
    logs = settings.DATA_DIR / "logs"
    try:
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        article, cookie = _furnish()
        with supervisor.Supervisor(logs=logs, say=lambda line: print(line, file=sys.stderr)) as parts:
            parts.start(supervisor.web(listeners))
            parts.start(supervisor.worker())
            editor = _Editor(f"http://localhost:{port}", cookie, article)
            editor.wait_for_web()
            times = [editor.publish(number) for number in range(ROUNDS + 1)][1:]  # the first one warms up
    finally:
        embedded.stop(settings.DATA_DIR)
    print(json.dumps({"save_to_live_s": round(max(times), 2), "median_s": round(statistics.median(times), 2)}))


def _furnish() -> tuple[int, str]:
    """Some articles, one of them to be changed, and the session of a reviewer."""
    from django.conf import settings
    from django.contrib.auth.models import Group, User
    from django.test import Client

    from kb import publishing
    from kb.models import Category, CategoryText
    from kb.search import indexing

    shelf = Category.objects.create(key="delivery", topic="order_status", icon="truck")
    CategoryText.objects.create(category=shelf, locale="en", slug="delivery", name="Delivery")
    articles = []
    for number in range(120):
        body = f"## Part {number}\n\n" + f"Parcels of kind {number} take some days to arrive. " * 40
        article = publishing.create_article(locale="en", category=shelf, title=f"Kind {number}", body=body, by=None)
        publishing.publish(article, by=None, ring=False)
        articles.append(article)
    indexing.rebuild()
    user = User.objects.create_user("rita", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="reviewer")[0])
    client = Client()
    client.force_login(user)
    return articles[0].pk, client.cookies[settings.SESSION_COOKIE_NAME].value


class _Editor:
    """A reviewer's browser, and a customer's beside it."""

    def __init__(self, root: str, session: str, article: int) -> None:
        from django.conf import settings

        self._root, self._article = root, article
        self._session = f"{settings.SESSION_COOKIE_NAME}={session}"
        self._csrf = ""

    def wait_for_web(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            try:
                self._read("/healthz")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("desk: the web process does not answer")

    def publish(self, number: int) -> float:
        """Seconds from the POST until both show the word of this round."""
        word = f"zebrafink{'abcdefghij'[number]}x"
        url = f"/desk/articles/{self._article}/"
        page = self._read(url, session=True)
        token = _value(page, "csrfmiddlewaretoken")
        form = {
            "csrfmiddlewaretoken": token,
            "version": _value(page, "version"),
            "title": "Kind 0",
            "summary": "",
            "category": re.search(r'<option value="(\d+)" selected', page)[1],  # type: ignore[index]
            "body": f"Parcels of this kind are found under {word}. They take some days.",
            "action": "publish",
        }
        started = time.monotonic()
        self._post(url, form, token)
        until = started + _LONGEST
        missing = {"/en/a/kind-0/", f"/en/search/?q={word}"}
        while missing and time.monotonic() < until:
            for path in sorted(missing):
                shown = self._read(path)
                # The page of a search repeats the word that was searched for: it is the article that must be there.
                if ("/en/a/kind-0/" if "search" in path else word) in shown:
                    missing.discard(path)
            time.sleep(0.01)
        if missing:
            raise SystemExit(f"desk: after {_LONGEST:.0f} s not live: {', '.join(sorted(missing))}")
        return time.monotonic() - started

    def _read(self, path: str, *, session: bool = False) -> str:
        headers = {"User-Agent": _AGENT}
        if session:
            headers["Cookie"] = self._cookies()
        asked = urllib.request.Request(self._root + path, headers=headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            for given in answer.headers.get_all("Set-Cookie") or []:
                if session and given.startswith("csrftoken="):
                    self._csrf = given.split(";")[0]
            return answer.read().decode()

    def _cookies(self) -> str:
        return f"{self._session}; {self._csrf}" if self._csrf else self._session

    def _post(self, path: str, form: dict[str, Any], token: str) -> None:
        asked = urllib.request.Request(
            self._root + path,
            data=urllib.parse.urlencode(form).encode(),
            headers={"User-Agent": _AGENT, "Cookie": self._cookies(), "Referer": self._root + path},
        )
        with urllib.request.build_opener(_NoRedirect).open(asked, timeout=30) as answer:
            if answer.status != 302:
                raise SystemExit(f"desk: publishing answered {answer.status}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp


def _value(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    if found is None:
        raise SystemExit(f"desk: the editor's page has no {name}")
    return found[1]
