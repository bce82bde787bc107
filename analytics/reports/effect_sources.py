"""Where the ledger's lines come from: rules with a hold-out, the form's suggestions, A/B tests judged by contacts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, F, Q
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import effect_days, shop_days, verdicts
from analytics.effect_days import Known
from analytics.experiment_counts import Cell
from analytics.judging.shapes import Code as Said
from analytics.judging.shapes import Compared, Declared, Judgement
from analytics.models import Verdict
from analytics.periods import Period
from analytics.reports import effect_entries, experiment_result
from analytics.reports.effect_entries import Code, Entry, Kind, Measured
from analytics.reports.suggestions import Suggestions
from analytics.stats import holdout
from analytics.stats.proportions import Interval, Rate
from kb.models import Experiment, Exposure, Metric, Variant
from notifications.models import Arm, EpisodeKind, Rule


@dataclass(frozen=True)
class WithoutControl:
    """Something that nobody is kept without, so that nothing can be claimed for it. `url`: where that can be set."""

    kind: Kind
    name: str
    why: str
    url: str = ""


def of_rules(period: Period, known: Known) -> tuple[list[Entry], list[WithoutControl]]:
    """Every rule that has or had a hold-out; and the active ones that have none."""
    entries, without = [], []
    measured = {what for what, _share, _arm in known.ever}
    for rule in Rule.objects.order_by("name"):
        strata = known.strata(rule.pk, without=Arm.HELD_OUT, treated=Arm.NOTIFY)
        if any(stratum.without.of for stratum in strata) or (rule.is_active and rule.holdout_share):
            entries.append(_of_rule(rule, period, known))
        elif rule.is_active or rule.pk in measured:
            why = (
                _("A legal notice: nobody may be kept without it.")
                if rule.is_legal_notice
                else _("Its rule keeps nobody back.")
            )
            without.append(WithoutControl(Kind.RULE, rule.name, why, _page_of(rule)))
    return entries, without


def _of_rule(rule: Rule, period: Period, known: Known) -> Entry:
    strata = known.strata(rule.pk, without=Arm.HELD_OUT, treated=Arm.NOTIFY)
    held_out = holdout.added([stratum.without for stratum in strata])
    notified = holdout.added([stratum.treated for stratum in strata])
    measured = Measured.of(holdout.compare(strata))
    more, weeks = effect_entries.needed(held_out, notified, share=rule.holdout_share, weekly=known.weekly(rule.pk))
    days = known.in_days(rule.pk, Arm.NOTIFY, first=period.first)
    return Entry(
        key=f"rule:{rule.key}",
        kind=Kind.RULE,
        name=rule.name,
        what=_("Messages of a rule; %(share)s %% are held out.") % {"share": f"{100 * rule.holdout_share:.4g}"},
        url=_page_of(rule),
        since=known.since.get(rule.pk),
        control=held_out,
        treated=notified,
        code=effect_entries.code_of(measured, held_out, notified, is_blocked=holdout.is_mismatch(strata)),
        measured=measured,
        by_day={day: one.units for day, one in days.items()},
        sent_by_day={day: one.sent for day, one in days.items()},
        more_needed=more,
        weeks=weeks,
        rows=_rows(period, "evidence", without=Arm.HELD_OUT, treated=Arm.NOTIFY, compared="yes", rule=rule.key),
    )


def of_suggestions(found: Suggestions, period: Period) -> tuple[list[Entry], list[WithoutControl]]:
    """The one line of the form's suggestions."""
    url = reverse("desk:contact-suggestions")
    name = _("Suggestions in the contact form")
    if not found.share and not found.without.of:
        return [], [WithoutControl(Kind.SUGGESTIONS, name, _("Every visitor gets them."), url)]
    return [
        Entry(
            key="suggestions",
            kind=Kind.SUGGESTIONS,
            name=name,
            what=_("Articles suggested while somebody writes; %(share)s %% of visitors go without.")
            % {"share": f"{100 * found.share:.4g}"},
            url=url,
            since=found.since,
            control=found.without,
            treated=found.treated,
            code=found.code,
            measured=found.measured,
            by_day=found.by_day,
            more_needed=found.more_needed,
            weeks=found.weeks,
            rows=_rows(period, "effect-visits", without="off", treated="on"),
        )
    ], []


