"""The contact form where it is hardest: small screens, a keyboard over half of them, slow answers, lost pages."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from contacts.models import Attachment, Contact, FormVisit
from tests.contacts import samples
from tests.journeys import barriers, kept
from tests.journeys.conftest import AGENT, PATIENCE
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ANSWERS = "I sent the lamp back two weeks ago. Where is my refund?"


@pytest.fixture
def shop(settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    kept.demo_with_reasons()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "lamp.jpg"
    path.write_bytes(samples.picture("JPEG"))
    return path


@pytest.fixture
def without_script(chromium, live_server):
    context = chromium.new_context(
        viewport={"width": 390, "height": 844}, user_agent=AGENT, locale="en-GB", java_script_enabled=False
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"{live_server}/en/contact/")
    yield page
    context.close()


def send_button(page):
    return page.get_by_role("button", name=re.compile("^Send", re.I))


def send_is_free(page) -> bool:
    """Whether Send is wholly on the screen, and what a finger meets at its middle and corners is Send."""
    box = send_button(page).bounding_box()
    return page.evaluate(
        """([x, y, w, h]) => x >= 0 && y >= 0 && x + w <= innerWidth && y + h <= innerHeight
          && [[.5, .5], [.05, .1], [.95, .9]].every(([a, b]) =>
            document.elementFromPoint(x + a * w, y + b * h)?.closest(".btn-send"))""",
        [box["x"], box["y"], box["width"], box["height"]],
    )


def test_send_is_there_at_every_moment_on_every_screen(walker, shop):
    page = walker.page
    walker.open("/en/contact/")
    page.get_by_label(re.compile("e-?mail", re.I)).first.fill("ada@example.com")
    # The last one is a small phone with its keyboard up.
    for width, height in ((1280, 900), (390, 844), (320, 568), (320, 250)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("window.scrollTo(0, 0)")
        for label in ("subject", "your message"):
            field = page.get_by_label(re.compile(label, re.I))
            field.focus()
            page.keyboard.type("Where")
            assert send_is_free(page), f"{width} × {height}, in {label}"
            at = page.evaluate("document.activeElement.getBoundingClientRect().top")
            assert at < page.locator(".send-bar").bounding_box()["y"], "the field that has the focus is in sight"
        walker.shoot(f"contact-{width}x{height}", whole=height > 250)
        assert walker.width_overflow() <= 0
    assert walker.complaints == []


def test_suggestions_come_and_go_and_send_does_not_move(walker, shop):
    page = walker.page
    walker.open("/en/contact/")
    page.get_by_label(re.compile("e-?mail", re.I)).first.fill("ada@example.com")
    message = page.get_by_label(re.compile("your message", re.I))
    message.focus()
    before = send_button(page).bounding_box()
    held, is_slow = [], True
    page.route("**/contact/suggest/", lambda route: held.append(route) if is_slow else route.continue_())
    message.press_sequentially(ANSWERS)
    until(lambda: page.wait_for_timeout(50) or held, "suggestions are asked for", seconds=60)
    page.wait_for_timeout(1000)  # no key was pressed meanwhile, so that no newer request replaces this one
    assert send_is_free(page), "while the request is under way"
    assert send_button(page).bounding_box() == before
    is_slow = False
    held.pop().continue_()  # those before it were given up by the page
    page.locator("[data-suggestion]").first.wait_for()
    assert send_is_free(page)
    assert send_button(page).bounding_box() == before
    walker.shoot("contact-suggestions")
    with page.context.expect_page() as opened:
        page.locator("[data-suggestion] a").first.click()
    opened.value.wait_for_load_state()
    assert "/en/a/" in opened.value.url
    opened.value.close()
    assert message.input_value() == ANSWERS
    page.reload()
    assert message.input_value() == ANSWERS, "a reload keeps it"
    page.goto(walker.root + "/en/")
    page.go_back()
    assert message.input_value() == ANSWERS, "the way back keeps it"
    page.locator("[data-suggestion]").first.wait_for()  # what is shown on this page is this page's to remember
    send_button(page).click()
    page.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first.wait_for()
    walker.shoot("contact-sent")
    assert FormVisit.objects.get(contact=Contact.objects.get()).shown
    # By the page's script, which comes last. Asked from outside: the content policy lets no wait_for_function() in.
    until(lambda: page.evaluate("() => sessionStorage.getItem('contact-draft')") is None, "the draft is gone")
    page.goto(walker.root + "/en/contact/")
    assert message.input_value() == "", "what is sent is no draft any more"
    assert walker.complaints == []


def test_a_suggestion_that_answers_closes_the_form(walker, shop):
    page = walker.page
    walker.open("/en/contact/")
    page.get_by_label(re.compile("your message", re.I)).press_sequentially(ANSWERS)
    page.locator("[data-suggestion]").first.wait_for()
    page.get_by_role("button", name=re.compile("answered my question")).first.click()
    page.get_by_role("heading", name=re.compile("Glad")).wait_for()
    walker.shoot("contact-answered")
    assert FormVisit.objects.exclude(answered_by=None).count() == 1
    page.get_by_role("button", name=re.compile("still want to write")).click()
    assert page.get_by_label(re.compile("your message", re.I)).input_value() == ANSWERS


def test_files_are_uploaded_at_once_refused_in_words_and_removed(walker, shop, photo, tmp_path):
    page = walker.page
    walker.open("/en/contact/")
    chooser = page.get_by_label(re.compile("^Files"))
    chooser.set_input_files(photo)
    page.locator(".kept-name", has_text="lamp.jpg").wait_for()
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(samples.png_bomb())
    chooser.set_input_files(bomb)
    page.get_by_text("more than 64 million pixels").wait_for()
    large = tmp_path / "film.txt"
    large.write_bytes(b"a" * (10 * samples.MB + 1))
    chooser.set_input_files(large)
    page.get_by_text("Not uploaded: a file may have 10 MB").wait_for()
    page.get_by_role("button", name=re.compile("^Remove")).click()
    until(lambda: not Attachment.objects.exists(), "the file is removed")
    page.locator(".kept-name").wait_for(state="detached")
    chooser.set_input_files(photo)
    page.locator(".kept-name", has_text="lamp.jpg").wait_for()
    page.get_by_label(re.compile("e-?mail", re.I)).first.fill("ada@example.com")
    page.get_by_label(re.compile("your message", re.I)).fill("See the picture")
    # Not between two swaps: to hide the caret Playwright styles the fields, and htmx copies that, against the policy.
    walker.shoot("contact-files")
    send_button(page).click()
    page.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first.wait_for()
    assert [one.name for one in Contact.objects.get().attachments.all()] == ["lamp.jpg"]
    assert walker.complaints == []


def test_an_order_number_asks_for_what_is_known_of_the_order(walker, shop):
    """The box itself is notifications' and tested there; here: what is asked, when, and nothing besides."""
    page = walker.page
    walker.open("/en/contact/")
    asked = []

    def answer(route):
        asked.append(parse_qs(route.request.post_data))
        route.fulfill(body="<p>Known</p>", content_type="text/html")

    page.route("**/orders/box/", answer)
    if not page.locator("#order-box[hx-post]").count():
        pytest.skip("notifications serves no box here")
    page.get_by_label(re.compile("e-?mail", re.I)).first.fill("ada@example.com")
    page.get_by_label(re.compile("your message", re.I)).fill("secret")
    page.get_by_label(re.compile("order number", re.I)).fill("FH-104233")
    assert asked == [], "nothing is asked while the number is being typed, or for an address alone"
    page.keyboard.press("Tab")
    page.locator("#order-box").get_by_text("Known").wait_for()
    assert asked == [{"email": ["ada@example.com"], "order_number": ["FH-104233"]}]


