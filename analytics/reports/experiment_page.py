"""A test's result as its page shows it: from the looks that are stored, so that the page costs no count."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from analytics import figures, markers, shop_days, verdicts
from analytics.experiment_counts import Cell
from analytics.figures import Mark
from analytics.judging import wording
from analytics.judging.shapes import Code, Compared, Declared, Guard, Judgement, Split
from analytics.models import Verdict
from analytics.periods import Period
from analytics.reports.experiment_result import declared_then
from analytics.stats.proportions import Rate
from kb.models import Experiment, Variant

LISTED = 30  # looks in the table
_DRAWN = 60  # looks in a picture

_TONES = {
    Code.BEST: "success", Code.BETTER: "success", Code.BLOCKED: "danger", Code.WITHHELD: "warning",
    Code.WORSE: "info", Code.SAME: "info", Code.FUTILE: "info", Code.INCONCLUSIVE: "info",
}  # fmt: skip


@dataclass(frozen=True)
class ArmRow:
    """One arm, all epochs together or one of them."""

    variant: Variant
    epoch: int | None
    cell: Cell
    good: Rate

    @property
    def forms(self) -> Rate:
        return Rate(self.cell.forms_sent, self.cell.forms_opened)

    @property
    def bad(self) -> Rate:
        return Rate(self.good.of - self.good.hits, self.good.of)


@dataclass(frozen=True)
class Line:
    """One comparison with the control, over all looks."""

    each: Compared
    name: str
    text: str
    chart: figures.Chart | None


@dataclass(frozen=True)
class GuardRow:
    guard: Guard
    name: str
    text: str

    @property
    def control(self) -> Rate:
        return Rate(self.guard.control_hits, self.guard.control_of)

    @property
    def own(self) -> Rate:
        return Rate(self.guard.hits, self.guard.of)


@dataclass(frozen=True)
class SplitRow:
    variant: Variant
    counted: int
    drawn: int


@dataclass(frozen=True)
class LookRow:
    verdict: Verdict
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    verdict: Verdict
    judged: Judgement
    declared: Declared
    tone: str
    arms: tuple[ArmRow, ...]
    epochs: tuple[ArmRow, ...]  # empty where there was one
    lines: tuple[Line, ...]
    split: Split | None
    splits: tuple[SplitRow, ...]
    guards: tuple[GuardRow, ...]
    looks: tuple[LookRow, ...]
    older_looks: int
    coverage: Rate


def build(experiment: Experiment, *, reader: Collection[str] = ()) -> Result | None:
    """None before the first look. Seven queries, and one for each thousand looks. `reader` are the roles of who reads:
    marks of what happened meanwhile lead only to what they may open."""
    stored = list(Verdict.objects.filter(experiment=experiment).order_by("-at", "-pk"))
    if not stored:
        return None
    marks = markers.collect(
        Period(shop_days.day_of(stored[-1].at), shop_days.day_of(stored[0].at), settings.OUTCOME_WINDOW_DAYS),
        reader=reader,
    )
    newest = stored[0]
    judged, declared = verdicts.judgement_of(newest), declared_then(newest)
    found = {each.key: each for each in experiment.variants.select_related("revision")}
    variants = {arm.key: found[arm.key] for arm in declared.arms if arm.key in found}
    cells = [Cell(**cell) for cell in newest.counts]
    looks = [verdicts.judgement_of(each) for each in stored]
    listed = {said.at: f"#look-{row.pk}" for row, said in zip(stored[:LISTED], looks[:LISTED], strict=True)}
    numbers = {cell.epoch for cell in cells}
    return Result(
        verdict=newest,
        judged=judged,
        declared=declared,
        tone=_TONES.get(judged.code, ""),
        arms=tuple(_arm(variant, None, cells, declared) for variant in variants.values()),
        epochs=tuple(
            _arm(variant, number, cells, declared)
            for number in sorted(numbers, reverse=True)
            for variant in variants.values()
        )
        if len(numbers) > 1
        else (),
        lines=tuple(
            _line(each, declared, looks, marks, listed) for each in judged.compared if each.first == declared.control
        ),
        split=judged.split,
        splits=_splits(judged.split, variants),
        guards=tuple(
            GuardRow(guard, wording.name(guard.arm, declared), wording.guard_spoken(guard, declared))
            for guard in judged.guards
        ),
        looks=tuple(
            LookRow(row, _texts(said, declared)) for row, said in zip(stored[:LISTED], looks[:LISTED], strict=True)
        ),
        older_looks=max(0, len(stored) - LISTED),
        coverage=Rate(*judged.coverage),
    )


def _arm(variant: Variant, epoch: int | None, cells: Sequence[Cell], declared: Declared) -> ArmRow:
    total = Cell(epoch or 0, variant.key)
    for cell in cells:
        if cell.arm == variant.key and epoch in (None, cell.epoch):
            total = total.plus(cell)
    return ArmRow(variant, epoch, total, Rate(*total.successes(declared.metric)))


def _splits(split: Split | None, variants: dict[str, Variant]) -> tuple[SplitRow, ...]:
    if split is None:
        return ()
    return tuple(
        SplitRow(variant, split.counted.get(key, 0), round(split.drawn.get(key, 0)))
        for key, variant in variants.items()
    )


def _line(
    each: Compared,
    declared: Declared,
    looks: Sequence[Judgement],
    marks: Sequence[Mark],
    listed: Mapping[datetime, str],
) -> Line:
    """`looks`: the newest first. Of many the newest, and every so manyth before it, are drawn. `listed`: where what a
    look said stands on the page."""
    drawn: list[tuple[datetime, tuple[float, float, float]]] = []
    step = max(1, -(-len(looks) // _DRAWN))
    sign = -1 if declared.metric == "contact" else 1
    for look in reversed(looks[::step]):
        then = look.of(each.first, each.second)
        if then and then.low is not None and then.high is not None and then.estimate is not None:
            low, high = sorted((sign * 100 * then.low, sign * 100 * then.high))
            drawn.append((look.at, (low, sign * 100 * then.estimate, high)))
    name, text = wording.name(each.second, declared), wording.spoken(each, declared)
    if not drawn:
        return Line(each, name, text, None)
    points = figures.times(
        [at.astimezone(shop_days.zone()) for at, _values in drawn], urls=[listed.get(at, "") for at, _values in drawn]
    )
    return Line(each, name, text, replace(_chart(each, name, text, declared, drawn, points), marks=marks))


def _chart(
    each: Compared,
    name: str,
    text: str,
    declared: Declared,
    drawn: Sequence[tuple[datetime, tuple[float, float, float]]],
    points: Sequence[figures.Point],
) -> figures.Chart:
    lows, middles, highs = zip(*(values for _, values in drawn), strict=True)
    worth = 100 * declared.worthwhile * (-1 if declared.metric == "contact" else 1)
    return figures.Chart(
        name=f"looks-{each.second}",
        title=name,
        reads=f"{text[:1].upper()}{text[1:]}.",
        source=_("Visitors whose window was over at each look. The band is the interval, the line its middle."),
        unit=_("points"),
        decimals=1,
        x_title=_("Look"),
        from_zero=False,
        points=points,
        opens=_("Show what the look said"),
        series=(figures.Series(name, middles, low=lows, high=highs),),
        levels=(figures.Level(0, _("no difference")), figures.Level(worth, _("worth having"))),
    )


def _texts(judged: Judgement, declared: Declared) -> tuple[str, ...]:
    return tuple(wording.spoken(each, declared) for each in judged.compared if each.first == declared.control)
