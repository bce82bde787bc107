"""A real Chromium over a real server, with the demo shop's articles in it."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    expect,
    sync_playwright,
)

from tests.journeys import public_pages
from tests.waiting import until

# Playwright's sync API runs an event loop in this thread, and Django would refuse its queries beside one.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

# Milliseconds, as long as until() waits: the first page of a process compiles every template, on a busy machine slowly.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
# A window decides where things stand, a scheme only their colours (tests/test_design_tokens.py sees to that): whoever
# walks each once has seen both.
VIEWS = [("phone", "light"), ("desktop", "dark")]
# For a path on which nothing but the looks of its pages depends on the window: walked once, and at each stop where the
# test looks at the page, seen in every view by in_each_view().
WALKED_ONCE = pytest.mark.parametrize("walker", VIEWS[:1], ids="-".join, indirect=True)
SHOTS = Path(__file__).resolve().parents[2] / "shots"
# What a person's browser says; the bot filter keeps "HeadlessChrome" out of every number.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        pytest.skip("no Chromium on this machine: install Debian's package chromium to run the browser tests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
                  "--disable-component-update", "--disable-sync", "--no-first-run"],
        )  # fmt: skip
        yield browser
        browser.close()


# The policy's own event, beside what the console says: its text differs between versions of the browser.
_TELL_VIOLATIONS = """
    document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`content policy: ${event.violatedDirective} refused ${event.blockedURI} ${event.sample}`));
"""
# What combobox.js and htmx take back when the reader types on, and what a press on a link leaves unfinished.
_TAKEN_BACK = "net::ERR_ABORTED"


class Walker:
    """A page that remembers every request to a foreign host (`foreign`) and all that the browser complained about:
    errors on its console, scripts that failed, what the content policy refused, files that did not come.
    """

    def __init__(self, context: BrowserContext, root: str, shots: Path) -> None:
        self.root, self.shots = root, shots
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("page", self._listen)  # what opens beside this page is heard too
        self.page: Page = context.new_page()

    def _listen(self, page: Page) -> None:
        page.on("request", self._note_request)
        page.on("requestfailed", self._note_failure)
        page.on("response", self._note_answer)
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.root}/", "data:", "about:")):
            self.foreign.append(request.url)

    def _note_failure(self, request: Request) -> None:
        if request.failure != _TAKEN_BACK:
            self.complaints.append(f"{request.method} {request.url}: {request.failure}")

    def _note_answer(self, response: Response) -> None:
        # A page may say "not found" or "too many"; a style sheet, a script or an icon may not.
        if response.status >= 400 and not response.request.is_navigation_request():
            self.complaints.append(f"{response.request.method} {response.url} answered {response.status}")

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):  # _note_answer says it
            self.complaints.append(message.text)

    def forget(self) -> None:
        """What was noted belongs to the last page."""
        self.foreign.clear()
        self.complaints.clear()

    def open(self, path: str, *, status: int = 200) -> None:
        response = self.page.goto(path if path.startswith("http") else self.root + path)
        assert response is not None
        assert response.status == status, f"{path} answered {response.status}"

    def shoot(self, name: str, *, whole: bool = True) -> None:
        """A picture to look at, of the whole page or of what the window shows, where SHOTS=1 asks for them."""
        if os.environ.get("SHOTS"):
            self.shots.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=self.shots / f"{name}.png", full_page=whole)

    def width_overflow(self) -> int:
        """How many pixels the page is wider than the window (a phone's sideways scroll)."""
        overflow: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return overflow


class _Asked:
    """How many requests this process is answering; an editor's page saves and says that it is there by itself."""

    def __init__(self) -> None:
        self.open = 0
        self._lock = threading.Lock()
        request_started.connect(self._begin, weak=False)
        request_finished.connect(self._end, weak=False)

    def _begin(self, **_kwargs: object) -> None:
        with self._lock:
            self.open += 1

    def _end(self, **_kwargs: object) -> None:
        with self._lock:
            self.open -= 1


_asked = _Asked()


@pytest.fixture(autouse=True)
def _nobody_asks_any_more(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a closed page still asked for is answered before the test's rows are thrown away under it."""
    if "live_server" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("live_server")
    before = _asked.open
    yield
    until(lambda: _asked.open <= before, "the server has answered everything")


def browser_context(chromium: Browser, size: str, scheme: str) -> BrowserContext:
    """Somebody's browser: a window of SIZES, light or dark."""
    context = chromium.new_context(
        viewport=SIZES[size],  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        user_agent=AGENT,
        locale="en-GB",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    return context


def let_in(context: BrowserContext, user: User, root: str) -> None:
    """Sign somebody in by the session itself: the way in is another test's."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": root}])


def in_each_view(
    page: Page, *looks: Callable[[Page], list[str]], views: Sequence[tuple[str, str]] = VIEWS
) -> list[str]:
    """What the looks find on the page as it stands, in every view; leaves it in the first."""
    found = []
    for size, scheme in reversed(views):
        page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{size}, {scheme}: {sentence}" for look in looks for sentence in look(page)]
    return found


@pytest.fixture(params=VIEWS, ids="-".join)
def walker(request: pytest.FixtureRequest, chromium: Browser, live_server: object) -> Iterator[Walker]:
    size, scheme = request.param
    context = browser_context(chromium, size, scheme)
    yield Walker(context, str(live_server), SHOTS / f"{size}-{scheme}")
    context.close()


@pytest.fixture
def shop(settings, tmp_path, live_server) -> public_pages.Shop:
    """The demo's articles and an order in every state, in an index and under an address of the test's own."""
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    settings.SITE_URL, settings.MAIL_PROVIDER = str(live_server), "console"
    return public_pages.furnish(tmp_path / "articles")


@pytest.fixture(params=["phone-light", "desktop-dark"])
def visitor(request: pytest.FixtureRequest, chromium: Browser, live_server: object, shop: object) -> Iterator[Walker]:
    """A customer's browser in a furnished shop. At the end: no foreign request, no complaint, no sideways scroll."""
    size, _, scheme = request.param.partition("-")
    context = browser_context(chromium, size, scheme)
    walker = Walker(context, str(live_server), SHOTS / request.param)
    yield walker
    overflow = walker.width_overflow()
    context.close()
    assert walker.foreign == [], "a page asked another host for something"
    assert walker.complaints == [], "the browser complained (content policy, missing file, script error)"
    assert overflow <= 0, "the page scrolls sideways"