def of_tests(period: Period, *, now: datetime, in_until: datetime) -> tuple[list[Entry], list[WithoutControl]]:
    """Each new text of every A/B test that is judged by contacts, by its newest look; those that earn give no size."""
    tests = list(Experiment.objects.filter(metric=Metric.CONTACT, started_at__lt=period.end).order_by("-started_at"))
    looks = verdicts.latest_of([test.pk for test in tests])
    entries, without = [], []
    shown: dict[int, Entry] = {}
    variants = {(one.experiment_id, one.key): one for one in Variant.objects.filter(experiment__in=tests)}
    for test in tests:
        url = reverse("desk:experiment", args=[test.pk])
        if test.earns:
            why = _("Its weights follow the results, so that by how much is not known.")
            without.append(WithoutControl(Kind.TEST, test.name, why, url))
            continue
        look = looks.get(test.pk)
        declared = experiment_result.declared_then(look) if look else verdicts.declared_of(test)
        judged = verdicts.judgement_of(look) if look else None
        for key in declared.treatments:
            arms = variants.get((test.pk, declared.control)), variants.get((test.pk, key))
            entry = _of_text(test, key, declared, look, judged, url=url, arms=arms)
            entries.append(entry)
            if entry.is_judged and arms[1] is not None:
                shown[arms[1].pk] = entry
    _count_exposed(shown, looks, period, through=min(period.last, effect_days.ripe(period.window, in_until)))
    return entries, without


def _of_text(
    test: Experiment, key: str, declared: Declared, look: Verdict | None, judged: Judgement | None, *, url: str,
    arms: tuple[Variant | None, Variant | None],
) -> Entry:  # fmt: skip
    cells = [Cell(**cell) for cell in look.counts] if look else []
    control, treated = _contacted(cells, declared.control), _contacted(cells, key)
    compared = judged.of(declared.control, key) if judged else None
    measured = _measured(compared, declared) if compared else None
    code = _code(judged, compared, measured)
    notes = (look.sentence,) if look else (_("It has not been looked at yet."),)
    return Entry(
        key=f"test:{test.pk}:{key}",
        kind=Kind.TEST,
        name=test.name if len(declared.treatments) == 1 else f"{test.name} ({key})",
        what=_("A/B test of a text, judged by contacts about it."),
        url=url,
        since=shop_days.day_of(test.started_at) if test.started_at else None,
        control=control,
        treated=treated,
        code=code,
        measured=measured,
        more_needed=max(0, declared.planned - (judged.units if judged else 0)) if declared.planned else None,
        notes=notes,
        rows=exposures(look, *arms, "contacts", "judged"),
    )


def exposures(
    look: Verdict | None, control: Variant | None, treated: Variant | None, hits: str, of: str
) -> dict[str, str]:
    """The addresses of the exposures behind the numbers of two arms, as of a look."""
    return {
        name: f"{reverse('desk:exposures', args=[arm.pk])}?{urlencode({'what': what, 'look': look.pk})}"
        for place, arm in (("control", control), ("treated", treated))
        if look is not None and arm is not None
        for name, what in ((place, of), (f"{place}_hits", hits))
    }


def _contacted(cells: Iterable[Cell], arm: str) -> Rate:
    mine = [cell for cell in cells if cell.arm == arm]
    return Rate(sum(cell.contacts for cell in mine), sum(cell.judged for cell in mine))


