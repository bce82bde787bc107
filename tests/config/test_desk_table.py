"""Every address of the desk: who may open it, and that what is done by it stands in the audit log once."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, reverse

import config.accounts.urls
from analytics import markers, periods, saved_views
from analytics.models import SavedView
from config import urls
from config.accounts import invitations, password_links
from contacts.models import Contact, ReasonCode
from core import brand, clock, keys, roles
from core.brand import Draft
from core.models import ApiKey, AuditEntry, Invitation, Scope
from core.roles import ADMIN, WRITER
from kb import notices, origins, publishing, search_tests
from kb.models import Article, Category, Placement, SearchTest, Synonym
from kb.search import tuning
from tests import worlds
from tests.config import desk_table
from tests.config.desk_table import ACTIONS, ELSEWHERE, NO_ROLE, ROLES, STRANGERS
from tests.config.staff import PASSWORD, code, give_app, make, secret_on, signed_in
from tests.notifications import shop

pytestmark = pytest.mark.django_db

PATTERNS: list[tuple[str, URLPattern]] = [("desk:", one) for one in urls.desk] + [
    ("", one) for one in config.accounts.urls.allauth_urlpatterns
]
SAMPLES = {"int": 1, "uuid": uuid.UUID(int=1), "slug": "csv", "string": "x"}
each_address = pytest.mark.parametrize(("space", "pattern"), PATTERNS, ids=[one.name for _space, one in PATTERNS])


def address(space: str, pattern: URLPattern) -> str:
    if pattern.name == "account_reset_password_from_key":
        return reverse(pattern.name, kwargs={"uidb36": "1", "key": "x"})
    kinds = {
        name: type(one).__name__.removesuffix("Converter").lower() for name, one in pattern.pattern.converters.items()
    }
    return reverse(f"{space}{pattern.name}", kwargs={name: SAMPLES[kind] for name, kind in kinds.items()})


def lets_in(pattern: URLPattern) -> frozenset[str] | None:
    """What the view's decorator of core.roles says; None where it has none."""
    return getattr(pattern.callback, "desk_roles", None)


@each_address
def test_each_address_lets_in_whom_the_table_says(space, pattern):
    assert pattern.name in ROLES, f"add {pattern.name!r} to ROLES in tests/config/desk_table.py"
    wanted = ROLES[pattern.name]
    assert lets_in(pattern) == (None if wanted == STRANGERS else frozenset(wanted))


def test_the_table_has_no_row_for_what_is_gone():
    names = {pattern.name for _space, pattern in PATTERNS}
    assert set(ROLES) == names
    assert set(ACTIONS) | ELSEWHERE <= names


@pytest.mark.parametrize("role", [*roles.ALL, NO_ROLE])
def test_the_navigation_shows_what_opens_and_nothing_that_opens_is_missing(role):
    client = Client()
    client.force_login(make(role or "nobody", *([role] if role else [])))
    page = client.get(reverse("desk:account")).content.decode()
    links = set(
        re.findall(r'<li><a href="([^"]+)"', page.partition('<ul class="desk-links">')[2].partition("</ul>")[0])
    )
    entries = (
        "home", "article-scorecards", "journeys", "data-health", "articles", "experiments", "search-health", "effects",
        "notices", "search", "contacts", "orders", "sources", "predictions", "messages", "incidents", "outbox",
        "widget", "privacy", "brand", "api-keys", "people", "audit",
    )  # fmt: skip
    assert links == {reverse(f"desk:{name}") for name in entries if role in ROLES[name]}
    for link in links:
        assert client.get(link).status_code == 200, link


@pytest.fixture(scope="class")
def sessions(django_db_setup, django_db_blocker) -> Iterator[dict[str, str]]:
    """The session of one person of each role, signed in once for all addresses; what is done to it is gone after it."""
    with worlds.shared(django_db_blocker):
        keys = {}
        for role in (*roles.ALL, NO_ROLE):
            client = Client()
            client.force_login(make(role or "nobody", *([role] if role else [])))
            keys[role] = client.cookies[settings.SESSION_COOKIE_NAME].value
        yield keys


