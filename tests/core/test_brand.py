"""The shop's look: what holds, saving it, and the line of changes."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from core import brand, brand_images, clock
from core.brand import Draft
from core.brand_look import Link, Mark, letter_icon
from core.models import Brand, BrandImage
from tests.core.test_brand_images import made, picture
from tests.waiting import until

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asks_anew() -> None:
    brand.forget()


NORDLYS = Draft(name="Nordlys", accent="#5b53e6", links=(Link("Shop", "https://nordlys.example/"),))


def logo(**options) -> brand_images.Logo:
    return made(picture(**options))


def mark(**other) -> Mark:
    return replace(Mark("0" * 64, 400, 80, 0.02, 0.2, has_own_ground=False, has_icon=False), **other)


def test_before_anybody_saves_the_settings_count(settings):
    settings.SHOP_NAME, settings.SHOP_ACCENT = "Nettle & Rye", "#7a1f5c"
    look = brand.current()
    assert (look.number, look.name, look.mail_sender, look.accent) == (0, "Nettle & Rye", "Nettle & Rye", "#7a1f5c")
    assert look.css_url == f"/brand/{look.version}.css"


def test_a_shop_that_only_the_settings_name_has_no_leaf_of_the_demos(settings):
    settings.SHOP_NAME = "Nettle & Rye"
    look = brand.current()
    assert look.is_own
    assert (look.icon_url, look.touch_icon_url) == (f"/brand/{look.version}.svg", f"/brand/{look.version}.png")
    assert ">N</text>" in letter_icon(look)


def test_a_letter_that_cannot_be_drawn_as_a_picture_is_an_icon_all_the_same():
    look = brand.look_of(Draft(name="Ökohaus", accent="#5b53e6"))
    assert look.icon_url.endswith(".svg")
    assert look.touch_icon_url == ""


def test_the_look_that_tokens_css_draws_needs_no_sheet_of_its_own():
    assert brand.current().css_url == ""


def test_an_accent_of_the_settings_that_nobody_could_read_is_darkened(settings):
    settings.SHOP_ACCENT = "#ffcc00"
    assert brand.current().accent == "#876a00"


def test_an_accent_of_the_settings_that_is_no_colour_stops_everything(settings):
    settings.SHOP_ACCENT = "red; } body { display: none"
    with pytest.raises(ImproperlyConfigured, match="SHOP_ACCENT"):
        brand.current()


def test_a_saved_look_holds_at_once_and_has_a_version_of_its_own():
    before = brand.version()
    assert brand.save(NORDLYS, after=0, by=None)
    look = brand.current()
    assert (look.name, look.accent, look.links[0].label) == ("Nordlys", "#5b53e6", "Shop")
    assert brand.version() != before
    assert brand.version().startswith(f"{look.number}-")


def test_within_a_second_nobody_asks_the_database(django_assert_num_queries):
    brand.save(NORDLYS, after=0, by=None)
    brand.current()
    with django_assert_num_queries(0):
        for _ in range(100):
            brand.version()


def test_asking_again_takes_one_query_where_nothing_changed(django_assert_num_queries, monkeypatch):
    brand.save(replace(NORDLYS, logo=brand.keep_image(logo()).pk), after=0, by=None)
    brand.current()
    monkeypatch.setattr(brand, "_FRESH_SECONDS", 0.0)
    with django_assert_num_queries(1):
        brand.current()


@pytest.mark.django_db(transaction=True)
def test_a_change_by_another_process_is_seen_within_two_seconds():
    brand.current()
    begun = time.monotonic()
    # As another process would: its row, and none of this one's memory.
    writer = threading.Thread(target=_insert_elsewhere)
    writer.start()
    writer.join()
    until(lambda: brand.current().name == "Nordlys", "the new name is seen", seconds=2)
    assert time.monotonic() - begun < 2


def _insert_elsewhere() -> None:
    Brand.objects.create(after=0, name="Nordlys", made_at=clock.now())
    connection.close()


def test_sent_twice_it_is_one_change():
    assert brand.save(NORDLYS, after=0, by=None)
    assert not brand.save(NORDLYS, after=0, by=None)
    assert Brand.objects.count() == 1


def test_of_two_who_change_the_same_look_the_second_is_told():
    brand.save(NORDLYS, after=0, by=User.objects.create_user("ada"))
    with pytest.raises(brand.Overtaken) as told:
        brand.save(Draft(name="Mine"), after=0, by=None)
    assert told.value.newest.made_by.username == "ada"
    assert brand.current().name == "Nordlys"


def test_an_accent_that_cannot_be_read_is_never_saved():
    with pytest.raises(ValueError, match="contrast"):
        brand.save(Draft(accent="#ffcc00"), after=0, by=None)
    assert not Brand.objects.exists()


def test_the_way_back_is_a_change_like_any_other():
    brand.save(NORDLYS, after=0, by=None)
    number = brand.current().number
    assert brand.save(Draft(), after=number, by=None)
    look = brand.current()
    assert (look.name, look.is_own, look.css_url) == ("Fernhill & Co", False, "")
    assert look.number > number


def test_the_history_says_who_changed_what_when():
    ada = User.objects.create_user("ada")
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with clock.frozen(at):
        brand.save(Draft(name="Nord"), after=0, by=ada)
    with clock.frozen(at + timedelta(days=1)):
        brand.save(NORDLYS, after=brand.current().number, by=ada)
    newest, first = brand.history(10)
    assert newest.what == (
        ("name", "Nord", "Nordlys"),
        ("accent", "", "#5b53e6"),
        ("links", "", "Shop (https://nordlys.example/)"),
    )
    assert first.what == (("name", "", "Nord"),)
    assert (newest.row.made_by, newest.row.made_at) == (ada, at + timedelta(days=1))
    assert [change.row.pk for change in brand.history(1)] == [newest.row.pk]
    assert brand.history(1)[0].what == newest.what


def test_a_logo_that_was_only_tried_is_dropped_after_a_day_and_a_saved_one_is_not():
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with clock.frozen(at):
        tried, saved = brand.keep_image(logo()), brand.keep_image(logo(width=300))
        brand.save(replace(NORDLYS, logo=saved.pk), after=0, by=None)
    with clock.frozen(at + timedelta(hours=23)):
        brand.save(replace(NORDLYS, name="A"), after=brand.current().number, by=None)
        assert BrandImage.objects.filter(pk=tried.pk).exists()
    with clock.frozen(at + timedelta(hours=25)):
        brand.save(replace(NORDLYS, name="B"), after=brand.current().number, by=None)
    assert list(BrandImage.objects.all()) == [saved]  # an older look shows it


# --- which logo on which ground ---


def test_a_dark_logo_stands_on_a_white_plate_where_the_ground_is_dark():
    look = replace(brand.look_of(Draft(name="N", accent="#5b53e6")), logo=mark())
    light, dark = look.css.split(":root{--logo-w")[1].split("[data-theme")[:1][0], look.css.rsplit("[data-theme", 1)[1]
    assert "--plate:transparent;" in light
    assert "--plate-hero:#ffffff;" in light
    assert "--plate:#ffffff;" in dark


def test_a_second_logo_for_dark_grounds_needs_no_plate():
    day, night = mark(), mark(digest="1" * 64, darkest=1.0, lightest=1.0)
    css = replace(brand.look_of(Draft(name="N", accent="#5b53e6")), logo=day, logo_dark=night).css
    assert "#ffffff" not in css.split(":root{--logo-w")[1]
    assert css.count(f"--logo:url(/brand/logo/{night.digest}.webp)") == 2
    assert css.count(f"--logo-hero:url(/brand/logo/{night.digest}.webp)") == 3  # white text by day: a dark ground


def test_on_a_light_band_the_logo_for_light_grounds_stands():
    look = brand.look_of(Draft(name="N", accent="#5b53e6", hero="#ffe9a8"))
    css = replace(look, logo=mark(), logo_dark=mark(digest="1" * 64, darkest=1.0, lightest=1.0)).css
    assert f"--logo-hero:url(/brand/logo/{'0' * 64}.webp)" in css


def test_a_white_logo_on_a_white_page_stands_on_a_dark_plate():
    css = replace(brand.look_of(Draft(name="N", accent="#5b53e6")), logo=mark(darkest=1.0, lightest=1.0)).css
    assert "--plate:#18201b;" in css


def test_a_logo_with_a_ground_of_its_own_needs_no_plate():
    css = replace(brand.look_of(Draft(name="N", accent="#5b53e6")), logo=mark(has_own_ground=True)).css
    assert "--plate:#" not in css


def test_a_letter_is_the_icon_where_the_logo_is_too_wide_for_one():
    look = brand.look_of(Draft(name="<Nord", accent="#5b53e6"))
    assert look.icon_url == f"/brand/{look.version}.svg"
    assert "&lt;</text>" in letter_icon(look)
    assert replace(look, logo=mark(has_icon=True)).icon_url == f"/brand/icon/{'0' * 64}.png"
