"""The people behind an effect: who came into which arm when, for the first time, and whether they contacted us then.

Screens add up days of them (analytics/effect_days.py) and open on these rows. Arms are as drawn, whatever became of the
mail or the form (intent to treat).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, Exists, F, FloatField, OuterRef, Q, QuerySet, Value, When

from analytics import contact_facts, outcomes
from analytics.models import Identity
from contacts.models import Arm as FormArm
from contacts.models import Contact, FormVisit
from core.models import AuditEntry
from kb.models import Vote
from notifications.models import Message

COMPARED = (FormArm.ON, FormArm.OFF)


def contacts_in_until(*, now: datetime) -> datetime:
    """Up to when the contacts of every connected source are in."""
    return outcomes.watermark(contact_facts.feeds().values(), now=now)


def messages(*, since: datetime | None = None, until: datetime, window: int) -> QuerySet[Any]:
    """Messages whose episode became something to write about from `since` up to `until`, each with `has_contacted` (any
    contact of the person within `window` days), `is_first` (of this person under this rule) and `share` (held out at
    that moment)."""
    before = Message.objects.filter(rule=OuterRef("rule"), person=OuterRef("person")).filter(
        Q(eligible_at__lt=OuterRef("eligible_at")) | Q(eligible_at=OuterRef("eligible_at"), id__lt=OuterRef("id"))
    )
    contacts = Contact.objects.filter(person=OuterRef("person"), **_after("eligible_at", window)).exclude(person="")
    found = Message.objects.filter(eligible_at__lt=until)
    if since is not None:
        found = found.filter(eligible_at__gte=since)
    return found.annotate(
        is_first=Q(~Exists(before)) & ~Q(person=""), has_contacted=Exists(contacts), share=_share_in_force()
    )


def visits(*, since: datetime | None = None, until: datetime, window: int) -> QuerySet[Any]:
    """Of each visitor the first opening of the contact form that was drawn into one of the two arms, where it was from
    `since` up to `until`; each with `has_contacted`, and `has_said_no` (to an article, as they were last heard) within
    the same window.

    Why the first: what a visitor does after it (writing to us, saying no to an article) decides whether later openings
    are drawn at all, and that may differ by arm. Up to the first nobody has been treated, so that who is in it is the
    same in both arms. Why the visitor: one who opens the form three times would count three times.
    """
    mine = FormVisit.objects.filter(arm__in=COMPARED, visitor__isnull=False)
    before = mine.filter(visitor=OuterRef("visitor")).filter(
        Q(opened_at__lt=OuterRef("opened_at")) | Q(opened_at=OuterRef("opened_at"), id__lt=OuterRef("id"))
    )
    noes = Vote.objects.filter(visitor=OuterRef("visitor"), is_helpful=False, **_after("opened_at", window, "at"))
    found = mine.filter(opened_at__lt=until)
    if since is not None:
        found = found.filter(opened_at__gte=since)
    return found.filter(~Exists(before)).annotate(has_contacted=_contacted(window), has_said_no=Exists(noes))


def openings(*, since: datetime, until: datetime) -> QuerySet[Any]:
    """Every opening of the form from `since` up to `until`, but for those of whom there is no journey either: programs,
    staff and those who asked not to be followed."""
    found = FormVisit.objects.filter(opened_at__gte=since, opened_at__lt=until)
    return found.filter(arm__in=(*COMPARED, FormArm.NOT_ELIGIBLE))


def with_contact(found: QuerySet[Any], *, window: int) -> QuerySet[Any]:
    """Openings, each with `has_contacted`."""
    told: QuerySet[Any] = found.annotate(has_contacted=_contacted(window))
    return told


def _contacted(window: int) -> Q:
    """Of an opening: whether the visitor, or a person whom they are known to be, contacted us within the window."""
    within = _after("opened_at", window)
    people = Identity.objects.filter(visitor=OuterRef("visitor")).exclude(person="")
    theirs = Exists(people.filter(Exists(Contact.objects.filter(person=OuterRef("person"), **_deeper(within)))))
    own = Exists(Contact.objects.filter(visitor=OuterRef("visitor"), **within))
    form = Exists(Contact.objects.filter(id=OuterRef("contact_id"), **within))
    return Q(own) | Q(form) | Q(theirs)


def withdrawn() -> Q:
    """Of visits(): saw a suggestion, left the form, did not say no and did not contact us. At most so many of those who
    saw one were helped by it."""
    return was_shown() & Q(contact_id__isnull=True, has_contacted=False, has_said_no=False)


def was_helped() -> Q:
    """Of visits(): opened a suggestion or said that it was the answer, and did not send the form."""
    return Q(contact_id__isnull=True) & (Q(answered_at__isnull=False) | ~Q(opened=[]))


def left() -> Q:
    """Of visits(): neither sent the form nor, with suggestions, was helped."""
    return Q(contact_id__isnull=True) & (Q(arm=FormArm.OFF) | ~was_helped())


def was_shown() -> Q:
    """Of visits(): saw a suggestion."""
    return ~Q(shown=[])


def _after(moment: str, window: int, field: str = "received_at") -> dict[str, Any]:
    """A contact in the `window` days from the outer row's moment on."""
    return {
        f"{field}__gte": OuterRef(moment),
        f"{field}__lt": OuterRef(moment) + timedelta(days=window),
    }


def _deeper(within: dict[str, Any]) -> dict[str, Any]:
    """The same, one query further in."""
    first = OuterRef(OuterRef("opened_at"))
    window = within["received_at__lt"].rhs.value
    return {"received_at__gte": first, "received_at__lt": first + window}


def _share_in_force() -> Case:
    """The share that a message's rule held out when it was drawn: as now, and before each change as it was then."""
    changes = AuditEntry.objects.filter(action="rule.changed", detail__has_key="holdout_share").order_by("at", "pk")
    whens = [
        When(rule=int(rule), eligible_at__lt=at, then=Value(float(detail["holdout_share"][0])))
        for rule, at, detail in changes.values_list("target_id", "at", "detail")
    ]
    return Case(*whens, default=F("rule__holdout_share"), output_field=FloatField())
