"""Pages of accounts and of the audit log, for the walk over every page of the desk.

Each is (address, role of who looks, what to set up): the function gets that person, makes rows, and may return the
address where it depends on them. A person without a role is "".
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import User

from config.accounts import invitations, password_links
from core import audit, clock
from core.roles import ADMIN, OPS, REVIEWER, WRITER
from kb import publishing, reviews, schedule
from kb.models import Category
from tests.config.staff import give_app, give_recovery_codes, make

SetUp = Callable[[User], str | None]


def _nothing(_user: User) -> None:
    return None


def _people(user: User) -> None:
    make("ruth", WRITER)
    give_app(make("olga", OPS))
    make("newcomer")
    make("gone", WRITER, is_active=False)
    invitations.invite(email="nils@fernhill.example.com", wanted=[WRITER, OPS], by=user)


def _person(user: User) -> str:
    ruth = make("ruth", WRITER)
    give_app(ruth)
    password_links.make(ruth, by=user)
    return f"/desk/people/{ruth.pk}/"


def _on_its_way(user: User) -> None:
    """A review that waits for somebody who wrote the text, and a plan of one's own."""
    shelf, _ = Category.objects.get_or_create(key="flow", defaults={"topic": "order_status", "icon": "truck"})
    ruth, now = make("ruth", REVIEWER), clock.now()
    for title in ("A text in review", "A planned text"):
        article = publishing.create_article(
            locale="en", category=shelf, title=title, body="It takes four days.", by=ruth
        )
        if title == "A text in review":
            reviews.ask(article, by=user, assignee=ruth)
        else:
            schedule.plan_publication(article, by=ruth, at=now + timedelta(days=1), now=now)


def _entries(user: User) -> None:
    ruth = make("ruth", WRITER)
    audit.record(user, "account.roles_changed", ruth, before=[WRITER], after=[WRITER, OPS])
    for n in range(60):
        audit.record(ruth, "article.published", label=f"My parcel is late ({n})", comment="Minor: a clearer first step")


def _with_app(user: User) -> None:
    give_app(user)
    give_recovery_codes(user)


DESK_PAGES: list[tuple[str, str, SetUp]] = [
    ("/desk/account/", WRITER, _nothing),
    ("/desk/account/", WRITER, _with_app),
    ("/desk/account/", "", _nothing),
    ("/desk/", "", _nothing),  # told that there is no role yet
    ("/desk/account/password/", WRITER, _nothing),
    ("/desk/account/app/", WRITER, _nothing),
    ("/desk/account/app/remove/", WRITER, _with_app),
    ("/desk/account/recovery-codes/", WRITER, _with_app),
    ("/desk/account/recovery-codes/new/", WRITER, _with_app),
    ("/desk/account/passkeys/add/", WRITER, _nothing),
    ("/desk/account/confirm/", WRITER, _with_app),
    ("/desk/people/", ADMIN, _people),
    ("/desk/people/", ADMIN, _person),
    ("/desk/publishing/", ADMIN, _on_its_way),
    ("/desk/audit/", ADMIN, _entries),
    ("/desk/audit/?q=nothing", ADMIN, _nothing),
]

# Before anybody is signed in: (address, what to set up).
DOOR_PAGES: list[tuple[str, Callable[[], str | None]]] = [
    ("/desk/sign-in/", lambda: None),
    (
        "/desk/join/",
        lambda: invitations.link(invitations.invite(email="", wanted=[WRITER, OPS], by=make("ada", ADMIN))),
    ),
    ("/desk/join/junk/", lambda: None),
    ("/desk/password-link/", lambda: password_links.make(make("ruth", WRITER), by=make("ada", ADMIN))),
]