class TestEachRole:
    @each_address
    def test_gets_a_page_or_403(self, sessions, space, pattern):
        """By asking: 403 for exactly the roles that the table leaves out. Others get the page, or 404 for want of a
        row."""
        if ROLES.get(pattern.name) == STRANGERS:
            return
        where = address(space, pattern)
        got = {}
        for role, key in sessions.items():
            client = Client()
            client.cookies[settings.SESSION_COOKIE_NAME] = key
            answer = client.get(where)
            if answer.status_code == 405:
                answer = client.post(where)
            got[role] = answer.status_code
        wanted = ROLES[pattern.name]
        left_out = set(got) - set(wanted)
        assert {role for role, status in got.items() if status == 403} - _more(pattern.name) == left_out, got
        assert all(status in (200, 302, 400, 403, 404, 422) for status in got.values()), got


def _more(name: str | None) -> set[str]:
    """Whom a view lets in to look, and its form does not: asked by POST, since it takes nothing else."""
    return {roles.WRITER, roles.REVIEWER, roles.ANALYST} if name == "search-job-ask" else set()


@each_address
def test_each_view_that_takes_a_form_is_in_the_table_of_actions(space, pattern):
    client = Client()
    client.force_login(make("ada", ADMIN))
    if pattern.name in ACTIONS or pattern.name in ELSEWHERE:
        return
    answer = client.post(address(space, pattern))
    assert answer.status_code == 405, f"add {pattern.name!r} to ACTIONS in tests/config/desk_table.py"


# What is done, for each row of ACTIONS: a function that prepares, and returns the form to send.

Made = tuple[Client, str, dict[str, Any]]


@pytest.fixture
def ada() -> User:
    return make("ada", ADMIN)


@pytest.fixture
def client(ada: User) -> Client:
    return signed_in("ada")


@pytest.fixture
def shelf() -> Category:
    return Category.objects.create(key="delivery", topic="order_status")


def article(shelf: Category, title: str = "Late parcels") -> int:
    made = publishing.create_article(title=title, body="Text.", category=shelf, locale="en", by=None)
    publishing.publish(made, by=None, ring=False)
    return made.pk


def _pins(shelf: Category) -> Placement:
    for title in ("One parcel", "Two parcels"):
        tuning.place(kind="pin", locale="en", query="parcel", article_id=article(shelf, title), by=None)
    return Placement.objects.order_by("position").last()


def _contact() -> Contact:
    for name in ("late", "lost"):
        ReasonCode.objects.create(code=name, name=name.title())
    return Contact.objects.create(
        source="api", external_id="1", reference="C-1", received_at=clock.now(), message="Where is it?", locale="en"
    )


def _synonym() -> Synonym:
    return tuning.add_synonym(locale="en", words="box", means="parcel", by=None)


def _saved_view(owner: User) -> SavedView:
    period, _wrong = periods.read({}, now=clock.now())
    return saved_views.save(owner, "My month", period, is_shared=True)


def _search_test(shelf: Category) -> SearchTest:
    made = Article.objects.get(pk=article(shelf))
    return search_tests.add(locale="en", query="parcel", article=made, by=None)


def _search_test_lines(shelf: Category) -> str:
    return f"en,parcel,{Article.objects.get(pk=article(shelf)).slug}"


def _invitation(ada: User) -> Invitation:
    return invitations.invite(email="", wanted=[WRITER], by=ada)


