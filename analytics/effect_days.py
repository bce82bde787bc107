"""Both arms of everything that is held out, counted by day: made of rows once the windows of a day are all over.

A day is ripe when even its last person's window has passed and all contacts up to then are in. So a contact that comes
when it is received never touches a day that is made; one that comes late (an import, an address that we learn) marks
its day, and the days before it by a window are counted anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import TruncDate

from analytics import effect_rows, rollups, shop_days
from analytics.models import SUGGESTIONS, EffectDay, EffectMark, RollupDue, RollupKind
from analytics.stats.holdout import Stratum
from analytics.stats.proportions import Rate
from contacts.models import FormVisit
from notifications.models import Message

if TYPE_CHECKING:
    from analytics.periods import Period

RECENT = timedelta(weeks=4)
_DAY = timedelta(days=1)
_AT_ONCE = 14  # days counted in one transaction
_NUMBERS = ("units", "contacted", "sent", "answered", "shown", "withdrawn")


@dataclass(frozen=True, slots=True)
class Numbers:
    """What of EffectDay adds up."""

    units: int = 0
    contacted: int = 0
    sent: int = 0
    answered: int = 0
    shown: int = 0
    withdrawn: int = 0

    def __add__(self, other: Numbers) -> Numbers:
        return Numbers(*(getattr(self, name) + getattr(other, name) for name in _NUMBERS))


@dataclass(frozen=True)
class Known:
    """Since the beginning, by what is held out (a rule's id or SUGGESTIONS), share and arm; and of the days asked for
    and the last RECENT by what, arm and day. `since`: the first day of each."""

    ever: dict[tuple[int, float, str], Numbers]
    daily: dict[tuple[int, str], dict[date, Numbers]]
    since: dict[int, date]
    through: date  # later days are not over yet

    def strata(self, what: int, *, without: str, treated: str) -> list[Stratum]:
        """Both arms share by share."""
        rates = {
            (share, arm): Rate(one.contacted, one.units) for (of, share, arm), one in self.ever.items() if of == what
        }
        none = Rate(0, 0)
        shares = sorted({share for share, _arm in rates})
        return [
            Stratum(share, rates.get((share, without), none), rates.get((share, treated), none)) for share in shares
        ]

    def weekly(self, what: int) -> float:
        """How many came into either arm a week, of late."""
        days = [numbers for (of, _arm), numbers in self.daily.items() if of == what]
        since = self.through - RECENT
        return sum(one.units for of in days for day, one in of.items() if day > since) / (RECENT.days / 7)

    def in_days(self, what: int, arm: str, *, first: date) -> dict[date, Numbers]:
        """An arm day by day, from `first` on."""
        return {day: one for day, one in sorted(self.daily.get((what, arm), {}).items()) if day >= first}


def ripe(window: int, in_until: datetime) -> date:
    """The last day after which `window` days are over for everybody, with contacts in up to `in_until`."""
    return shop_days.day_of(in_until - timedelta(days=window)) - _DAY


def known(window: int, *, first: date, last: date, in_until: datetime) -> Known:
    """All ripe days up to `last`, those from `first` on one by one. What is not made yet is counted from rows."""
    through = min(last, ripe(window, in_until))
    first = min(first, through - RECENT)
    made = EffectDay.objects.filter(window=window, day__lte=through)
    ever: dict[tuple[int, float, str], Numbers] = {}
    daily: dict[tuple[int, str], dict[date, Numbers]] = {}
    since: dict[int, date] = {}
    sums = [*(Sum(name) for name in _NUMBERS), Min("day")]
    for what, share, arm, *numbers, began in made.values_list("rule_id", "share", "arm").annotate(*sums).order_by():
        ever[what, share, arm] = Numbers(*numbers)
        since[what] = min(began, since.get(what, began))
    rows = made.filter(day__gte=first).values_list("rule_id", "arm", "day").annotate(*sums[:-1]).order_by()
    for what, arm, day, *numbers in rows:
        daily.setdefault((what, arm), {})[day] = Numbers(*numbers)
    mark = EffectMark.objects.filter(window=window).values_list("through", flat=True).first()
    for row in _counted(window, None if mark is None else mark + _DAY, through):
        numbers_of = Numbers(*(getattr(row, name) for name in _NUMBERS))
        ever[row.rule_id, row.share, row.arm] = ever.get((row.rule_id, row.share, row.arm), Numbers()) + numbers_of
        since[row.rule_id] = min(row.day, since.get(row.rule_id, row.day))
        if row.day >= first:
            days = daily.setdefault((row.rule_id, row.arm), {})
            days[row.day] = days.get(row.day, Numbers()) + numbers_of
    return Known(ever, daily, since, through)


def within(window: int, *, first: date, last: date) -> Known:
    """The days from `first` to `last` alone, of those that are made; none of them one by one. One query."""
    made = EffectDay.objects.filter(window=window, day__range=(first, last)).values_list("rule_id", "share", "arm")
    sums = made.annotate(*(Sum(name) for name in _NUMBERS)).order_by()
    return Known({(what, share, arm): Numbers(*numbers) for what, share, arm, *numbers in sums}, {}, {}, last)


def known_of(period: Period, *, now: datetime) -> Known:
    """Both arms of everything that is held out, up to the period's end; day by day in the period."""
    in_until = effect_rows.contacts_in_until(now=now)
    return known(period.window, first=period.first, last=period.last, in_until=in_until)


def number(known: Known, whats: Collection[int], arms: Collection[str], name: str, *, since: date | None) -> int:
    """The sum of one of the numbers over what is held out and arms; with `since` of the days from then on."""
    if since is None:
        of_all = known.ever.items()
        return sum(getattr(one, name) for (what, _share, arm), one in of_all if what in whats and arm in arms)
    days = [known.in_days(what, arm, first=since) for what in whats for arm in arms]
    return sum(getattr(one, name) for of in days for one in of.values())


def refresh(*, since: int, windows: Sequence[int], in_until: datetime, anew: bool = False) -> int:
    """Count every day that is ripe and not made, and those that something late has changed: what transactions from
    `since` (a txid) on have told of. With `anew` all. Returns how many days. One at a time, under settling's lock."""
    if anew:
        EffectMark.objects.all().delete()
        EffectDay.objects.all().delete()
    _mark_changes(since)
    marked = list(RollupDue.objects.filter(kind=RollupKind.EFFECTS).values_list("day", flat=True))
    begins = _first_day()
    made = 0
    for window in windows:
        mark = EffectMark.objects.filter(window=window).first()
        last = ripe(window, in_until)
        if mark is not None:
            late = {day - timedelta(days=back) for day in marked for back in range(window + 1)}
            made += _make(window, sorted(day for day in late if day <= mark.through), is_new=False)
        if begins is not None and (mark is None or mark.through < last):
            made += _make(window, shop_days.span(begins if mark is None else mark.through + _DAY, last), is_new=True)
    RollupDue.objects.filter(kind=RollupKind.EFFECTS, day__in=marked).delete()
    return made


def _mark_changes(since: int) -> None:
    """The days of contacts, forms and votes that are news, and those on which somebody opened the form of whom we have
    learnt who they are."""
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {"since": since, "zone": str(shop_days.zone())})
        rollups.mark(RollupKind.EFFECTS, [day for (day,) in cursor.fetchall()])


