"""Nobody is kept out of the desk: axe-core and the Tab key on every page of it, on a phone and on a desktop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.urls import resolve
from playwright.sync_api import Browser

from config import urls
from tests.journeys import barriers, desk_pages
from tests.journeys.conftest import SHOTS, SIZES, VIEWS, Walker, browser_context, let_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def admin(shop) -> User:
    return User.objects.create_superuser("ada", email="ada@fernhill.example.com")


@pytest.fixture
def walker(chromium: Browser, live_server, admin: User) -> Iterator[Walker]:
    context = browser_context(chromium, "phone", "light")
    let_in(context, admin, str(live_server))
    yield Walker(context, str(live_server), Path(SHOTS / "desk"))
    context.close()


def look(walker: Walker, name: str, seen: set[str]) -> list[str]:
    """What keeps somebody from this page on a phone in the light, then on a desktop in the dark; `seen` as in axe().

    One page, not loaded anew: no script of ours asks for the window but to follow it.
    """
    page = walker.page
    found = []
    for size, scheme in VIEWS:
        page.set_viewport_size(SIZES[size])
        page.emulate_media(color_scheme=scheme)
        walker.shoot(f"{name}-{size}-{scheme}")
        sentences = [*barriers.axe(page, seen=seen), *barriers.sideways(page)]
        if size == "phone":  # where bars cover most; the order of the stops is the same in a wide window
            sentences += barriers.focus(page)
        found += [f"{size}: {sentence}" for sentence in sentences]
    # A preview's frame runs no scripts, which is meant.
    complaints = [said for said in walker.complaints if "frame is sandboxed" not in said]
    return found + complaints + walker.foreign


def test_no_page_of_the_desk_has_a_barrier(walker: Walker, admin: User) -> None:
    found, walked = [], set()
    seen: set[str] = set()
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
        found += [f"{path}: {sentence}" for sentence in look(walker, f"{number:03}-{match.url_name}", seen)]
    assert not found, "\n".join(["", *found])
    assert {pattern.name for pattern in urls.desk} - walked - desk_pages.WITHOUT_A_PAGE == set()
