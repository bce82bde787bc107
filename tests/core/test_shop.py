import pytest
from django.test import RequestFactory

from core import brand, shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asks_anew() -> None:
    brand.forget()


def test_templates_know_the_shops_name(settings):
    settings.SHOP_NAME = "Nettle & Rye"
    assert shop.context(RequestFactory().get("/"))["shop_name"] == "Nettle & Rye"
