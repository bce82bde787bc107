from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User

from contacts.models import ReasonCode
from core import clock
from kb import publishing
from kb.models import Article, Category
from kb.search import indexing

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture(autouse=True)
def _a_monday_in_march():
    with clock.frozen(NOW):
        yield


@pytest.fixture
def reasons(db):
    """A small tree: two topics, one of them with two children."""
    status = ReasonCode.objects.create(code="order_status", name="Order status", phrases=["delivery"])
    refunds = ReasonCode.objects.create(code="refunds", name="Refunds", phrases=["refund", "money back"])
    late = ReasonCode.objects.create(code="late", name="Late", parent=status, phrases=["late", "still not here"])
    where = ReasonCode.objects.create(
        code="where_is_my_order", name="Where is it", parent=status, phrases=["where is my order", "dónde está"]
    )
    return {reason.code: reason for reason in (status, refunds, late, where)}


@pytest.fixture
def article(db, tmp_path, settings):
    """Publishes an article with this title, in English, on the shelf of a topic, and has it indexed."""
    settings.SEARCH_INDEX_DIR = tmp_path / "index"

    def publish(title: str, *, topic: str = "refunds") -> Article:
        category, _ = Category.objects.get_or_create(key=topic.replace("_", "-"), defaults={"topic": topic})
        made = publishing.create_article(
            locale="en", category=category, title=title, body=f"All about {title}.", by=None
        )
        publishing.publish(made, by=None, ring=False)
        indexing.rebuild()
        return made

    return publish


@pytest.fixture
def staff(db):
    """Makes a member of staff with one role."""

    def make(role: str) -> User:
        user = User.objects.create_user(role, password="x", is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        return user

    return make


@pytest.fixture(autouse=True)
def attachments_dir(tmp_path, settings):
    """Files of this test only."""
    settings.ATTACHMENTS_DIR = tmp_path / "attachments"
    return settings.ATTACHMENTS_DIR
