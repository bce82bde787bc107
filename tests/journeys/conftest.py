"""A real Chromium over a real server, with the demo shop's articles in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

# Playwright's sync API runs an event loop in this thread, and Django would refuse its queries beside one.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
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


class Walker:
    """A page that remembers every request to a foreign host and every complaint of the browser's console."""

    def __init__(self, context: BrowserContext, root: str, shots: Path) -> None:
        self.page: Page = context.new_page()
        self.root, self.shots = root, shots
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", self._note_request)
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _note_request(self, request: object) -> None:
        url: str = request.url  # type: ignore[attr-defined]
        if not url.startswith((self.root, "data:", "about:")):
            self.foreign.append(url)

    def open(self, path: str) -> None:
        response = self.page.goto(path if path.startswith("http") else self.root + path)
        assert response is not None
        assert response.ok, f"{path} answered {response.status}"

    def shoot(self, name: str) -> None:
        self.shots.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self.shots / f"{name}.png", full_page=True)

    def width_overflow(self) -> int:
        """How many pixels the page is wider than the window (a phone's sideways scroll)."""
        overflow: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return overflow


@pytest.fixture(params=[(s, c) for s in SIZES for c in ("light", "dark")], ids=lambda p: f"{p[0]}-{p[1]}")
def walker(request: pytest.FixtureRequest, chromium: Browser, live_server: object) -> Iterator[Walker]:
    size, scheme = request.param
    context = chromium.new_context(
        viewport=SIZES[size],  # type: ignore[arg-type]
        color_scheme=scheme,
        user_agent=AGENT,
        locale="en-GB",
        reduced_motion="reduce",
    )
    context.set_default_timeout(10_000)
    yield Walker(context, str(live_server), SHOTS / f"{size}-{scheme}")
    context.close()