def _make(window: int, days: Sequence[date], *, is_new: bool) -> int:
    for first, last in _runs(days):
        with transaction.atomic():
            EffectDay.objects.filter(window=window, day__range=(first, last)).delete()
            EffectDay.objects.bulk_create(_counted(window, first, last))
            if is_new:
                EffectMark.objects.update_or_create(window=window, defaults={"through": last})
    return len(days)


def _counted(window: int, first: date | None, last: date) -> list[EffectDay]:
    """The days from `first` (None: the first of all) to `last`, from the rows."""
    if first is not None and first > last:
        return []
    since = None if first is None else shop_days.begin(first)
    until = shop_days.begin(last + _DAY)
    messages = (
        effect_rows.messages(since=since, until=until, window=window)
        .annotate(day=TruncDate("eligible_at", tzinfo=shop_days.zone()))
        .order_by()
        .values_list("day", "rule", "share", "arm")
        .annotate(
            units=Count("id", filter=Q(is_first=True)),
            met=Count("id", filter=Q(is_first=True, has_contacted=True)),
            handed=Count("sent_at"),
        )
    )
    visits = (
        effect_rows.visits(since=since, until=until, window=window)
        .annotate(day=TruncDate("opened_at", tzinfo=shop_days.zone()))
        .order_by()
        .values_list("day", "off_share", "arm")
        .annotate(
            units=Count("id"),
            met=Count("id", filter=Q(has_contacted=True)),
            handed=Count("contact_id"),
            said=Count("id", filter=effect_rows.was_helped()),
            saw=Count("id", filter=effect_rows.was_shown()),
            stayed_away=Count("id", filter=effect_rows.withdrawn()),
        )
    )
    rows = [(day, rule, share, arm, *numbers, 0, 0, 0) for day, rule, share, arm, *numbers in messages]
    rows += [(day, SUGGESTIONS, share or 0.0, arm, *numbers) for day, share, arm, *numbers in visits]
    names = ("day", "rule_id", "share", "arm", *_NUMBERS)
    return [EffectDay(window=window, **dict(zip(names, row, strict=True))) for row in rows]


def _runs(days: Sequence[date]) -> Iterator[tuple[date, date]]:
    """Days in a row together, _AT_ONCE at most."""
    run: list[date] = []
    for day in days:
        if run and (day - run[-1] != _DAY or len(run) == _AT_ONCE):
            yield run[0], run[-1]
            run = []
        run.append(day)
    if run:
        yield run[0], run[-1]


def _first_day() -> date | None:
    found = [
        Message.objects.aggregate(first=Min("eligible_at"))["first"],
        FormVisit.objects.aggregate(first=Min("opened_at"))["first"],
    ]
    moments: Iterable[datetime] = [at for at in found if at is not None]
    return min((shop_days.day_of(at) for at in moments), default=None)


_CHANGED = """
    SELECT DISTINCT (at AT TIME ZONE %(zone)s)::date FROM analytics_event
    WHERE txid >= %(since)s AND kind IN ('contact', 'form', 'vote')
    UNION
    SELECT DISTINCT (visit.opened_at AT TIME ZONE %(zone)s)::date
    FROM analytics_identity AS known JOIN contacts_formvisit AS visit USING (visitor)
    WHERE known.txid >= %(since)s
"""
