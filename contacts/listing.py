"""The desk's list of contacts: what can be asked of it, and the answer as a query."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import connection
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts import cleaning, selectors
from contacts.models import Coding, Contact, ContactSource
from contacts.phrases import Reason

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from contacts.selectors import CodedContact

UNCODED = "uncoded"
NOBODY = "nobody"  # neither a person nor a visitor came with it
SORTS = {"received": ("received_at", "id"), "-received": ("-received_at", "-id")}  # word in the address -> columns


class DayField(forms.DateField):
    """A day near enough for time zones and the day after to be reckoned with."""

    default_validators = [MinValueValidator(date(1970, 1, 1)), MaxValueValidator(date(2999, 12, 31))]

    def __init__(self, *, label: StrPromise) -> None:
        super().__init__(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}))


class Filter(forms.Form):
    """What the list is narrowed to; every field may be empty, and a value that makes no sense narrows nothing."""

    q = forms.CharField(label=_("Text, reference, e-mail or order number"), required=False, max_length=200)
    reason = forms.ChoiceField(label=_("Reason"), required=False)
    source = forms.ChoiceField(label=_("Source"), required=False, choices=[("", _("All")), *ContactSource.choices])
    locale = forms.ChoiceField(label=_("Language"), required=False)
    who = forms.ChoiceField(
        label=_("From whom"), required=False, choices=[("", _("All")), (NOBODY, _("Nobody we know"))]
    )
    since = DayField(label=_("From"))
    until = DayField(label=_("To"))

    def __init__(self, *args: Any, tree: Sequence[Reason], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["reason"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 (for mypy)
        languages = self.fields["locale"]
        assert isinstance(languages, forms.ChoiceField)  # noqa: S101 (for mypy)
        languages.choices = [("", _("All")), *settings.LANGUAGES]
        field.choices = [("", _("All")), (UNCODED, _("Uncoded")), *choices(tree)]


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    reference: str
    url: str
    subject: str
    reason_name: str  # empty where uncoded
    source: str
    received_at: datetime


@dataclass(frozen=True)
class Total:
    """How many of the contacts asked for have one topic; `url` narrows the list to them."""

    text: str
    url: str
    count: int
    is_current: bool


def narrowed(asked: Filter, *, tree: Sequence[Reason]) -> QuerySet[CodedContact]:
    """The contacts asked for, each with `reason_now` (see selectors.with_reason), unordered."""
    found = _narrowed_but_for_reason(asked)
    if (code := asked.cleaned_data.get("reason")) == UNCODED:
        return found.filter(reason_now=None)
    if code:
        return found.filter(reason_now__in=[reason.id for reason in tree if code in reason.path])
    return found


def rows(contacts: Iterable[CodedContact], *, tree: Sequence[Reason]) -> list[Row]:
    """The lines of contacts that carry `reason_now`."""
    names = {reason.id: reason.name for reason in tree}
    return [
        Row(
            reference=contact.reference,
            url=reverse("desk:contact", args=[contact.pk]),
            subject=contact.subject or Truncator(contact.message).chars(80),
            reason_name=names.get(contact.reason_now, "") if contact.reason_now else "",
            source=contact.get_source_display(),
            received_at=contact.received_at,
        )
        for contact in contacts
    ]


def by_reason(asked: Filter) -> Counter[int | None] | None:
    """How many of the contacts with the words asked for have each reason (None: uncoded), whatever the reason asked
    for, in the one pass over all texts that finding them takes. None where no words are asked for: totals() is quicker.
    """
    found = _narrowed_but_for_reason(asked)
    if not asked.cleaned_data.get("q"):
        return None
    return Counter(dict(found.order_by().values_list("reason_now").annotate(number=Count("pk"))))


def totals(
    asked: Filter, *, tree: Sequence[Reason], listed: int, counted: Counter[int | None] | None = None
) -> list[Total]:
    """The contacts asked for, whatever their reason, counted by topic; most first, the uncoded last. `listed`: how many
    narrowed() has; `counted`: of by_reason(). One query, two where it is narrowed to a reason; with `counted` none."""
    topics = {reason.id: reason.topic for reason in tree}
    counts: Counter[str] = Counter()
    for reason_id, number in (_by_reason(asked, listed) if counted is None else counted).items():
        counts[topics.get(reason_id or 0, UNCODED)] += number
    current = asked.cleaned_data.get("reason")
    named = [(reason.code, reason.name) for reason in tree if reason.code in counts]
    named.sort(key=lambda pair: -counts[pair[0]])
    if UNCODED in counts:
        named.append((UNCODED, gettext("Uncoded")))
    return [Total(name, _with_reason(asked, code), counts[code], code == current) for code, name in named]


def _by_reason(asked: Filter, listed: int) -> Counter[int | None]:
    found = _narrowed_but_for_reason(asked)
    newest = Coding.objects.order_by("contact_id", "-id").distinct("contact_id").values("reason_id")
    if any(asked.cleaned_data.get(name) for name in asked.fields if name != "reason"):
        newest = newest.filter(contact__in=found.values("pk"))
    sql, given = newest.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT reason_id, count(*) FROM ({sql}) AS newest GROUP BY reason_id", given)  # noqa: S608
        counts: Counter[int | None] = Counter(dict(cursor.fetchall()))
    if uncoded := (found.count() if asked.cleaned_data.get("reason") else listed) - counts.total():
        counts[None] += uncoded
    return counts


def _with_reason(asked: Filter, code: str) -> str:
    """The address of the same list with another reason, on its first page."""
    query = {name: value for name, value in asked.data.items() if value and name not in ("reason", "page")}
    return "?" + urlencode({**query, "reason": code})


def _narrowed_but_for_reason(asked: Filter) -> QuerySet[CodedContact]:
    asked.is_valid()
    value = asked.cleaned_data.get
    found = selectors.with_reason(Contact.objects.all())
    if text := cleaning.line(value("q") or ""):
        found = found.filter(
            Q(subject__icontains=text)
            | Q(message__icontains=text)
            | Q(email__icontains=text)
            | Q(name__icontains=text)
            | Q(order_number__iexact=text)
            | Q(reference__iexact=text)
        )
    if source := value("source"):
        found = found.filter(source=source)
    if locale := value("locale"):
        found = found.filter(locale=locale)
    if value("who") == NOBODY:
        found = found.filter(person="", visitor=None)
    if since := value("since"):
        found = found.filter(received_at__gte=_midnight(since))
    if until := value("until"):
        found = found.filter(received_at__lt=_midnight(until + timedelta(days=1)))
    return found


def choices(tree: Sequence[Reason]) -> list[tuple[str, str]]:
    """Every reason for a select, children indented under their branch."""
    return [(reason.code, "\u2003" * (len(reason.path) - 1) + reason.name) for reason in tree]


def _midnight(day: date) -> datetime:
    """The beginning of the shop's day."""
    return datetime.combine(day, time.min, ZoneInfo(settings.SHOP_TIME_ZONE))
