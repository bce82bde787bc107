from __future__ import annotations

from core import people


def test_one_person_has_one_key_however_the_address_is_written():
    assert people.person_key(" Ada.L@Example.COM ") == people.person_key("ada.l@example.com")


def test_two_people_have_two_keys():
    assert people.person_key("ada@example.com") != people.person_key("bob@example.com")


def test_key_is_short_hex_and_empty_for_nobody():
    key = people.person_key("ada@example.com")
    assert len(key) == 32
    assert set(key) <= set("0123456789abcdef")
    assert people.person_key("  ") == ""


def test_key_cannot_be_had_without_the_sites_secret(settings):
    key = people.person_key("ada@example.com")
    settings.SECRET_KEY = "another"
    assert people.person_key("ada@example.com") != key
