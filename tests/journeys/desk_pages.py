"""Every page of the desk, in a shop that has something to show on each: what the walk over all of them opens.

A page without arguments is found by itself; one with arguments stands in one of the lists of its part.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.contrib.auth.models import User
from django.urls import NoReverseMatch, reverse

from analytics import settling
from analytics.models import Event, EventKind, Journey
from config import urls
from core import clock
from kb.models import Article
from notifications.models import Order
from tests.journeys import (
    desk_pages_care,
    desk_pages_evidence,
    desk_pages_experiments,
    desk_pages_facts,
    desk_pages_flow,
    desk_pages_imports,
    desk_pages_incidents,
    desk_pages_ledger,
    desk_pages_mails,
    desk_pages_porting,
    desk_pages_privacy,
    desk_pages_results,
    desk_pages_signin,
    desk_pages_sources,
    desk_pages_surface,
)

# What answers with no page of its own: files, parts of pages, forms that go on elsewhere, doors for who is signed out.
WITHOUT_A_PAGE = {
    "privacy-export", "privacy-erase", "incident-audience", "incident-text", "incident-confirm", "incident-close",
    "incident-promise", "incident-discard",
    "sign-in", "sign-out", "join", "audit-export", "brand-preview-css", "brand-preview", "brand-check", "brand-reset",
    "article-link-choices", "article-archive-choices", "bulk-targets", "article-autosave", "article-here",
    "piece-choices", "fact-progress", "block-progress", "search-tests-export", "article-port-report",
    "order-import-rejects", "order-import-start", "ledger-export",
    "contact-attachment", "outbox-mail-html", "search-job", "article-port-export", "search-learning", "effect-search",
    # Forms: answered by the page that they stand on.
    "password-link", "person-password-link", "person-password-link-end",
    "account-sessions-end", "account-disconnect", "person-roles", "person-switch", "person-second-factor-reset",
    "invitation-withdraw", "api-key-revoke", "experiment-figures", "experiment-look",
    "experiment-export", "report-csv", "rows-csv", "article-catch-up", "article-reviewed",
    "picture-upload", "article-choose",
    "saved-view", "saved-view-change", "saved-view-remove", "marker-remove",
    "notice-end", "origin-remove", "search-job-ask", "search-synonym-preview", "search-synonym-remove", "search-place",
    "search-placement-remove", "search-pin-move", "order-next-update", "order-stop-links", "order-note",
    "next-draft", "next-dismiss", "autopsy-ask", "bulk-plan", "article-port-begin", "article-comment",
    "article-comment-resolve", "article-review-end",
    "article-plan-change", "article-look-after", "article-translate", "fact-archive", "fact-withdraw", "block-archive",
    "block-withdraw", "search-tests-import", "search-test-remove", "contact-draft",
    "message-cancel", "sender-check", "sending-pause", "sending-resume", "sending-cancel",
    "source-replay-all", "source-replay", "source-ignore", "source-parked-remove",
    "mail-template-publish", "mail-template-discard", "mail-template-restore",
    # Seen in the journeys of their own parts: mails as they went out, and the proof behind a number.
    "message", "outbox-mail", "exposures", "mail-template-preview",
}  # fmt: skip


def paths(admin: User) -> Iterator[str]:
    """The addresses, one after the other; what a page shows is made just before."""
    for pattern in urls.desk:
        if pattern.name in WITHOUT_A_PAGE:
            continue
        try:
            yield reverse(f"desk:{pattern.name}")
        except NoReverseMatch:
            continue
    yield from _with_a_row()
    for path, role, prepare in desk_pages_signin.DESK_PAGES:
        if role == "admin":
            yield prepare(admin) or path
            User.objects.exclude(pk=admin.pk).delete()  # each makes its people anew
    for path, _roles, make in desk_pages_surface.DESK_PAGES:
        yield path.format(make())
    for path, _roles, make in desk_pages_sources.DESK_PAGES:
        yield path.format(make())
    ids = desk_pages_flow.furnish()
    yield from (path(ids) for path, _role in desk_pages_flow.DESK_PAGES)
    furnished = desk_pages_care.furnish(by=admin)
    for path, _roles in desk_pages_care.DESK_PAGES:
        yield path.format(article=furnished.article.pk, plan=furnished.plan, done=furnished.done)
    for path, _roles, prepare_facts in desk_pages_facts.DESK_PAGES:
        prepare_facts()
        yield path
    made: dict[object, dict[str, object]] = {}
    for path, _roles, set_up in desk_pages_evidence.DESK_PAGES:
        if set_up not in made:
            made[set_up] = dict(set_up())
        yield path.format(**made[set_up])
    for path, _roles, make_run in desk_pages_imports.DESK_PAGES:
        yield make_run() if make_run else path
    for path, _roles, prepare_mails in desk_pages_mails.DESK_PAGES:
        yield path.format(prepare_mails(admin))
    for path, _roles, look in desk_pages_results.DESK_PAGES:
        yield path.format(look())
    for path, _roles, plan_test in desk_pages_experiments.DESK_PAGES:
        yield path.format(plan_test())
    for path, _roles, make_rows in desk_pages_ledger.DESK_PAGES:
        yield path.format(make_rows())
    for path, _roles, run in desk_pages_porting.DESK_PAGES:
        yield run() if run else path
    yield from (make() for make in desk_pages_privacy.DESK_PAGES)
    yield from (make(admin) for make in desk_pages_incidents.DESK_PAGES)


def _with_a_row() -> Iterator[str]:
    article = Article.objects.published().select_related("live_revision", "category")[0]
    assert article.live_revision is not None
    Event.objects.create(
        kind=EventKind.READ, at=clock.now(), visitor=uuid.uuid4(), is_returning=True, article_id=article.pk,
        revision_id=article.live_revision_id, topic=article.category.topic,
    )  # fmt: skip
    settling.settle()
    yield reverse("desk:journey", args=[Journey.objects.latest("pk").pk])
    yield reverse("desk:order", args=[Order.objects.latest("pk").pk])
