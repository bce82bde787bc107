"""Arabic from right to left, the language menu without JavaScript, data for search engines under the strict policy."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from kb import publishing, search
from kb.models import Category, CategoryText
from kb.search import indexing, suggest
from notifications import links
from tests.journeys.conftest import AGENT, SHOTS, SIZES, Walker
from tests.notifications import shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SHELVES = {"delivery": ("Delivery", "التوصيل", "truck"), "returns": ("Returns", "الإرجاع والاستبدال", "return")}
LATE = """يُعدّ الطرد متأخرًا بعد انقضاء آخر يوم وعدنا به.

## ماذا تفعل

1. افتح **طلبك** وأدخل الرقم `FH-104233`.
2. راسلنا على help@example.com إذا لم يصل خلال 7 أيام.

| اليوم | ما تفعله |
|---|---|
| قبل الموعد | لا شيء بعد |
| بعده بسبعة أيام | أبلغنا عن المشكلة |

## هل يكلّف شيئًا؟

لا. لا نطلب منك أي مبلغ مقابل التوصيل.

> **مهم:** لا تدفع أي مبلغ عبر رابط في رسالة.

## إذا لم يتحرك التتبع

```
GET /track?no=PP-1001
```
"""


@pytest.fixture
def help_centre(settings, tmp_path, live_server) -> Iterator[str]:
    """Shelves in English and Arabic, two Arabic articles, one English one; gives the path of an order's page."""
    settings.SEARCH_INDEX_DIR, settings.SITE_URL = tmp_path / "index", str(live_server)
    for position, (key, (english, arabic, icon)) in enumerate(SHELVES.items()):
        shelf = Category.objects.create(key=key, topic="order_status", icon=icon, position=position)
        CategoryText.objects.create(category=shelf, locale="en", slug=key, name=english, description="All of it.")
        CategoryText.objects.create(category=shelf, locale="ar", slug=key, name=arabic, description="كل ما يخص ذلك.")

    def write(title: str, body: str, on: str, **more):
        category = Category.objects.get(key=on)
        made = publishing.create_article(title=title, body=body, category=category, by=None, **more)
        publishing.publish(made, by=None, ring=False)
        return made

    late = write("My parcel is late", "Wait **two** days.\n\n## Is it free?\n\nYes.", "delivery", locale="en")
    write(
        "طردي متأخر: ماذا أفعل؟", LATE, "delivery", locale="ar", slug="late",
        summary="متى نعدّه مفقودًا، وما خياراتك بين طرد جديد واسترداد المبلغ.",
        translation_group=late.translation_group,
    )  # fmt: skip
    write("أريد إرجاع مصباح", "أرسله خلال 30 يومًا.", "returns", locale="ar", slug="lamp")
    write("Return a rug (100 % wool)", "Roll it up, then write to us.", "returns", locale="en")
    indexing.rebuild()
    suggest.forget()
    order = shop.parcel(number="FH-104233").order
    yield "/" + links.order_url(order, locale="ar").split("/", 3)[3]
    suggest.forget()
    search.engine().close()


def middle(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None, selector
    return box["x"] + box["width"] / 2


def direction(page: Page, selector: str) -> str:
    return str(page.locator(selector).first.evaluate("element => getComputedStyle(element).direction"))


def test_arabic_pages_run_from_right_to_left_and_their_codes_do_not(chromium: Browser, live_server, help_centre):
    context = chromium.new_context(
        user_agent=AGENT,
        locale="ar",
        reduced_motion="reduce",  # type: ignore[arg-type]
    )
    walker = Walker(context, str(live_server), SHOTS / "arabic")
    page = walker.page
    pages = {
        "home": "/ar/", "category": "/ar/c/returns/", "article": "/ar/a/late/",
        "fallback": "/ar/a/return-a-rug-100-wool/",
        "search": "/ar/search/?q=طرد", "search-none": "/ar/search/?q=زرافة", "search-foreign": "/ar/search/?q=rug",
        "contact": "/ar/contact/", "orders": "/ar/orders/", "order": help_centre,
    }  # fmt: skip
    for name, path in pages.items():
        walker.open(path)
        assert direction(page, "html") == "rtl", name
        for size, window in SIZES.items():
            page.set_viewport_size(window)  # type: ignore[arg-type]
            walker.shoot(f"{name}-{size}")
            assert walker.width_overflow() <= 0, name
            # The shop's name stands at the beginning, which is on the right.
            assert middle(page, ".brand") > window["width"] / 2, name
            if name not in ("home", "search-none"):
                assert middle(page, ".crumbs li:first-child") > middle(page, ".crumbs li:nth-child(2)"), name
    walker.open("/ar/")
    # An arrow that says "on" points to the left.
    flipped = page.locator(".icon-flip").first.evaluate("element => getComputedStyle(element).transform")
    assert flipped.startswith("matrix(-1")
    walker.open("/ar/a/late/")
    assert direction(page, ".prose code") == direction(page, ".prose pre") == "ltr"
    assert direction(page, ".prose") == "rtl"
    walker.open("/ar/a/return-a-rug-100-wool/")
    assert direction(page, "article .prose") == "ltr"
    walker.open("/ar/contact/")
    assert direction(page, "input[type=email]") == "ltr"
    assert direction(page, "textarea") == "rtl"
    assert walker.complaints == []
    assert walker.foreign == []
    context.close()


@pytest.mark.parametrize("size", SIZES)
def test_the_language_is_changed_without_javascript_and_back_by_the_keyboard(
    chromium: Browser, live_server, help_centre, size
):
    context = chromium.new_context(
        viewport=SIZES[size],
        user_agent=AGENT,
        locale="en-GB",
        java_script_enabled=False,  # type: ignore[arg-type]
    )
    walker = Walker(context, str(live_server), SHOTS / f"language-{size}")
    page = walker.page
    walker.open("/en/a/my-parcel-is-late/")
    menu = page.locator("details.lang:visible").first
    menu.locator("summary").click()
    walker.shoot("menu")
    menu.get_by_role("link", name="العربيّة").click()
    page.wait_for_url("**/ar/a/late/")
    expect(page.get_by_role("heading", level=1)).to_have_text("طردي متأخر: ماذا أفعل؟")

    summary = page.locator("details.lang:visible summary").first
    summary.focus()
    page.keyboard.press("Enter")
    walker.shoot("menu-arabic")
    for box in (menu.bounding_box() for menu in page.locator(".lang ul:visible").all()):
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= SIZES[size]["width"]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/en/a/my-parcel-is-late/")
    context.close()


def test_data_for_search_engines_are_no_scripts_to_the_policy(chromium: Browser, live_server, help_centre):
    context = chromium.new_context(viewport=SIZES["desktop"], user_agent=AGENT, locale="en-GB")  # type: ignore[arg-type]
    walker = Walker(context, str(live_server), SHOTS)
    for path in ("/en/a/my-parcel-is-late/", "/en/c/returns/", "/ar/a/late/"):
        walker.open(path)
        text = walker.page.locator('script[type="application/ld+json"]').text_content()
        assert re.search('"@type": "(Article|BreadcrumbList)"', text or "")
    assert walker.complaints == []
    context.close()