def _measured(compared: Compared, declared: Declared) -> Measured | None:
    """Success of such a test is that no contact came: one more success is one contact prevented."""
    if compared.estimate is None or compared.se is None or compared.low is None or compared.high is None:
        return None
    low, high = compared.ends or (compared.low, compared.high)
    return Measured(
        1000 * compared.estimate, 1000 * compared.se, compared.units, Interval(1000 * low, 1000 * high),
        half=500 * (compared.high - compared.low), planned=declared.planned_of(compared.first, compared.second),
        is_deadline=declared.mode == "deadline",
    )  # fmt: skip


def _code(judged: Judgement | None, compared: Compared | None, measured: Measured | None) -> Code:
    if judged is not None and judged.code == Said.BLOCKED:
        return Code.BLOCKED
    if judged is None or compared is None or measured is None or judged.code == Said.WITHHELD:
        return Code.TOO_EARLY
    if measured.interval.low > 0:
        return Code.SHOWN
    if measured.interval.high < 0:
        return Code.HARMFUL
    return Code.SAME if compared.is_same else Code.NOT_SHOWN


def _count_exposed(entries: dict[int, Entry], looks: dict[int, Verdict], period: Period, *, through: date) -> None:
    """Of each variant the visitors exposed in the period whose window is over, day by day; and those of them who could
    be judged, since of others nothing was shown: as the newest look counted them, or, of days after it, as many as
    could be in the whole test."""
    if not entries:
        return
    is_in_time = Q(experiment__due_at=None) | Q(at__lte=F("experiment__due_at"))
    rows = (
        Exposure.objects.filter(
            is_in_time, variant__in=list(entries), at__gte=period.start, at__lt=shop_days.begin(through + timedelta(1))
        )
        .annotate(day=TruncDate("at", tzinfo=shop_days.zone()))
        .order_by()
        .values_list("variant", "variant__experiment", "variant__key", "day")
        .annotate(number=Count("pk"))
    )
    for variant, experiment, key, day, number in rows:
        look, entry = looks[experiment], entries[variant]
        counted = _judged_on(day, look, key)
        entry.by_day[day] = int(number * _judged_share(look, key)) if counted is None else counted
        entry.seen_by_day[day] = number
        days = {"from": period.first.isoformat(), "to": through.isoformat()}
        address = reverse("desk:exposures", args=[variant])
        entry.rows["seen"] = f"{address}?{urlencode({'what': 'exposed', **days})}"
        if counted is None:
            entry.rows["exposed"] = ""  # reckoned
        elif entry.rows.get("exposed") != "":
            entry.rows["exposed"] = f"{address}?{urlencode({'what': 'linkable', 'look': look.pk, **days})}"


def _judged_on(day: date, look: Verdict, arm: str) -> int | None:
    """None where the look was too early for that day, or is from before looks counted days."""
    if look.linkable_days is None or day >= shop_days.day_of(look.at):
        return None
    return int(look.linkable_days.get(arm, {}).get(day.isoformat(), 0))


def _judged_share(look: Verdict, arm: str) -> float:
    cells = Counter[str]()
    for cell in look.counts:
        if cell["arm"] == arm:
            cells.update(exposed=cell["exposed"], linkable=cell["linkable"])
    return cells["linkable"] / cells["exposed"] if cells["exposed"] else 0.0


def _page_of(rule: Rule) -> str:
    if rule.kind == EpisodeKind.INCIDENT:
        return reverse("desk:incident", args=[rule.key.removeprefix("incident-")])
    return reverse("desk:rule", args=[rule.key])


def _rows(period: Period, target: str, *, without: str, treated: str, **narrowed: str) -> dict[str, str]:
    """The addresses of the rows behind each number of a line."""
    url = reverse(f"desk:{target}")
    return {
        "control": period.address(url, **narrowed, arm=without),
        "control_hits": period.address(url, **narrowed, arm=without, contacted="yes"),
        "treated": period.address(url, **narrowed, arm=treated),
        "treated_hits": period.address(url, **narrowed, arm=treated, contacted="yes"),
        "exposed": period.address(url, **narrowed, arm=treated, new="yes"),
    }
