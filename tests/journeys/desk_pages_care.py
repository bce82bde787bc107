"""The desk's pages about all articles, for whoever walks them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import User

from core import clock
from kb import bulk, publishing, search_tests, upkeep
from kb.models import Article, Category, CategoryText, RunReason
from kb.search import checking


@dataclass(frozen=True)
class Furnished:
    """What must be there before the pages are opened: a broken link, a review that is due, a plan and its result."""

    article: Article
    plan: str
    done: str


# (path with {article}, {plan}, {done} of furnish(); roles that may open it)
DESK_PAGES = (
    ("/desk/articles/", ("writer", "reviewer", "analyst", "admin")),
    ("/desk/articles/?needs=any&sort=-contacts", ("writer", "reviewer", "analyst", "admin")),
    ("/desk/articles/?q=nothing-has-this-word", ("writer", "reviewer", "analyst", "admin")),
    ("/desk/articles/?needs=tests", ("writer", "reviewer", "analyst", "admin")),
    ("/desk/articles/care/", ("writer", "reviewer", "analyst", "admin")),
    ("/desk/articles/links/", ("writer", "reviewer", "analyst", "admin")),
    ("/desk/articles/{article}/links/", ("writer", "reviewer", "analyst", "admin")),
    ("/desk/articles/{article}/", ("writer", "reviewer", "admin")),
    ("/desk/articles/bulk/{plan}/", ("reviewer",)),  # of whoever made the plan: furnish(by=…)
    ("/desk/articles/bulk/{done}/", ("reviewer",)),
)


def furnish(*, by: User) -> Furnished:
    """`by` is a reviewer: the plans are theirs alone to see."""
    shelf, is_new = Category.objects.get_or_create(key="delivery", defaults={"topic": "order_status", "icon": "truck"})
    if is_new:
        CategoryText.objects.create(category=shelf, locale="en", slug="delivery", name="Delivery", description="All.")
    made = []
    for number, body in enumerate(("[two](article:care-two) and [gone](article:gone)", "Text.", "Text.")):
        title = f"Care {('one', 'two', 'three')[number]}"
        article = publishing.create_article(locale="en", category=shelf, title=title, body=body, by=by)
        publishing.publish(article, by=by, ring=False)
        made.append(article)
    upkeep.set_date(made[0], date(clock.now().year - 1, 1, 1), by=by)
    # The first one's fails, the second one's would once it is archived.
    tests = [
        search_tests.add(locale="en", query=query, article=article, by=by)
        for query, article in (("nobody wrote of this", made[0]), ("Care two", made[1]))
    ]
    checking.run(why=RunReason.ASKED, only=tests)
    ids = [article.pk for article in made]
    plan = bulk.plan("archive", {}, ids[1:], by=by)
    done = bulk.plan("owner", {"owner": None}, ids, by=by)
    bulk.start(done.pk, by=by)
    return Furnished(made[0], str(plan.pk), str(done.pk))
