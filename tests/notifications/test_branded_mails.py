"""Mails have the name, the logo and the colours that the desk's page Brand says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core import brand, brand_images, clock, contrast
from core.brand import Draft
from core.brand_look import Mark
from notifications import mail_templates
from notifications.models import OutboxMail
from tests.core.test_brand_images import made, picture
from tests.notifications import shop
from tests.notifications.mailing import drain, ready
from tests.notifications.test_mail_templates import FULL

LOGO = Mark("a" * 64, 400, 80, 0.02, 0.2, has_own_ground=False, has_icon=False)


@pytest.fixture
def _at_the_shops_time(settings):
    settings.MAIL_PROVIDER, settings.SITE_URL = "console", "https://help.nordlys.example"
    with clock.frozen(shop.NOW):
        yield


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_at_the_shops_time")
def test_a_mail_that_goes_out_has_the_saved_brand():
    logo: brand_images.Logo = made(picture(600, 120))
    digest = brand.keep_image(logo).pk
    brand.save(Draft(name="Nordlys", mail_sender="Nordlys help", accent="#5b53e6", logo=digest), after=0, by=None)
    ready(1)
    drain()
    mail = OutboxMail.objects.get()
    assert "Nordlys" in mail.text
    assert "Fernhill" not in mail.text + mail.html
    assert f'src="https://help.nordlys.example/brand/logo/{digest}.png"' in mail.html
    assert "background:#5b53e6" in mail.html


def _drawn(**changes: object) -> str:
    look = replace(brand.look_of(Draft(name="Nordlys", accent="#5b53e6")), **changes)
    return mail_templates.render("delay_promise_passed", "en", {**FULL, "shop_name": "Nordlys", "brand": look}).html


def test_a_dark_logo_stands_on_a_plate_on_the_band_and_says_the_name_where_pictures_are_off():
    html = _drawn(logo=LOGO)
    tag = re.search(r"<img [^>]*>", html)[0]
    assert 'alt="Nordlys"' in tag
    assert 'width="180"' in tag
    assert 'height="36"' in tag
    assert "background:#ffffff" in tag


def test_the_logo_for_dark_grounds_is_taken_where_there_is_one():
    night = Mark("b" * 64, 400, 80, 0.9, 1.0, has_own_ground=False, has_icon=False)
    tag = re.search(r"<img [^>]*>", _drawn(logo=LOGO, logo_dark=night))[0]
    assert "b" * 64 in tag
    assert "background" not in tag


def test_without_a_logo_the_name_stands_there():
    html = _drawn()
    assert "<img" not in html
    assert "Nordlys</div>" in html


@pytest.mark.parametrize("accent", ["#5b53e6", "#b3163c", "#000000", "#876a00", "#1d5c42"])
def test_every_text_of_a_mail_can_be_read_on_its_ground(accent):
    html = _drawn(accent=accent)
    dark = html.split("prefers-color-scheme: dark", 1)[1]
    band = re.search(r"\.band > table \{ background: (#[0-9a-f]{6})", dark)[1]
    link = re.search(r"\.foot a \{ color: (#[0-9a-f]{6})", dark)[1]
    button, text = re.search(
        r"\.button a \{ background: (#[0-9a-f]{6}) !important; color: (#[0-9a-f]{6})", dark
    ).groups()
    assert contrast.ratio("#ffffff", accent) >= contrast.TEXT
    assert contrast.ratio("#ffffff", band) >= contrast.TEXT
    assert contrast.worst(link, ("#101411", "#181d1a", "#1f2622")) >= contrast.TEXT
    assert contrast.ratio(button, text) >= contrast.TEXT
