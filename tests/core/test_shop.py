from django.test import RequestFactory

from core import shop


def test_templates_know_the_shops_name(settings):
    settings.SHOP_NAME = "Nettle & Rye"
    assert shop.context(RequestFactory().get("/"))["shop_name"] == "Nettle & Rye"
