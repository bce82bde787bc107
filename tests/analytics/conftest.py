from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from core import clock
from tests.analytics.history import at

NOW = at(days=27)  # a Sunday: the last 28 days begin with the history's first Monday


@pytest.fixture
def today():
    with clock.frozen(NOW):
        yield NOW


@pytest.fixture
def signed_in(db):
    """A client of somebody with a role."""

    def sign_in(role: str = "analyst") -> Client:
        user, is_new = User.objects.get_or_create(username=role, is_staff=True)
        if is_new:
            user.groups.add(Group.objects.get_or_create(name=role)[0])
        client = Client()
        client.force_login(user)
        return client

    return sign_in
