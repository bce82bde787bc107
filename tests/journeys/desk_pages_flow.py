"""The desk's pages of an article's life, for the test that walks every page: path, role, what must be there first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.contrib.auth.models import Group, User

from core import clock
from kb import publishing, reviews, schedule
from kb.models import Article, Category, CategoryText
from kb.publishing import Text


def furnish() -> dict[str, int]:
    """An article with two texts and a plan, and one that is in review with a comment; their ids by name."""
    user, _ = User.objects.get_or_create(username="flow-reviewer", defaults={"is_staff": True})
    user.groups.add(Group.objects.get_or_create(name="reviewer")[0])
    shelf, _ = Category.objects.get_or_create(key="flow", defaults={"topic": "order_status", "icon": "truck"})
    CategoryText.objects.get_or_create(category=shelf, locale="en", defaults={"slug": "flow", "name": "Flow"})

    def made(title: str) -> Article:
        article = publishing.create_article(
            locale="en", category=shelf, title=title, body="It takes four days.", by=None
        )
        publishing.publish(article, by=None, ring=False)
        later = Text(title, "", "It takes **five** days.")
        publishing.save_draft(article, later, version=1, by=user)
        return article

    planned, in_review = made("A planned article"), made("An article in review")
    now = clock.now()
    schedule.plan_publication(planned, by=user, at=now + timedelta(days=1), now=now)
    review = reviews.ask(in_review, by=user, comment="new times")
    reviews.remark(review.revision, by=user, text="Really?", quote="five days")
    return {"planned": planned.pk, "review": in_review.pk}


Path = Callable[[dict[str, int]], str]

# (path, the role that opens it); `ids` is what furnish() gave.
DESK_PAGES: list[tuple[Path, str]] = [
    (lambda ids: "/desk/articles/reviews/", "reviewer"),
    (lambda ids: f"/desk/articles/{ids['review']}/", "writer"),
    (lambda ids: f"/desk/articles/{ids['planned']}/", "reviewer"),
    (lambda ids: f"/desk/articles/{ids['review']}/review/", "reviewer"),
    (lambda ids: f"/desk/articles/{ids['planned']}/plan/", "reviewer"),
    (lambda ids: f"/desk/articles/{ids['planned']}/address/", "reviewer"),
    (lambda ids: f"/desk/articles/{ids['planned']}/archive/", "reviewer"),
    (lambda ids: f"/desk/articles/{ids['planned']}/history/", "writer"),
    (lambda ids: f"/desk/articles/{ids['planned']}/revisions/1/", "reviewer"),
    (lambda ids: f"/desk/articles/{ids['planned']}/compare/?from=1&to=draft", "writer"),
    (lambda ids: f"/desk/articles/{ids['planned']}/compare/?from=1&to=draft&view=source", "writer"),
]
