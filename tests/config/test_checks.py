"""Every configuration check, once right and once wrong."""

from __future__ import annotations

import logging

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

GOOD = {
    "LOCAL": False,
    "SITE_URL": "https://help.shop.test",
    "ALLOWED_HOSTS": [".shop.test"],
    "MAIL_FROM": "help@shop.test",
    "MAIL_PROVIDER": "sendgrid",
    "SENDGRID_API_KEY": "key",
    "SENDGRID_EVENT_PUBLIC_KEY": "public",
    "SHOP_TIME_ZONE": "Europe/London",
    "BROKER_URL": "",
}


def found(*, deploy: bool) -> dict[str, str]:
    messages = run_checks(include_deployment_checks=deploy)
    return {m.id: m.hint for m in messages if m.id.startswith("preempt.")}


@pytest.fixture
def good(settings):
    for name, value in GOOD.items():
        setattr(settings, name, value)
    return settings


def test_good_host_passes(good):
    assert found(deploy=True) == {}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("MAIL_FROM", "Fernhill <help@shop.test>", "preempt.E001"),
        ("SHOP_TIME_ZONE", "Europe/Londn", "preempt.E002"),
        ("SHOP_TIME_ZONE", "../../etc/passwd", "preempt.E002"),
        ("MAIL_PROVIDER", "pigeon", "preempt.E003"),
        ("SENDGRID_API_KEY", "", "preempt.E004"),
        ("SITE_URL", "help.shop.test", "preempt.E005"),
        ("SITE_URL", "https://shop.test/help", "preempt.E005"),
        ("BROKER_URL", "redis://cache/0", "preempt.W006"),
        ("SEARCH_ENGINE", "opensearch", "preempt.E007"),
        ("SHOP_ACCENT", "dark green", "preempt.E008"),
    ],
)
def test_value_without_sense_is_named_on_every_start(good, name, value, expected):
    setattr(good, name, value)
    assert expected in found(deploy=False)
    assert found(deploy=False)[expected]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LOCAL", True, "preempt.E101"),
        ("SITE_URL", "http://help.shop.test", "preempt.E102"),
        ("ALLOWED_HOSTS", ["other.test"], "preempt.E103"),
        ("SENDGRID_EVENT_PUBLIC_KEY", "", "preempt.E104"),
        ("MAIL_PROVIDER", "console", "preempt.W105"),
        ("MAIL_FROM", "help@fernhill.example.com", "preempt.E106"),
    ],
)
def test_danger_on_a_public_host_is_named_before_it_goes_live(good, name, value, expected):
    setattr(good, name, value)
    assert set(found(deploy=True)) == {expected}
    assert expected not in found(deploy=False)


def test_debug_logs_are_named(good):
    before = logging.getLogger().level
    logging.getLogger().setLevel("DEBUG")
    try:
        assert "preempt.W107" in found(deploy=True)
    finally:
        logging.getLogger().setLevel(before)


@pytest.mark.parametrize(
    "words",
    [["search_index", "stats"], ["dispatch", "--once"], ["settle"], ["import_orders", "x"]],
    ids=lambda it: it[0],
)
def test_a_process_that_imports_no_page_does_not_start_with_settings_that_cannot_work(good, words):
    good.MAIL_PROVIDER = "pigeon"
    with pytest.raises(SystemCheckError, match=r"preempt\.E003"):
        call_command(*words, skip_checks=False)