@pytest.fixture
def prepared(ada: User, client: Client, shelf: Category, tmp_path: Any, settings: Any) -> dict[str, Callable[[], Made]]:
    settings.SEARCH_INDEX_DIR = tmp_path / "index"

    def to(name: str, /, *args: Any, **form: Any) -> Made:
        return client, reverse(name if "_" in name else f"desk:{name}", args=args), form

    def app() -> Made:
        secret = secret_on(client.get(reverse("mfa_activate_totp")).content.decode())
        return to("mfa_activate_totp", code=code(secret))

    def with_app(name: str) -> Made:
        give_app(ada)
        return to(name)

    def brand_form(name: str, /) -> Made:
        brand.save(Draft(name="Nordlys"), after=0, by=None)
        number = brand.newest().pk
        return to(name, name="Nordlys 2", after=number, accent="#5b53e6")

    def person(name: str, /, **form: Any) -> Made:
        return to(name, make("ruth", WRITER).pk, **form)

    def join() -> Made:
        form = {"username": "nils", "password": "three boats at noon"}
        return Client(), invitations.link(_invitation(ada)).removeprefix(settings.SITE_URL), form

    def disconnect() -> Made:
        SocialAccount.objects.create(user=ada, provider="oidc", uid="1")
        return to("account-disconnect")

    def password_link(name: str = "", /) -> Made:
        ruth = make("ruth", WRITER)
        link = password_links.make(ruth, by=ada)
        if name:
            return to(name, ruth.pk)
        return Client(), link.removeprefix(settings.SITE_URL), {"password1": new, "password2": new}

    new = "four boats at midnight"
    return {
        "sign-out": lambda: to("sign-out"),
        "join": join,
        "people": lambda: to("people", roles=[WRITER]),
        "person-roles": lambda: person("person-roles", roles=["ops"]),
        "person-switch": lambda: person("person-switch"),
        "person-second-factor-reset": lambda: person("person-second-factor-reset"),
        "person-password-link": lambda: person("person-password-link"),
        "person-password-link-end": lambda: password_link("person-password-link-end"),
        "password-link": lambda: password_link(),
        "publishing-rules": lambda: to("publishing-rules", four_eyes="on"),
        "invitation-withdraw": lambda: to("invitation-withdraw", _invitation(ada).pk),
        "account-sessions-end": lambda: to("account-sessions-end"),
        "account-disconnect": disconnect,
        "privacy": lambda: to("privacy", address="ada@example.com"),
        "privacy-export": lambda: to("privacy-export", address="ada@example.com"),
        "privacy-erase": lambda: to("privacy-erase", address="ada@example.com", typed="ada@example.com"),
        "api-keys": lambda: to("api-keys", name="shop front", scopes=[Scope.SEARCH_READ]),
        "api-key-revoke": lambda: to(
            "api-key-revoke", keys.create(name="x", scopes=[Scope.SEARCH_READ], by=None)[0].pk
        ),
        "brand": lambda: brand_form("brand"),
        "brand-reset": lambda: brand_form("brand-reset"),
        "brand-check": lambda: brand_form("brand-check"),
        "notices": lambda: to("notices", text="Parcels are late."),
        "notice-end": lambda: to("notice-end", notices.write(text="Late.", by=None).pk),
        "saved-view": lambda: to("saved-view", name="My month"),
        "saved-view-change": lambda: to("saved-view-change", _saved_view(ada).pk, name="Another name"),
        "saved-view-remove": lambda: to("saved-view-remove", _saved_view(ada).pk),
        "markers": lambda: to("markers", on=clock.now().date().isoformat(), label="New checkout"),
        "costs": lambda: to(
            "costs", what="contact", amount="4.50", currency="EUR", since=clock.now().date().isoformat(), why="Payroll"
        ),
        "marker-remove": lambda: to("marker-remove", markers.add(clock.now().date(), "New checkout", by=ada).pk),
        "origins": lambda: to("origins", path="/checkout", category=shelf.pk),
        "origin-remove": lambda: to("origin-remove", origins.add("/garden", shelf, by=None).pk),
        "autopsy-ask": lambda: to("autopsy-ask", days=28),
        "search-job-ask": lambda: to("search-job-ask", "verify"),
        "search-synonyms": lambda: to("search-synonyms", locale="en", words="box", means="parcel"),
        "search-synonym-remove": lambda: to("search-synonym-remove", _synonym().pk),
        "search-place": lambda: to("search-place", kind="pin", locale="en", query="parcel", article=article(shelf)),
        "search-placement-remove": lambda: to("search-placement-remove", _pins(shelf).pk),
        "search-pin-move": lambda: to("search-pin-move", _pins(shelf).pk, to="up"),
        "search-tests-import": lambda: to("search-tests-import", lines=_search_test_lines(shelf)),
        "search-test-remove": lambda: to("search-test-remove", _search_test(shelf).pk),
        "article-address": lambda: to("article-address", article(shelf), slug="another-address"),
        "article-archive": lambda: to("article-archive", article(shelf), leads="nowhere"),
        "article-reviewed": lambda: to("article-reviewed", article(shelf)),
        "contact": lambda: to("contact", _contact().pk, reason="late"),
        "contact-suggestions": lambda: to("contact-suggestions", percent="25", why="to try"),
        "order-next-update": lambda: to(
            "order-next-update",
            shop.parcel().order.pk,
            due_at=f"{clock.now() + timedelta(days=2):%Y-%m-%dT%H:%M}",
            note="We ask the carrier.",
        ),
        "order-note": lambda: to("order-note", shop.parcel().order.pk, text="Rang ada@example.com about four boats."),
        "order-stop-links": lambda: to("order-stop-links", shop.parcel().order.pk),
        "account_login": lambda: (Client(), reverse("account_login"), {"login": "ada", "password": PASSWORD}),
        "account_change_password": lambda: to(
            "account_change_password", oldpassword=PASSWORD, password1=new, password2=new
        ),
        "mfa_activate_totp": app,
        "mfa_generate_recovery_codes": lambda: with_app("mfa_generate_recovery_codes"),
        "mfa_deactivate_totp": lambda: with_app("mfa_deactivate_totp"),
    }


