"""The audit log's entries."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import IntegrityError, transaction

from core import audit
from core.models import AuditEntry

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_did_what_to_what_and_outlives_both():
    ruth = User.objects.create_user("ruth")
    target = User.objects.create_user("gone")
    audit.record(ruth, "account.removed", target, why="left the shop")
    pk = str(target.pk)
    target.delete()
    ruth.delete()
    entry = AuditEntry.objects.get()
    assert (entry.by, entry.by_name, entry.action) == (None, "ruth", "account.removed")
    assert (entry.target_type, entry.target_id, entry.label) == ("auth.user", pk, "gone")
    assert entry.detail == {"why": "left the shop"}


@pytest.mark.parametrize("nobody", [None, AnonymousUser()])
def test_what_the_product_does_itself_has_no_name(nobody):
    assert audit.record(nobody, "index.rebuilt", label="en").by_name == ""


def test_an_entry_goes_with_what_it_tells():
    def make_twice():
        with transaction.atomic():
            audit.record(None, "account.made", User.objects.create_user("ruth"))
            User.objects.create_user("ruth")

    with pytest.raises(IntegrityError):
        make_twice()
    assert not AuditEntry.objects.exists()