def test_50_mb_without_script_are_refused_in_words_and_the_text_stays(without_script, shop, photo, tmp_path, settings):
    page = without_script
    film = tmp_path / "film.mov"
    with film.open("wb") as file:
        file.truncate(50 * samples.MB)
    page.get_by_label(re.compile("e-?mail", re.I)).first.fill("ada@example.com")
    page.get_by_label(re.compile("your message", re.I)).fill(ANSWERS)
    page.get_by_label(re.compile("^Files")).set_input_files([film, photo])
    send_button(page).click()
    page.get_by_text("film.mov is larger than 10 MB").wait_for()
    assert page.get_by_label(re.compile("your message", re.I)).input_value() == ANSWERS
    assert page.locator(".kept-name", has_text="lamp.jpg").is_visible(), "the good file is kept"
    assert not Contact.objects.exists()
    stored = [path.stat().st_size for path in settings.ATTACHMENTS_DIR.rglob("*") if path.is_file()]
    assert sum(stored) < samples.MB, "nothing of the film is on the disk"
    send_button(page).click()
    page.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first.wait_for()
    assert [one.name for one in Contact.objects.get().attachments.all()] == ["lamp.jpg"]


def test_without_script_a_button_shows_answers_and_the_way_back_keeps_the_text(without_script, shop, live_server):
    page = without_script
    message = page.get_by_label(re.compile("your message", re.I))
    page.get_by_label(re.compile("e-?mail", re.I)).first.fill("ada@example.com")
    message.fill(ANSWERS)
    page.goto(f"{live_server}/en/")
    page.go_back()
    assert message.input_value() == ANSWERS, "the browser brings it back without a script"
    page.get_by_role("button", name="Show answers that may help").click()
    page.locator("[data-suggestion]").first.wait_for()
    assert message.input_value() == ANSWERS
    send_button(page).click()
    page.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first.wait_for()
    page.go_back()
    send_button(page).click()
    page.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first.wait_for()
    assert Contact.objects.count() == 1


