"""What mails say: checked as it is saved, frozen as it is published, kept by each message, never untrue."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import Error, transaction
from django.test import Client
from django.urls import reverse

from core import brand, clock
from core.models import AuditEntry
from notifications import composing, episodes, mail_checks, mail_facts, mail_kinds, mail_previews, mail_versions
from notifications.mail_versions import Text
from notifications.models import MailDraft, MailVersion, Message, NextUpdate, OutboxMail, Shipment
from tests.config.staff import make
from tests.notifications import mailing, shop
from tests.notifications.shop import DAY, NOW

pytestmark = pytest.mark.django_db

LOCALES = ("en", "es", "de", "pt-br", "ar")
OWN = sorted(mail_kinds.KINDS)
FRAME = (
    '<mjml lang="en"><mj-head><mj-include path="head.mjml" /></mj-head><mj-body><mj-include path="top.mjml" />{}'
    '<mj-include path="foot.mjml" /></mj-body></mjml>'
)
BODY = "<mj-section><mj-column><mj-text>\n{}\n</mj-text></mj-column></mj-section>"
GOOD = Text(
    "Order {{ order_number }}",
    "Promised by {{ promised_by }}, now {{ expected_by }}.\n{{ order_url }}\nStop: {{ unsubscribe_url }}\n",
    FRAME.format(BODY.format("Promised by {{ promised_by }}, now {{ expected_by }}.")),
)


def with_link(address: str) -> str:
    return FRAME.format(BODY.format(f'{{{{ promised_by }}}} {{{{ expected_by }}}} <a href="{address}">x</a>'))


@pytest.fixture(autouse=True)
def _thursday_noon():
    with clock.frozen(NOW):
        yield


@pytest.fixture
def olga() -> User:
    return make("olga", "ops")


@pytest.fixture
def client(olga: User) -> Client:
    client = Client()
    client.force_login(olga)
    return client


def problems(
    subject: str = GOOD.subject, text: str = GOOD.text, mjml: str = GOOD.mjml, *, locale: str = "en"
) -> list[str]:
    found = mail_checks.check(subject, text, mjml, template="delayed", locale=locale)
    return [f"{one.part} {one.line}: {one.problem} {one.do}" for one in found]


def about(shipment: Shipment, *, locale: str = "en") -> mail_facts.About:
    return mail_facts.About(shipment, look=brand.current(), locale=locale, now=NOW)


def late(number: str = "FH-1001", *, expected: timedelta | None = 2 * DAY, **more: object) -> Shipment:
    """A parcel on its way, promised for yesterday; the carrier names a day."""
    shipment = shop.scan(shop.parcel(number, **more), "in_transit", NOW - 2 * DAY)
    if expected is not None:
        Shipment.objects.filter(pk=shipment.pk).update(expected_by=NOW + expected)
        shipment.refresh_from_db()
    return Shipment.objects.select_related("order__customer").get(pk=shipment.pk)


# --- the product's own texts ---


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("name", OWN)
def test_each_shipped_mail_passes_every_check_and_says_the_same_in_both_parts(name, locale):
    text = mail_versions.text_of(mail_versions.whole(name, locale))
    found = mail_checks.check(text.subject, text.text, text.mjml, template=name, locale=locale)
    assert [one for one in found if one.is_error] == []
    kind = mail_kinds.KINDS[name]
    shown = mail_previews.of(kind, locale, text, order=None, now=NOW)
    assert shown.error == ""
    assert shown.refused == ""
    assert "FH-104233" in shown.subject
    assert len(shown.html.encode()) < 100_000
    for part in (shown.subject, shown.text, shown.html):
        assert "no value for" not in part
        assert "{{" not in part
        assert "{%" not in part
        assert "None" not in part
    assert (' dir="rtl"' in shown.html) == (locale == "ar")
    assert "prefers-color-scheme: dark" in shown.html
    seen = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown.html))
    for day in re.findall(r"\d{1,2}\.? (?:de )?\w+(?: de)? 2026", shown.text):
        assert day in seen, day
    # An incident's mail has no table of facts: it is about many orders.
    in_elements = re.search(r'<t[hd][^>]* style="[^"]*vertical-align: top', shown.html)
    assert in_elements or name == "incident", "styles stand in the elements"


@pytest.mark.parametrize("name", OWN)
def test_each_mail_names_what_it_needs_and_is_refused_without_it(name):
    kind = mail_kinds.KINDS[name]
    facts = mail_kinds.example(kind)
    assert mail_kinds.refusal(kind, facts) == ""
    for need in kind.needs:
        assert mail_kinds.VARIABLES[need].says in mail_kinds.refusal(kind, {**facts, need: None})
    for better in kind.instead:
        assert mail_kinds.KINDS[better]


@pytest.mark.parametrize(
    ("name", "change", "why"),
    [
        ("order_confirmed", {"handed_over": True}, "has left already"),
        ("order_confirmed", {"promised_by": date(2026, 11, 1)}, "promised day is over"),
        ("shipped", {"state": "delivered"}, "has been delivered"),
        ("delayed", {"expected_by": date(2026, 11, 19)}, "not after the promised"),
        ("delayed", {"is_cancelled": True}, "cancelled"),
        ("delayed_again", {"told_day": date(2026, 11, 24)}, "not after the one that we named"),
        ("out_for_delivery", {"last_event_on": date(2026, 11, 19)}, "did not say so today"),
        ("held_for_pickup", {"state": "in_transit"}, "does not wait"),
        ("delivered", {"state": "in_transit"}, "has not been delivered"),
        ("likely_lost", {"troubles": frozenset()}, "does not count as lost"),
        ("likely_lost", {"silent_days": 3}, "in the last 14 days"),
        ("back_on_track", {"expected_by": date(2026, 11, 25)}, "after the promised one"),
        ("back_on_track", {"troubles": frozenset({"no_scan"})}, "something is wrong"),
        ("corrected", {"came_before_told": False}, "came after we wrote"),
    ],
)
def test_a_mail_that_would_not_be_true_is_refused(name, change, why):
    kind = mail_kinds.KINDS[name]
    assert why in mail_kinds.refusal(kind, {**mail_kinds.example(kind), **change})


# --- real orders ---


def sent() -> list[OutboxMail]:
    return list(OutboxMail.objects.order_by("message_id"))


def test_a_late_parcel_with_a_new_day_is_told_of_it_and_told_again_only_of_a_later_one(settings):
    settings.MAIL_PROVIDER = "console"
    shop.hold_out_nobody()
    shipment = late()
    NextUpdate.objects.create(order=shipment.order, due_at=NOW + timedelta(hours=29), made_at=NOW)
    episodes.sweep(now=NOW)
    mailing.drain()
    [mail] = sent()
    assert mail.subject == "Your order FH-1001 comes later: Saturday 7 March"
    assert "You hear from us by: Friday 6 March, 17:00" in mail.text
    assert "The carrier says so." in mail.text
    message = Message.objects.get()
    assert message.mail_version.template == "delayed"
    assert message.asserted["expected_by"] == "2026-03-07"

    again = about(shipment)
    assert again["told_day"] == date(2026, 3, 7)
    assert "not after the one that we named" in mail_kinds.refusal(mail_kinds.KINDS["delayed_again"], again)
    Shipment.objects.update(expected_by=NOW + 5 * DAY)
    later = about(late("FH-1001"))
    later.shipment.expected_by = NOW + 5 * DAY
    assert mail_kinds.refusal(mail_kinds.KINDS["delayed_again"], later) == ""
    rendered = composing.fill(mail_versions.in_use("delayed_again", "en"), later)
    assert "On Thursday 5 March 2026 we named Saturday 7 March 2026" in rendered.text
    assert "Tuesday 10 March 2026" in rendered.html


def test_a_late_parcel_without_a_new_day_gets_the_mail_that_names_none(settings):
    settings.MAIL_PROVIDER = "console"
    shop.hold_out_nobody()
    late(expected=None, locale="pt-PT")
    episodes.sweep(now=NOW)
    mailing.drain()
    message = Message.objects.get()
    assert (message.mail_version.template, message.mail_version.locale) == ("delay_promise_passed", "pt-br")
    assert "FH-1001" in sent()[0].subject


def test_the_parcel_stands_in_the_mail_as_schema_org_says():
    shipment = late()
    shipment.order.ship_to_country = "GB"
    shipment.order.number = "FH</script>1"
    html = composing.fill(mail_versions.in_use("delayed", "en"), about(shipment)).html
    [found] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, flags=re.DOTALL)
    data = json.loads(found)
    assert data["@context"] == "https://schema.org"
    assert data["@type"] == "ParcelDelivery"
    assert data["carrier"] == {"@type": "Organization", "name": "Parcel Post"}
    assert data["trackingNumber"] == "PPFH-1001"
    assert data["expectedArrivalUntil"] == "2026-03-07"
    assert data["deliveryAddress"] == {"@type": "PostalAddress", "addressCountry": "GB"}
    assert data["itemShipped"] == [{"@type": "Product", "name": "1 × Desk lamp"}]
    order = data["partOfOrder"]
    assert order["orderNumber"] == "FH</script>1"
    assert order["orderStatus"] == "https://schema.org/OrderInTransit"
    assert order["merchant"]["@type"] == "Organization"


@pytest.mark.parametrize(
    ("name", "scans", "more"),
    [
        ("order_confirmed", (), {"ship_by": NOW + DAY, "deliver_by": NOW + 5 * DAY}),
        ("shipped", ("in_transit",), {"deliver_by": NOW + 5 * DAY}),
        ("out_for_delivery", ("in_transit", "out_for_delivery"), {}),
        ("held_for_pickup", ("available_for_pickup",), {}),
        ("delivered", ("in_transit", "delivered"), {}),
    ],
)
@pytest.mark.parametrize("locale", LOCALES)
def test_a_preview_takes_a_real_order_that_the_mail_is_true_of(name, scans, more, locale):
    shipment = shop.parcel(**more)
    for back, state in enumerate(reversed(scans)):
        shop.scan(shipment, state, NOW - timedelta(hours=back + 1))
    text = mail_versions.text_of(mail_versions.whole(name, locale))
    shown = mail_previews.of(mail_kinds.KINDS[name], locale, text, order=None, now=NOW)
    assert shown.order is not None
    assert "FH-1001" in shown.subject
    assert "/u/preview/" in shown.html, "nobody is unsubscribed by a click in a preview"


# --- versions ---


def test_a_published_text_is_sent_and_the_message_keeps_the_one_it_was_made_from(settings, olga):
    settings.MAIL_PROVIDER = "console"
    shop.hold_out_nobody()
    late("FH-1001")
    episodes.sweep(now=NOW)
    mailing.drain()
    mail_versions.save_draft("delayed", "en", GOOD, seen="", by=olga, now=NOW)
    late("FH-1002", name="Bo")
    episodes.sweep(now=NOW)
    published = mail_versions.publish("delayed", "en", by=olga, note="shorter", now=NOW)
    mailing.drain()
    assert sent()[1].subject == "Order FH-1002"
    first, second = Message.objects.order_by("pk")
    assert first.mail_version.is_shipped
    assert second.mail_version == published
    assert published.number == 2
    assert not MailDraft.objects.exists()
    assert AuditEntry.objects.filter(action="mail_template.published").count() == 1
    # A message that goes out again is made from the text that it had.
    second.mail_version = first.mail_version
    assert composing.compose(second, attempt=2).subject.startswith("Your order FH-1002 comes later")


def test_a_version_never_changes_and_an_earlier_one_can_be_sent_again(olga):
    shipped = mail_versions.in_use("delayed", "en")
    mail_versions.save_draft("delayed", "en", GOOD, seen="", by=olga, now=NOW)
    published = mail_versions.publish("delayed", "en", by=olga, note="", now=NOW)
    assert mail_versions.in_use("delayed", "en") == published
    assert mail_versions.in_use("delayed", "de").is_shipped, "other languages keep theirs"
    with pytest.raises(Error, match="is frozen"), transaction.atomic():
        MailVersion.objects.filter(pk=published.pk).update(subject="changed")
    again = mail_versions.restore(MailVersion.objects.get(pk=shipped.pk), by=olga, now=NOW)
    assert (again.number, again.html) == (3, MailVersion.objects.get(pk=shipped.pk).html)
    assert mail_versions.in_use("delayed", "en") == again
    olga.delete()
    assert MailVersion.objects.get(pk=published.pk).made_by is None


def test_a_newer_product_brings_its_text_to_those_who_have_not_written_their_own(monkeypatch, olga):
    first = mail_versions.in_use("delayed", "en")
    real = mail_versions._shipped("delayed", "en")
    text = Text("New {{ order_number }}", real.text.text, real.text.mjml)
    newer = mail_versions._File(text, real.html, mail_versions._digest(text.subject, text.text, real.html))
    monkeypatch.setattr(mail_versions, "_shipped", lambda template, locale: newer)
    second = mail_versions.in_use("delayed", "en")
    assert (second.number, second.subject) == (first.number + 1, "New {{ order_number }}")
    assert mail_versions.in_use("delayed", "en") == second, "taken in once"


def test_a_shop_without_a_text_in_a_language_sends_the_default_one(settings):
    settings.LANGUAGES = [("en", "English"), ("fr", "French")]
    assert mail_versions.in_use("delayed", "fr").locale == "en"
    assert [one.live and one.live.locale for one in mail_versions.standings("delayed")] == ["en", None]


def test_who_saves_over_anothers_draft_is_told_first(olga):
    shipped = mail_versions.text_of(mail_versions.whole("delayed", "en"))
    mail_versions.save_draft("delayed", "en", GOOD, seen=shipped.digest, by=olga, now=NOW)
    mine = Text("Mine", GOOD.text, GOOD.mjml)
    with pytest.raises(mail_versions.Overtaken):
        mail_versions.save_draft("delayed", "en", mine, seen=shipped.digest, by=olga, now=NOW)
    mail_versions.save_draft("delayed", "en", mine, seen=GOOD.digest, by=olga, now=NOW)
    assert MailDraft.objects.get().subject == "Mine"


# --- checks ---


def test_a_good_text_has_nothing_to_say_against_it():
    assert problems() == []


@pytest.mark.parametrize(
    ("part", "change", "told"),
    [
        ("subject", "", "no subject"),
        ("subject", "Hello {{ customer_frist_name }}", r"subject 1: .*customer_frist_name.*customer_first_name"),
        ("text", "", "no plain text"),
        ("text", "Hello\n{{ expected_by }} {{ promised_by }}", "text 0: Nobody can unsubscribe"),
        ("text", GOOD.text + "{% load i18n %}", "text 4: "),
        ("text", GOOD.text + "{% include 'x' %}", "cannot stand in a mail"),
        ("text", GOOD.text + "{{ why|safe }}", "filter 'safe'"),
        ("text", GOOD.text + "{% if why %}", "text 4: "),
        ("text", GOOD.text + "{{ shop_name.secret }}", "shop_name.secret"),
        ("text", GOOD.text + "Take 20% off with our discount code", "text 4: .*20% off.*advertises"),
        ("text", GOOD.text + "{{fact:no-such-fact}}", "text 4: The fact no-such-fact says nothing"),
        ("mjml", "", "no MJML"),
        ("mjml", "<p>Hello</p>", "begins with <p>"),
        ("mjml", FRAME.format("<mj-section><mj-colum></mj-colum></mj-section>"), "no element <mj-colum>.*mj-column"),
        ("mjml", FRAME.format("\n<mj-section>\n<mj-column>\n</mj-section>"), "mjml 3: <mj-column> is not closed"),
        ("mjml", GOOD.mjml.replace("foot.mjml", "gone.mjml"), "mjml 3: This include is not there"),
        ("mjml", GOOD.mjml.replace('<mj-include path="foot.mjml" />', ""), "mjml 0: Nobody can unsubscribe"),
        ("mjml", with_link("#"), "mjml 2: The link '#'"),
        ("mjml", with_link("shop/x"), "has no http"),
        ("mjml", with_link("{{ why }}"), "no address"),
        ("mjml", FRAME.format(BODY.format("<script>x</script>{{ promised_by }} {{ expected_by }}")), "<script> cannot"),
        ("mjml", FRAME.format(BODY.format("{{ promised_by }} {{ expected_by }}" + "x" * 100_000)), "bytes of HTML"),
        ("mjml", FRAME.format(BODY.format("{{ promised_by }}")), "does not say the day by which it is expected"),
        ("mjml", GOOD.mjml.replace('<mj-include path="head.mjml" />', ""), "dark mail programs"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found_with_its_line_and_what_to_do(part, change, told):
    found = problems(**{part: change})
    assert any(re.search(told, one, re.DOTALL) for one in found), found


@pytest.mark.parametrize(
    ("locale", "words"),
    [
        ("es", "código promocional"),
        ("de", "Gutschein"),
        ("pt-br", "frete grátis em"),
        ("ar", "تخفيضات"),
        ("de", "Black Friday"),
    ],
)
def test_promotion_is_found_in_each_language(locale, words):
    assert any("advertises" in one for one in problems(text=f"{GOOD.text}{words}", locale=locale))


def test_a_link_to_a_page_that_this_site_does_not_have_is_broken(settings):
    settings.SITE_URL = "https://help.shop.co"
    assert any("no such page" in one for one in problems(mjml=with_link("https://help.shop.co/en/nothing-here/x/y/")))
    assert problems(mjml=with_link("https://help.shop.co/en/contact/")) == []


# --- the desk ---


def page(client: Client, name: str, *args: object, **query: str) -> str:
    answer = client.get(reverse(f"desk:{name}", args=args), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_ops_write_check_preview_publish_and_go_back(client):
    late()
    listed = page(client, "mail-templates")
    assert "Delayed, with a new day" in listed
    assert "as shipped" in listed
    there = reverse("desk:mail-template", args=["delayed", "en"])
    seen = re.search(r'name="seen" value="(\w+)"', page(client, "mail-template", "delayed", "en"))[1]
    form = {"subject": "Order {{ ordr }}", "text": GOOD.text.replace("\n", "\r\n"), "mjml": GOOD.mjml, "seen": seen}
    assert client.post(there, form).status_code == 302
    assert MailDraft.objects.get().text == GOOD.text
    refused = client.post(reverse("desk:mail-template-publish", args=["delayed", "en"]), follow=True).content.decode()
    assert "Not published" in refused
    assert "{{ ordr }} is no variable" in refused
    assert MailVersion.objects.filter(template="delayed", locale="en").count() == 1
    seen = re.search(r'name="seen" value="(\w+)"', refused)[1]
    client.post(there, {**form, "subject": GOOD.subject, "seen": seen})
    shown = page(client, "mail-template", "delayed", "en", find="FH-1001")
    assert "With order" in shown
    assert "Order FH-1001" in shown
    assert "ParcelDelivery" in shown
    client.post(reverse("desk:mail-template-publish", args=["delayed", "en"]), {"note": "shorter"})
    live = mail_versions.in_use("delayed", "en")
    assert (live.number, live.note) == (2, "shorter")
    first = MailVersion.objects.get(template="delayed", locale="en", number=1)
    assert "Send this text again" in page(client, "mail-template-version", first.pk)
    client.post(reverse("desk:mail-template-restore", args=[first.pk]))
    assert mail_versions.in_use("delayed", "en").number == 3


def test_a_preview_is_shut_in_and_can_be_seen_in_the_dark(client):
    address = reverse("desk:mail-template-preview", args=["delayed", "de"])
    light, dark = (client.get(address, {"scheme": scheme}) for scheme in ("light", "dark"))
    assert "sandbox" in dark.headers["Content-Security-Policy"]
    assert "script-src" not in dark.headers["Content-Security-Policy"]
    assert "@media all" in dark.content.decode()
    assert "@media not all" in light.content.decode()


def test_a_preview_with_an_order_that_the_mail_would_not_be_sent_about_says_why(client):
    shop.scan(shop.parcel(), "delivered", NOW - DAY)
    assert "This mail would not be sent about this order" in page(
        client, "mail-template", "shipped", "en", find="FH-1001"
    )
    assert "No order is found" in page(client, "mail-template", "shipped", "en", find="FH-9999")


def test_an_unknown_mail_or_language_is_not_found(client):
    for name, locale in (("nothing", "en"), ("delayed", "xx")):
        assert client.get(reverse("desk:mail-template", args=[name, locale])).status_code == 404


def test_a_conflict_on_the_desk_loses_nothing(client, olga):
    seen = mail_versions.text_of(mail_versions.whole("delayed", "en")).digest
    mail_versions.save_draft("delayed", "en", GOOD, seen="", by=olga, now=NOW)
    form = {"subject": "Mine", "text": GOOD.text, "mjml": GOOD.mjml, "seen": seen}
    answer = client.post(reverse("desk:mail-template", args=["delayed", "en"]), form)
    assert answer.status_code == 409
    assert "Somebody else saved this text" in answer.content.decode()
    assert 'value="Mine"' in answer.content.decode()
    assert MailDraft.objects.get().subject == GOOD.subject
