"""The desk's page of API keys on a phone and a desktop, in light and dark: nothing is cut off, nothing complains."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from tests.journeys import barriers
from tests.journeys.conftest import WALKED_ONCE, Walker, in_each_view

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@WALKED_ONCE
def test_a_key_is_made_and_revoked(walker: Walker):
    User.objects.create_superuser("ada", password="x")
    page = walker.page
    walker.open("/desk/sign-in/?next=/desk/api-keys/")
    page.fill("#id_username", "ada")
    page.fill("#id_password", "x")
    page.press("#id_password", "Enter")
    page.wait_for_url("**/api-keys/")
    page.fill("#id_name", "Shop front of the other house")
    page.get_by_role("button", name="Make the key").click()
    page.wait_for_selector(".notice-success code")
    walker.shoot("api-keys")
    assert in_each_view(page, barriers.sideways) == []
    page.get_by_role("button", name="Revoke Shop front").click()
    page.wait_for_selector("text=revoked")
    assert not walker.complaints
    assert not walker.foreign
