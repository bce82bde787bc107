"""Every number of the product beside what is true in a world: one look of bench/metrics_truth.py."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from analytics.simulation import world_shapes, world_truth

if TYPE_CHECKING:  # what needs settings is imported where they are set up
    from analytics.periods import Period
    from analytics.reports.effects import Effects, Entry
    from analytics.reports.journeys import Tally
    from analytics.stats.counts import PerUnit
    from analytics.stats.proportions import Rate

FIRST = date(2026, 1, 12)  # a Monday, and no clock is put on within its eight weeks
VENDOR = "view-based “deflection”"
SAVED = "saved by "
ORDERS = 6_000  # shipped in the period, whoever visits
CONTACT_COSTS, MESSAGE_COSTS = 6.0, 0.05
_LEAST_SEARCHES = 30
# key in the ledger -> (number, arm without, arm with)
_EFFECTS = {
    f"rule:{world_shapes.HOLDOUT.partition(':')[2]}": ("messages", "held out", "notified"),
    "suggestions": ("suggestions", "form off", "form on"),
}


@dataclass(frozen=True)
class Look:
    """One number of one seed. `holds` is None where it was withheld."""

    metric: str
    holds: bool | None
    truth: float
    low: float = 0.0
    high: float = 1.0
    shown: bool | None = None


def period() -> Period:
    """The days on which a world's people come."""
    from analytics.periods import Period

    return Period(FIRST, FIRST + timedelta(days=world_shapes.usual().days - 1), 7)


def looks(model: world_shapes.Model, truth: world_truth.Truth, *, now: datetime) -> Iterator[Look]:
    """Every number of the period as a screen would show it, beside what is true."""
    effects = _effects(now)
    for name, (rate, is_withheld) in {**_rates(model, now), **_forms(effects)}.items():
        true, interval = truth.share(name), rate.interval
        holds = None if is_withheld or not rate.of else true in interval
        yield Look(name, holds, true, interval.low, interval.high)
    yield _wismo_look(model, truth, now)
    yield from _rail_looks(truth, now)
    yield from _change_looks(model, truth, now)
    withdrawn, helped = effects.suggestions.guards.withdrawn.interval, truth.share(world_truth.HELPED)
    yield Look("helped by a suggestion, at most", helped <= withdrawn.high, helped, 0.0, withdrawn.high)
    helped, tally = truth.share("helped"), _tally()
    low, high = tally.confirmed.rate.interval.low, tally.confirmed.ceiling.interval.high
    yield Look("helped, within bounds", low <= helped <= high, helped, low, high)
    yield from _effect_looks(effects, truth)
    vendor = tally.view_based.interval
    yield Look(VENDOR, None, helped, vendor.low, vendor.high)


def found(model: world_shapes.Model, *, now: datetime) -> dict[str, tuple[int, int]]:
    """name -> (hits, of) of what the product has counted, by the names of world_truth.count()."""
    effects = _effects(now)
    told = {name: (rate.hits, rate.of) for name, (rate, _) in {**_rates(model, now), **_forms(effects)}.items()}
    told[world_truth.LATE] = (_wismo(now).hits, ORDERS)
    for entry in _ours(effects):
        _name, without, treated = _EFFECTS[entry.key]
        told[without] = (entry.control.hits, entry.control.of)
        told[treated] = (entry.treated.hits, entry.treated.of)
    return told


def mature() -> int:
    return _tally().count(is_mature=True)


def _rates(model: world_shapes.Model, now: datetime) -> dict[str, tuple[Rate, bool]]:
    """name -> the rate as it was counted, and whether the screen withholds it."""
    from analytics.reports import journeys

    tally = _tally()
    guarded = {"contact after read": tally.contact_after_read}
    own = journeys.by_article(tally.cells, tally.spreads)
    rates = {"coverage": tally.coverage, "confirmed": tally.confirmed.rate, "repeat contact": _repeated()}
    for article_id, key in _keys(model).items():
        if article_id in own:
            guarded[f"contact after read: {key}"] = own[article_id].contact_after_read
            rates[f"confirmed: {key}"] = own[article_id].confirmed.rate
    return {
        **{name: (rate, False) for name, rate in rates.items()},
        **{name: (rate, rate.of < _LEAST_SEARCHES) for name, rate in _searches(now).items()},
        **{name: (one.rate, bool(one.why_withheld)) for name, one in guarded.items()},
    }


def _searches(now: datetime) -> dict[str, Rate]:
    from analytics.reports import search_counts, search_health

    until = search_counts.decided_until(now)
    counts = search_counts.total(search_health.by_day_and_locale(period(), until).values())
    return {
        "search found nothing": counts.no_answer,
        "search, none opened": counts.no_click,
        "search put anew": counts.put_anew,
        "contact after search": counts.contact,
    }


def _forms(effects: Effects) -> dict[str, tuple[Rate, bool]]:
    guards = effects.suggestions.guards
    return {
        "form sent, with suggestions": (guards.sent_on, False),
        "form sent, without suggestions": (guards.sent_off, False),
        "suggestion was the answer": (guards.helped_on, False),
        "clean withdrawal": (guards.withdrawn, False),
    }