# More than the server reads of one form: what somebody sends who pastes a whole log.
MESSAGE = re.compile("your message", re.I)
TOO_LONG = "My lamp came broken, and é. " * 56_000


def test_a_pasted_megabyte_is_refused_in_words_is_there_on_the_way_back_and_becomes_one_contact(walker, shop):
    page = walker.page
    refused = []
    page.on("response", lambda answer: answer.status == 413 and refused.append(answer.url))
    walker.open("/en/contact/")
    _send_too_much_and_come_back(page, paste=_paste)
    walker.shoot("contact-too-long-back")
    assert [url for url in refused if url.endswith("/suggest/")] == [], "suggestions are asked for by the beginning"
    _shorten_send_and_send_again(page)


def test_a_pasted_megabyte_without_script_is_there_on_the_way_back_and_becomes_one_contact(without_script, shop):
    _send_too_much_and_come_back(without_script, paste=lambda page, text: page.get_by_label(MESSAGE).fill(text))
    _shorten_send_and_send_again(without_script)


def _paste(page, text: str) -> None:
    """As one change; typing it would take an hour. Suggestions that come while Send is pressed would move it away."""
    with page.expect_response(lambda answer: answer.url.endswith("/suggest/")):
        page.get_by_label(MESSAGE).evaluate(
            "(field, text) => { field.value = text; field.dispatchEvent(new Event('input', {bubbles: true})); }", text
        )
    barriers.settled(page)


def _send_too_much_and_come_back(page, *, paste) -> None:
    page.get_by_label(re.compile("e-?mail", re.I)).first.fill("ada@example.com")
    page.get_by_label(re.compile("subject", re.I)).fill("Broken")
    page.get_by_label("Order number").fill("FH-77")
    assert len(TOO_LONG.encode()) > 1.5 * samples.MB
    paste(page, TOO_LONG)
    send_button(page).click()
    page.get_by_role("heading", name="Your message was not sent").wait_for()
    page.get_by_text("A message has up to 10,000 characters").wait_for()
    assert not Contact.objects.exists()
    page.go_back()
    assert page.get_by_label(MESSAGE).input_value() == TOO_LONG
    assert page.get_by_label(re.compile("subject", re.I)).input_value() == "Broken"
    assert page.get_by_label("Order number").input_value() == "FH-77"
    assert page.get_by_label(re.compile("e-?mail", re.I)).first.input_value() == "ada@example.com"


def _shorten_send_and_send_again(page) -> None:
    page.get_by_label(MESSAGE).fill(ANSWERS)
    send_button(page).click()
    reference = page.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first
    reference.wait_for()
    page.go_back()
    page.get_by_label(re.compile("e-?mail", re.I)).first.fill("ada@example.com")
    page.get_by_label(re.compile("subject", re.I)).fill("Broken")
    page.get_by_label(MESSAGE).fill(ANSWERS)
    send_button(page).click()
    page.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first.wait_for()
    assert Contact.objects.get().message == ANSWERS
