"""The desk's pages of evidence, of what to write next and of search tests: for the test that walks all desk pages.

Each row: the address, who opens it (roles), and what to set up first (a function that takes the shop's articles by
`external_id` and gives what goes into the address).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta

from analytics import autopsies, rollups, settling
from analytics.models import Event, EventKind
from contacts.models import Contact, ReasonCode
from core import clock
from kb import search_tests
from kb.models import Article, RunReason, SearchLog, Vote
from kb.search import checking

READERS = ("writer", "reviewer", "analyst", "admin")
WRITERS = ("writer", "reviewer", "admin")


def nothing() -> Mapping[str, object]:
    return {}


def a_read_article() -> Mapping[str, object]:
    """An article with readers, votes and words of a reader."""
    article = Article.objects.published().filter(locale="en").select_related("live_revision", "category")[0]
    live = article.live_revision
    assert live is not None
    now = clock.now()
    for number in range(3):
        visitor = uuid.uuid4()
        at = now - timedelta(days=9, minutes=number)
        Event.objects.create(
            kind=EventKind.READ, at=at, visitor=visitor, is_returning=True, article_id=article.pk,
            revision_id=live.pk, topic=article.category.topic,
        )  # fmt: skip
        Vote.objects.create(
            revision=live, visitor=visitor, is_helpful=False, reason="unclear", comment="Which label?", at=at
        )
    settling.settle()
    return {"article": article.pk}


def gaps() -> Mapping[str, object]:
    """A search that led nowhere, and a reason without an article."""
    now = clock.now()
    for text in ("gift wrapping", "gift wrapping", "gift wrapping?"):
        SearchLog.objects.create(
            at=now - timedelta(days=1), visitor=str(uuid.uuid4()), kind="page", text=text, key="gift wrap", locale="en",
            total=0, engine="x", took_ms=1.0,
        )  # fmt: skip
    reason, _is_new = ReasonCode.objects.get_or_create(code="gifts", defaults={"name": "Gifts"})
    contact, _is_new = Contact.objects.get_or_create(
        reference="C-GIFT01",
        defaults={"source": "form", "message": "Do you wrap gifts?", "locale": "en", "received_at": now},
    )
    contact.codings.create(reason=reason, coder="person", confidence=1, at=now)
    rollups.mark_all()
    settling.settle()
    return {"contact": contact.pk}


def looked_into() -> Mapping[str, object]:
    """Contacts about a topic that no article is about, looked into."""
    found = gaps()
    today = clock.now().date()
    autopsies.examine(autopsies.draw(today - timedelta(days=28), today, anew=True), now=clock.now())
    return found


def tests_of_search() -> Mapping[str, object]:
    """A test that passes and one that fails."""
    first, other = Article.objects.published().filter(locale="en").select_related("live_revision").order_by("pk")[:2]
    assert first.live_revision is not None
    test = search_tests.add(locale="en", query=first.live_revision.title, article=first, by=None)
    search_tests.add(locale="en", query=first.live_revision.title, article=other, top=1, by=None)
    checking.run(why=RunReason.ASKED)
    return {"test": test.pk}


DESK_PAGES: list[tuple[str, tuple[str, ...], Callable[[], Mapping[str, object]]]] = [
    ("/desk/articles/{article}/evidence/", READERS, a_read_article),
    ("/desk/articles/{article}/evidence/?days=90", READERS, a_read_article),
    ("/desk/results/{article}/", (*READERS, "ops"), a_read_article),
    ("/desk/results/{article}/votes/", ("ops", "analyst", "admin"), a_read_article),
    ("/desk/results/{article}/openings/", ("ops", "analyst", "admin"), a_read_article),
    ("/desk/guard-rails/link_in_sight/?which=could_tell", ("ops", "analyst", "admin"), a_read_article),
    ("/desk/articles/next/", READERS, nothing),
    ("/desk/articles/next/?all=1", READERS, gaps),
    ("/desk/contacts/{contact}/", ("ops", "analyst", "admin"), gaps),
    ("/desk/", READERS, looked_into),
    ("/desk/autopsy/?reason=gifts", ("ops", "analyst", "admin"), looked_into),
    ("/desk/autopsy/contacts/", ("ops", "analyst", "admin"), looked_into),
    ("/desk/search/", READERS, tests_of_search),
    ("/desk/search/tests/", READERS, tests_of_search),
    ("/desk/search/tests/?only=failing", READERS, tests_of_search),
    ("/desk/search/tests/{test}/", READERS, tests_of_search),
    ("/desk/search/try/?q=parcel", READERS, nothing),
    ("/desk/search/tuning/synonyms/", READERS, tests_of_search),
]
