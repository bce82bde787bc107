from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from core import clock
from kb import publishing, search
from kb.models import Article, Category, CategoryText

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BOT = "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example.com/)"

Write = Callable[..., Article]


@pytest.fixture(autouse=True)
def _a_monday_in_march() -> Iterator[None]:
    with clock.frozen(NOW):
        yield


@pytest.fixture(autouse=True)
def index_folder(settings, tmp_path: Path) -> Iterator[Path]:
    """An index of the test's own."""
    settings.SEARCH_INDEX_DIR = tmp_path / "index"
    yield settings.SEARCH_INDEX_DIR
    search.engine().close()


@pytest.fixture
def shelf(db) -> Callable[..., Category]:
    """A category by key, named in English and Spanish."""

    def get(key: str = "delivery", *, topic: str = "order_status") -> Category:
        category, is_new = Category.objects.get_or_create(key=key, defaults={"topic": topic, "icon": "truck"})
        if is_new:
            name = key.replace("-", " ").title()
            CategoryText.objects.create(category=category, locale="en", slug=key, name=name, description="All of it.")
            CategoryText.objects.create(category=category, locale="es", slug=f"{key}-es", name=f"{name} (es)")
        return category

    return get


@pytest.fixture
def write(shelf) -> Write:
    """Publishes an article; `publish=False` leaves it a draft. The index does not know it yet."""

    def make(title: str, body: str = "Some text.", *, publish: bool = True, on: str = "delivery", **more) -> Article:
        more.setdefault("locale", "en")
        article = publishing.create_article(title=title, body=body, category=shelf(on), by=None, **more)
        if publish:
            publishing.publish(article, by=None, ring=False)
        return article

    return make


@pytest.fixture
def staff(db) -> Callable[[str], User]:
    """A member of staff with this role."""

    def make(role: str) -> User:
        user = User.objects.create_user(role, password="x", is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        return user

    return make


@pytest.fixture
def person(db) -> Callable[..., User]:
    """A member of staff by name and role, with an address."""

    def make(name: str, role: str = "reviewer") -> User:
        user = User.objects.create_user(name, f"{name}@shop.example.com", is_staff=True)
        user.groups.add(Group.objects.get_or_create(name=role)[0])
        return user

    return make


@pytest.fixture
def browser() -> Callable[..., Client]:
    """A new visitor's browser."""

    def make(agent: str = BROWSER, **headers: str) -> Client:
        return Client(headers={"user-agent": agent, **headers})

    return make