def _rail_looks(truth: world_truth.Truth, now: datetime) -> Iterator[Look]:
    """The guard-rails that a world has: openings of the form to a journey, what became of them, votes for no."""
    from analytics.reports import guard_rails
    from analytics.reports.guard_rails import Rail

    found = guard_rails.build(period(), now=now, all_contacts=None)
    for rail, name in (
        (Rail.OPENED, world_truth.OPENED), (Rail.COMPLETED, "form completed"), (Rail.NO_VOTES, "votes for no"),
    ):  # fmt: skip
        rate, true = found.of(rail).now, truth.share(name)
        interval = rate.interval if rate else None
        if interval is not None:
            yield Look(name, true in interval, true, interval.low, interval.high)


def _change_looks(model: world_shapes.Model, truth: world_truth.Truth, now: datetime) -> Iterator[Look]:
    """Contacts of the later half of the days against the earlier, in all and by topic."""
    from analytics.periods import Period
    from analytics.reports import contacts

    whole = period()
    later = Period(whole.first + timedelta(days=whole.days // 2), whole.last, 7)
    total, rows = contacts.by_reason(later, now=now)
    changes = {world_truth.CONTACTS: total.change}
    changes |= {f"{world_truth.CONTACTS}: {row.code}": row.change for row in rows if row.code in model.topics}
    for name, change in changes.items():
        hits, of = truth.counts[name]
        if change is not None and of:
            yield Look(
                name, hits / of in change.interval, hits / of, change.interval.low, min(change.interval.high, 1e6)
            )


def _wismo_look(model: world_shapes.Model, truth: world_truth.Truth, now: datetime) -> Look:
    """The rate's truth: what each of so many people brings in the long run, to the orders that were shipped."""
    people = model.visitors + round(model.strangers * model.visitors)
    true = truth.share(world_truth.LATE) * people / ORDERS
    interval = _wismo(now).interval
    if interval is None:
        return Look("WISMO rate", None, true)
    return Look("WISMO rate", true in interval, true, interval.low, interval.high)


def _wismo(now: datetime) -> PerUnit:
    from django.test import override_settings

    from analytics.reports import wismo

    with override_settings(WISMO_REASON="delivery"):
        return wismo.build(period(), now=now).now


def _effects(now: datetime) -> Effects:
    from analytics.reports import effects

    return effects.build(period(), now)


def _ours(effects: Effects) -> list[Entry]:
    return [entry for entry in effects.entries if entry.key in _EFFECTS]


def _effect_looks(effects: Effects, truth: world_truth.Truth) -> Iterator[Look]:
    """The ledger's lines, and the money they are said to have saved: never more than they did."""
    truly = {"messages": truth.messages_prevent, "suggestions": truth.suggestions_prevent}
    saved, claimed = 0.0, effects.saved_at_least
    for entry in _ours(effects):
        name = _EFFECTS[entry.key][0]
        yield _effect(f"effect of {name}", entry, 1000 * truly[name])
        own = _worth(entry, truly[name])
        saved += own
        amount = entry.saved.at_least
        yield _claim(name, None if amount is None else float(amount.amount), own)
    yield _claim("all", None if claimed is None else float(claimed.amount), saved)


def _effect(metric: str, entry: Entry, true: float) -> Look:
    interval = entry.interval
    if interval is None:
        return Look(metric, None, true, shown=False)
    is_called = entry.code in ("shown", "harmful", "suppressed")
    return Look(metric, true in interval, true, interval.low, interval.high, is_called)


def _worth(entry: Entry, prevents: float) -> float:
    """What it saved in truth, of the people of the period."""
    return entry.exposed * prevents * CONTACT_COSTS - sum(entry.sent_by_day.values()) * MESSAGE_COSTS


def _claim(name: str, amount: float | None, true: float) -> Look:
    """Where nothing is claimed nothing is said too much."""
    return Look(f"{SAVED}{name}", amount is None or amount <= true, true, amount or 0.0, shown=amount is not None)


def _tally() -> Tally:
    from analytics.reports import journeys

    return journeys.tally(period())


def _repeated() -> Rate:
    """Contacts that were followed by one of the same person about the same reason."""
    from django.db.models import Sum

    from analytics.models import ContactDay
    from analytics.stats.proportions import Rate

    days = ContactDay.objects.filter(day__range=(period().first, period().last))
    sums = days.aggregate(known=Sum("known"), repeated=Sum("repeated"))
    return Rate(sums["repeated"] or 0, sums["known"] or 0)


def _keys(model: world_shapes.Model) -> dict[int, str]:
    """Article id -> the model's key of it."""
    from kb.models import Article

    ids = dict(Article.objects.filter(slug__startswith="world-").values_list("slug", "id"))
    return {ids[f"world-{one.key}"]: one.key for one in model.articles}