@pytest.mark.parametrize("name", ACTIONS)
def test_what_is_done_leaves_one_entry(name, prepared, ada):
    who, where, form = prepared[name]()
    before = set(AuditEntry.objects.values_list("pk", flat=True))
    answer = who.post(where, form)
    assert answer.status_code in (200, 302), answer.content.decode()[:3000]
    new = list(AuditEntry.objects.exclude(pk__in=before))

    assert [entry.action for entry in new] == ([ACTIONS[name]] if ACTIONS[name] else [])
    for entry in new:
        assert entry.by_name in ("ada", "nils", "ruth")
        assert entry.target_type
        assert entry.target_id
        assert entry.label


@pytest.mark.parametrize("name", [name for name in ACTIONS if name not in ("people", "api-keys", "notices")])
def test_what_is_done_again_and_changes_nothing_leaves_none(name, prepared):
    """Or one more, where doing it again does something again."""
    who, where, form = prepared[name]()
    who.post(where, form)
    before = AuditEntry.objects.count()
    who.post(where, form)
    assert AuditEntry.objects.count() - before <= (0 if name in _ONCE else 1)


_ONCE = {
    "sign-out",
    "join",
    "person-roles",
    "person-switch",
    "invitation-withdraw",
    "publishing-rules",
    "person-password-link-end",
    "password-link",
    "account-disconnect",
    "api-key-revoke",
    "brand",
    "brand-reset",
    "brand-check",
    "notice-end",
    "origin-remove",
    "search-synonyms",
    "search-synonym-remove",
    "search-placement-remove",
    "search-pin-move",
    "contact-suggestions",
    "mfa_activate_totp",
}


def test_nothing_secret_and_nothing_of_a_customer_stands_in_an_entry(prepared):
    for name in (
        "contact",
        "order-next-update",
        "order-note",
        "account_change_password",
        "mfa_activate_totp",
        "api-keys",
    ):
        who, where, form = prepared[name]()
        who.post(where, form)
    said = " ".join(f"{entry.label} {entry.detail}" for entry in AuditEntry.objects.all())
    for secret in ("Where is it?", "We ask the carrier", "example.com", "four boats", ApiKey.objects.get().digest):
        assert secret not in said
    assert desk_table.__doc__
    assert settings.SECRET_KEY not in said
