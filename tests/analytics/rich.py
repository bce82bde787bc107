"""A shop in which something happened of everything that the pages about numbers show."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal

from analytics import settling, verdicts
from analytics.models import CostKind, CostSetting, Event, Marker
from core import audit, clock
from kb.models import Article, Draft, Revision, SearchClick, SearchLog, Vote
from kb.search.tuning import add_synonym
from notifications.models import PreferenceChange
from tests.analytics import history
from tests.analytics.conftest import NOW
from tests.analytics.experiments import called, experiment, exposed, later
from tests.analytics.history import at


def visitor(number: int) -> uuid.UUID:
    return uuid.UUID(int=9000 + number)


def tell() -> Article:
    """Everything, settled; and the article that most of it is about."""
    article = history.article("Where is my parcel")
    for tell_part in (_readers, _changes, _searches):
        tell_part(article)
    for tell_other in (_messages, _forms, _pages, _tests, _costs):
        tell_other()
    settling.settle()
    Draft.objects.bulk_create(
        Draft(article=each, title=each.live_revision.title, updated_at=NOW)
        for each in Article.objects.select_related("live_revision")
        if each.live_revision
    )
    return article


def _readers(article: Article) -> None:
    """60 readers: some contacted us about it, some said yes or no; of the month before there are some, too."""
    delivery, refunds = history.reason("delivery"), history.reason("refunds")
    for n in range(60):
        history.read(visitor(n), article, at(n, days=n % 10), is_returning=n < 54)
        if n < 12:
            history.contact(at(n + 60, days=n % 10 + 1), visitor=visitor(n), person=f"p{n % 11}", why=delivery)
        elif n < 14:
            history.contact(at(n + 60, days=n % 10 + 1), visitor=visitor(n), person=f"p{n}", why=refunds)
        elif n < 30:
            is_helpful, why = n < 22, "unclear" if n % 2 else ""
            history.voted(visitor(n), article, at(n + 1, days=n % 10), is_helpful=is_helpful)
            Vote.objects.create(
                revision=article.live_revision, visitor=visitor(n), is_helpful=is_helpful, at=at(n + 1, days=n % 10),
                reason="" if is_helpful else why,
            )  # fmt: skip
        Event.objects.create(
            kind="stayed", at=at(n + 2, days=n % 10), visitor=visitor(n), article_id=article.pk,
            revision_id=article.live_revision_id, locale="en", link_seen=n % 2 == 0,
            seconds=20 if n % 2 else 60, scrolled=30 if n % 2 else 70,
        )  # fmt: skip
    for n in range(200, 240):
        history.read(visitor(n), article, at(n, days=-20 + n % 10))
        if n < 205:
            history.contact(at(n + 60, days=-15), visitor=visitor(n), person=f"p{n}", why=delivery)
    for n in range(20):
        history.contact(at(n, days=3), person="" if n < 4 else f"u{n}")
    history.read(visitor(70), history.article("Refund times", topic="refunds"), at(days=4))


def _changes(article: Article) -> None:
    """Another text went live in the middle; a colleague wrote down a release."""
    first = article.live_revision
    assert first is not None
    with clock.frozen(at(days=-20)):
        audit.record(None, "article.published", article, revision=first.number, title=first.title, comment="")
    text = Revision.objects.create(
        article=article, number=2, title=first.title, body="", html="", text="", created_at=at(days=8)
    )
    article.live_revision = text
    article.save()
    with clock.frozen(at(days=8)):
        audit.record(None, "article.published", article, revision=2, title=text.title, comment="shorter")
    for n in range(300, 340):
        history.read(visitor(n), article, at(n, days=9))
    Marker.objects.create(on=date(2026, 3, 10), label="New checkout", made_at=at())


def _searches(article: Article) -> None:
    """Queries that found nothing, one that led to the article, both orders of the test of search; a synonym."""
    for n in range(400, 424):
        history.searched(visitor(n), "gift wrap", at(n, days=2))
        SearchLog.objects.create(
            at=at(n, days=2), visitor=str(visitor(n)), kind="page", text="gift wrap", key="gift wrap", total=0,
            locale="en" if n < 412 else "de", engine="x", took_ms=1,
        )  # fmt: skip
    for n in range(30):
        made = SearchLog.objects.create(
            at=at(n - 1, days=n % 10), visitor=str(visitor(n)), kind="page", text="parcel", key="parcel", locale="en",
            total=1, shown=[article.pk], engine="x", took_ms=1, ranking="learnt" if n % 2 else "plain",
        )  # fmt: skip
        SearchClick.objects.create(search=made, article_id=article.pk, position=1, at=at(n - 0.5, days=n % 10))
    add_synonym(locale="en", words="package", means="parcel", by=None)


def _messages() -> None:
    """A rule that prevents contacts, one that keeps nobody back, and people who want no more mails."""
    for n in range(160):
        history.message(f"h{n}", at(n, days=3), arm="held_out")
        history.message(f"n{n}", at(n, days=3))
        if n < 130:
            history.contact(at(n, days=5), person=f"h{n}")
        if n < 10:
            history.contact(at(n, days=5), person=f"n{n}")
    history.message("legal", at(days=3), under=history.rule("legal", holdout_share=0))
    for n in range(3):
        PreferenceChange.objects.create(person=f"n{n}", scope="delivery", is_on=False, at=at(days=6))


def _forms() -> None:
    """Both arms of the form's suggestions: who sent it, who was helped, who left without a word."""
    for n in range(500, 620):
        arm = "off" if n < 560 else "on"
        sent = history.contact(at(n, days=2), visitor=visitor(n), person=f"v{n}") if n % 3 == 0 else None
        helped = [1] if arm == "on" and n % 3 == 1 and n < 590 else []
        shown = [1] if arm == "on" else []
        history.form(visitor(n), at(n - 5, days=2), arm=arm, sent=sent, opened=helped, shown=shown)


def _pages() -> None:
    for n in range(700, 720):
        history.opened(visitor(n), at(n, days=4))
        Event.objects.create(
            kind="stayed", at=at(n + 1, days=4), visitor=visitor(n), link_seen=n < 712, data={"on": "help"}
        )


def _tests() -> None:
    """One test judged by contacts, which is shown, and one judged by resolution."""
    numbers = iter(range(10**6, 10**7))  # of no contact that there is
    for metric in ("contact", "resolution"):
        made = experiment(history.article(f"Text tried by {metric}"), metric=metric, name=f"Test by {metric}")
        for arm, hits in (("a", 60), ("b", 10)):
            for n in range(100):
                who = exposed(made, arm)
                if n < hits:
                    called(who, later(1), contact_id=next(numbers))
        verdicts.look(made, now=min(NOW, later(9)), kind="asked")


def _costs() -> None:
    for kind, amount in ((CostKind.CONTACT, "5"), (CostKind.MESSAGE, "0.1")):
        CostSetting.objects.create(
            kind=kind, amount=Decimal(amount), since=date(2026, 1, 1), currency="EUR", why="x",
            set_at=NOW - timedelta(days=1),
        )  # fmt: skip
