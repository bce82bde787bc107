"""What a customer and ops do with a mail: the outbox on the desk, the order's page, the way out."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, User

from core import clock
from notifications import links
from notifications.models import Message, Suppression
from tests.journeys import barriers
from tests.journeys.conftest import WALKED_ONCE, in_each_view
from tests.notifications import mailing, shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@WALKED_ONCE
def test_ops_read_a_mail_and_the_customer_stops_them(walker, settings) -> None:
    settings.SITE_URL, settings.MAIL_PROVIDER = walker.root, "console"
    olga = User.objects.create_user("olga", password="parcels", is_staff=True)
    olga.groups.add(Group.objects.get_or_create(name="ops")[0])
    with clock.frozen(shop.NOW):
        mailing.ready(3)
        Message.objects.filter(pk=Message.objects.order_by("pk").last().pk).update(state="held_out", arm="held_out")
        mailing.drain()
    page = walker.page

    walker.open("/desk/sign-in/?next=/desk/messages/")
    page.get_by_label(re.compile("user", re.I)).fill("olga")
    page.get_by_label(re.compile("password", re.I)).first.fill("parcels")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/desk/messages/"))
    walker.shoot("desk-messages")
    page.locator("tbody a").first.click()
    page.wait_for_url(re.compile("/desk/messages/.+/"))
    walker.shoot("desk-message")
    walker.open("/desk/outbox/")
    page.get_by_text("As the customer sees it", exact=True).click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name=re.compile("See your order")).wait_for()
    walker.shoot("desk-outbox")
    assert in_each_view(page, barriers.sideways) == []

    message = Message.objects.select_related("episode__shipment__order").first()
    with clock.frozen(shop.NOW):
        order = message.episode.shipment.order
        unsubscribe = links.unsubscribe_url(message.person, scope="promise_passed", locale="en")
    walker.open(links.order_url(order, locale="en"))
    page.get_by_text("This order is late").wait_for()
    walker.shoot("order-late")
    assert in_each_view(page, barriers.sideways) == []
    walker.open(unsubscribe)
    assert not Suppression.objects.exists()
    walker.shoot("unsubscribe")
    page.get_by_role("button", name=re.compile("Stop")).click()
    page.get_by_role("heading", name="We have stopped").wait_for()
    walker.shoot("unsubscribed")
    assert Suppression.objects.count() == 1
    assert walker.foreign == [], "a page asked another host for something"
    assert walker.complaints == [], "the browser complained (CSP, missing file, script error)"
