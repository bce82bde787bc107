"""A customer's whole way, by hand: home, search, article, vote, contact, and the order page out of the mail."""

from __future__ import annotations

import re

import pytest

from contacts.models import Contact, FormVisit
from kb.models import Vote
from tests import people
from tests.journeys import kept

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_customer_reads_votes_writes_and_opens_the_order_from_the_mail(walker, settings, tmp_path):
    settings.SEARCH_INDEX_DIR = tmp_path / "index"  # the other test process has other articles under the same ids
    settings.SITE_URL = walker.root
    kept.demo_with_reasons()
    mail = people.mail_about_a_late_parcel(to="ada@example.com")
    page = walker.page

    walker.open("/en/")
    walker.shoot("1-home")
    page.get_by_role("search").first.get_by_role("combobox").fill("refund")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/en/search/\?.*q=refund"))
    walker.shoot("2-search")

    page.locator(".hits").get_by_role("link", name=re.compile("refund", re.I)).first.click()
    page.wait_for_url(re.compile(r"/en/a/"))
    assert "refund" in page.get_by_role("heading", level=1).inner_text().lower()
    walker.shoot("3-article")
    page.get_by_role("button", name=re.compile("^No")).click()
    page.get_by_label(re.compile("missing", re.I)).check()
    walker.shoot("4-after-no")
    page.get_by_role("link", name=re.compile("contact", re.I)).last.click()
    page.wait_for_url(re.compile(r"/en/contact/"))

    page.get_by_label(re.compile("your name", re.I)).fill("Ada Moss")
    page.get_by_label(re.compile("e-?mail", re.I)).first.fill("ada@example.com")
    page.get_by_label(re.compile("subject", re.I)).fill("My refund has not come")
    send = page.get_by_role("button", name=re.compile("^send", re.I))
    assert send.is_visible(), "Send must be there before anything is typed"
    page.get_by_label(re.compile("message", re.I)).press_sequentially(
        "I sent the lamp back two weeks ago. Where is my refund?"
    )
    assert send.is_visible()
    assert send.is_enabled()
    walker.shoot("5-contact")
    send.click()
    page.get_by_text(re.compile(r"C-[A-Z0-9]{6}")).first.wait_for()
    walker.shoot("6-sent")

    contact = Contact.objects.get()
    assert contact.after_article is not None, "the article that failed was carried along"
    visit = FormVisit.objects.get(contact=contact)
    assert (visit.arm, visit.shown) == ("not_eligible", []), "who said no to an article is spared a list of more"
    assert Vote.objects.get().is_helpful is False

    link = re.search(r"https?://\S+/en/orders/\S+", mail.text)
    assert link, "the mail links to the order page"
    walker.open(link.group())
    page.get_by_text("FH-104233").first.wait_for()
    walker.shoot("7-order")

    assert walker.foreign == [], "a page asked another host for something"
    assert walker.complaints == [], "the browser complained (CSP, missing file, script error)"
    assert walker.width_overflow() <= 0, "the page scrolls sideways"
