"""Nobody is kept out: axe-core on every public page, in every width and both schemes, and what axe cannot see."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
from playwright.sync_api import Browser, Error

from tests.journeys import barriers, public_pages
from tests.journeys.conftest import AGENT, PATIENCE, SHOTS, Walker
from tests.journeys.public_pages import PAGES, WITHOUT_A_PAGE, PublicPage, Shop, Visit

# Every rule, contrast with it, in a narrow window and in a wide one, each in a scheme of its own: the dark changes
# nothing but colours (tests/test_design_tokens.py). What differs between the two windows, in both schemes at both: a
# text that is painted as one whose contrast is known needs no second look.
NARROW, WIDE = 320, 1280
BETWEEN = (390, 768, 1440)  # show nothing that neither of the two shows
# 1280 × 1024 at 400 %: the least that WCAG 1.4.10 lets a page count on.
ZOOMED = {"width": 320, "height": 256}
PARTS = 2  # so that several processes share the work
FARTHEST = ("de", "ar")  # the longest words, and the other direction


class Findings:
    """What was found, each sentence once, with the pages and the widths where it is true."""

    def __init__(self) -> None:
        self._where: dict[str, list[str]] = defaultdict(list)

    def note(self, where: str, sentences: Sequence[str]) -> None:
        for sentence in sentences:
            self._where[sentence].append(where)

    def __str__(self) -> str:
        return "\n".join(f"{sentence}\n    {', '.join(where)}" for sentence, where in self._where.items())


def opens(visit: Visit, page: PublicPage, found: Findings) -> bool:
    """Show the page; where it cannot be shown, that is a finding too, and the others are still looked at."""
    try:
        visit.start(page)
    except (AssertionError, Error) as error:
        found.note(page.name, [f"cannot be shown: {error}"])
        return False
    return True


@pytest.fixture
def walk(chromium: Browser, live_server, shop: Shop) -> Iterator[Callable[[str], Visit]]:
    """A browser of one's own, by language."""
    with contextlib.ExitStack() as contexts:

        def start(locale: str) -> Visit:
            context = chromium.new_context(user_agent=AGENT, locale="en-GB", reduced_motion="reduce")
            contexts.callback(context.close)
            context.set_default_timeout(PATIENCE)
            return Visit(Walker(context, str(live_server), SHOTS / "pages" / locale), shop, locale)

        yield start


def test_every_public_address_is_walked_through() -> None:
    shown = {page.route for page in PAGES if page.route}
    routes = public_pages.public_routes()
    assert routes - shown - set(WITHOUT_A_PAGE) == set(), "give each a line in tests/journeys/public_pages.py"
    assert shown - routes == set(), "these addresses are gone"


def look_at_every_width(visit: Visit, page: PublicPage, found: Findings, seen: set[str]) -> None:
    """Nothing about the page is too narrow, too small or too pale; leaves it narrow and in the dark.

    `seen`: how texts were painted whose contrast is known from another page or another width.
    """
    browser = visit.page

    def look(width: int, scheme: str, *looks: Callable[[], list[str]]) -> None:
        browser.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        browser.set_viewport_size({"width": width, "height": 900})
        for one in (*looks, partial(barriers.sideways, browser)):
            found.note(f"{page.name} {width} {scheme}", one())

    every_rule = partial(barriers.axe, browser, seen=seen)
    contrast = partial(barriers.axe, browser, only=barriers.CONTRAST, seen=seen)
    look(NARROW, "light", every_rule)
    for width in BETWEEN:
        look(width, "light", partial(barriers.axe, browser, only=barriers.LAID_OUT))
        visit.walker.shoot(f"{page.name}-{width}-light")
    look(WIDE, "light", contrast)
    look(WIDE, "dark", every_rule)
    visit.walker.shoot(f"{page.name}-{WIDE}-dark")
    look(NARROW, "dark", contrast)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_page_has_a_barrier(walk, part):
    found = Findings()
    visit = walk("en")
    browser = visit.page
    seen: set[str] = set()
    for page in PAGES[part::PARTS]:
        if not opens(visit, page, found):
            continue
        look_at_every_width(visit, page, found, seen)
        browser.set_viewport_size(ZOOMED)
        found.note(page.name, barriers.cut_by_text_spacing(browser))
        found.note(page.name, barriers.without_an_edge(browser))
        found.note(page.name, barriers.focus(browser))
        found.note(page.name, visit.walker.complaints + visit.walker.foreign)
    assert not str(found), f"\n{found}"


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("locale", FARTHEST)
def test_longer_words_and_the_other_direction_break_no_page(walk, locale):
    found = Findings()
    visit = walk(locale)
    browser = visit.page
    for page in PAGES:
        if not opens(visit, page, found):
            continue
        for width in (WIDE, NARROW):
            browser.set_viewport_size({"width": width, "height": 900})
            found.note(f"{page.name} {width}", barriers.sideways(browser))
        # The colours are the same in every language, and so is what axe sees at any width.
        found.note(page.name, barriers.axe(browser, contrast=False))
        visit.walker.shoot(f"{page.name}-320")
        found.note(page.name, barriers.cut_by_text_spacing(browser))
        found.note(page.name, visit.walker.complaints + visit.walker.foreign)
    assert not str(found), f"\n{found}"
