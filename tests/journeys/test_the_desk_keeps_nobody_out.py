"""Nobody is kept out of the desk: axe-core and the Tab key on every page of it, on a phone and on a desktop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import resolve
from playwright.sync_api import Browser

from config import urls
from tests.journeys import barriers, desk_pages
from tests.journeys.conftest import SHOTS, Walker, browser_context, let_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(shop) -> User:
    return User.objects.create_superuser("ada", email="ada@fernhill.example.com")


@pytest.fixture
def browser_of(chromium: Browser, live_server, admin: User) -> Iterator[Callable[[str, str], Walker]]:
    opened = []

    def start(size: str, scheme: str) -> Walker:
        context = browser_context(chromium, size, scheme, patience=20_000)
        let_in(context, admin, str(live_server))
        opened.append(context)
        return Walker(context, str(live_server), Path(SHOTS / "desk" / f"{size}-{scheme}"))

    yield start
    for context in opened:
        context.close()


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("desktop", "dark")])
def test_no_page_of_the_desk_has_a_barrier(browser_of, admin: User, size: str, scheme: str) -> None:
    walker = browser_of(size, scheme)
    found, walked = [], set()
    for number, path in enumerate(desk_pages.paths(admin)):
        walker.forget()
        response = walker.page.goto(walker.root + path)
        if response is None or response.status != 200:
            found.append(f"{path}: answered {response.status if response else None}")
            continue
        match = resolve(path.partition("?")[0])
        walked.add(match.url_name)
        barriers.settled(walker.page)
        walker.page.evaluate("for (const part of document.querySelectorAll('main details')) part.open = true")
        walker.shoot(f"{number:03}-{match.url_name}")
        # A preview's frame runs no scripts, which is meant.
        complaints = [said for said in walker.complaints if "frame is sandboxed" not in said]
        sentences = [*barriers.axe(walker.page), *barriers.sideways(walker.page), *complaints, *walker.foreign]
        if size == "phone":  # where bars cover most; the order of the stops is the same in a wide window
            sentences += barriers.focus(walker.page)
        found += [f"{path}: {sentence}" for sentence in sentences]
    assert not found, "\n".join(["", *found])
    assert {pattern.name for pattern in urls.desk} - walked - desk_pages.WITHOUT_A_PAGE == set()
