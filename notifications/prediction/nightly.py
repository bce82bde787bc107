"""Each night: learn anew, judge what is learnt on later orders, forecast the open parcels, look for a wave."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.db import connection, transaction

from notifications.models import DelayModel, NetworkDay
from notifications.prediction import alarms, drift, features, judging, reading, training, trees, wave
from notifications.prediction.history import NEVER, Floats, History
from notifications.prediction.network import Network
from notifications.prediction.trees import Trees

logger = logging.getLogger("preempt.prediction")
JUDGED_DAYS = 60  # the model is judged on the orders promised in these last days, by what was known before them
FEWEST_LATE = 30  # among them, or the comparison says nothing
DRIFT_DAYS = 14  # of the last weeks' warnings, which may come out otherwise than the model said
HYSTERESIS = 0.1  # a chance must fall so far below the bound before a forecast counts as in time again


@dataclass(frozen=True)
class _Judged:
    is_on: bool
    verdict: str
    report: dict[str, Any]


def train(*, now: datetime) -> DelayModel:
    """Learn, judge, store; the new model replaces the old where it is judged good enough, else none is used."""
    today = reading.day_of(now)
    past, _ = reading.read(now=now, days=training.LEARNT_DAYS)
    stored = b""
    try:
        if not len(past):
            raise training.TooLittle("no order with a promised day is known yet")
        first = max(int(past.placed.min()) + 1, today - training.LEARNT_DAYS)
        known = training.network_of(past, since=first, until=today)
        seen = training.landmarks(past, known, since=first, until=today)
        judged = _judge(past, seen, known, today)
        stored = training.learn(past, seen, now=today).dump()
    except ImportError:
        judged = _Judged(False, "Off: the extra that learns is not installed. Run make predict.", {})
    except training.TooLittle as little:
        judged = _Judged(False, f"Off: too little is known to learn from: {little}.", {})
    with transaction.atomic():
        DelayModel.objects.filter(is_on=True).update(is_on=False)
        made = DelayModel.objects.create(
            trained_at=now, is_on=judged.is_on, verdict=judged.verdict[:300], report=judged.report, trees=stored
        )
        if judged.report:
            drift.look_at_calibration(judged.report["drift"], now=now)
    logger.info("trained", extra={"is_on": made.is_on, "verdict": made.verdict})
    return made


def train_if_due(*, now: datetime) -> DelayModel | None:
    """Once a day: beat starts anew with its process, so a daily entry might never come, or come twice."""
    last = DelayModel.objects.first()
    if last is not None and reading.day_of(last.trained_at) >= reading.day_of(now):
        return None
    return train(now=now)


def _judge(past: History, seen: training.Landmarks, known: Network, today: int) -> _Judged:
    """A model of what was known JUDGED_DAYS ago, on the orders since. Raises TooLittle."""
    cut = today - JUDGED_DAYS
    model = training.learn(past, seen, now=cut)
    since = seen.day >= cut
    later = training.Landmarks(seen.table[since], seen.row[since], seen.day[since])
    chance = model.chance(later.table)
    watched = training.watched(past, later, chance, since=cut, until=today)
    late = int(watched.is_late.sum())
    if late < FEWEST_LATE:
        raise training.TooLittle(
            f"of {len(watched.is_late)} orders promised in the last {JUDGED_DAYS} days {late} were late; "
            f"{FEWEST_LATE} are needed to tell whether a model is worth using"
        )
    best = judging.best_rule(watched)
    beside = judging.beside(watched, best)
    own, weight = watched.is_late[watched.row], watched.weight[watched.row]
    share = float(np.average(own, weights=weight))
    lane = training.watched(past, later, later.table[:, features.LANE_LATE], since=cut, until=today)
    off = _drift(training.watched(past, later, chance, since=today - DRIFT_DAYS, until=today))
    report = {
        "orders": len(watched.is_late),
        "late": late,
        "from": date.fromordinal(cut).isoformat(),
        "to": date.fromordinal(today - 1).isoformat(),
        "rule_days": best,
        "bound": beside.bound,
        "rule": judging.as_json(beside.rule),
        "model": judging.as_json(beside.at_precision),
        "at_lead": judging.as_json(beside.at_lead),
        "brier": round(alarms.brier(watched.chance, own, weight), 4),
        "brier_lane": round(alarms.brier(lane.chance, own, weight), 4),
        "brier_share": round(share * (1 - share), 4),
        "calibration": judging.calibration(watched),
        "drift": off,
        "expected": _expected(past, known, cut, today),
    }
    gain = (
        f"{beside.lead_gain:+.0f} days of median lead at equal precision, "
        f"{100 * beside.precision_gain:+.0f} points of precision at equal lead"
    )
    if drift.is_off(off["gap"], off["parcels"]):
        return _Judged(False, f"Off: the last weeks came out otherwise than it said ({off['gap']:+.0%}).", report)
    if not beside.is_beaten:
        return _Judged(False, f"Off: it does not beat the plain rule by enough on later orders ({gain}).", report)
    return _Judged(True, f"On: it beats the plain rule on later orders ({gain}).", report)


def _expected(past: History, known: Network, cut: int, today: int) -> dict[str, Any]:
    """How far the lane's middle day was off, beside the carrier's; and how many came in the lane's range of 80 %."""
    own, usual, inside, asked = 0.0, 0.0, 0, 0
    for day in range(cut, today - features.HORIZON, 5):
        rows = features.asked(past, day)
        rows = rows[past.delivered[rows] < NEVER]
        came = past.delivered[rows] - day
        by_lane = features.days_to_come(past, known, rows, day)
        by_carrier = features.days_to_come(past, known, rows, day, levels=2)
        own += float(np.abs(by_lane[:, 3] - came).sum())
        usual += float(np.abs(by_carrier[:, 3] - came).sum())
        inside += int(((came >= by_lane[:, 1]) & (came <= by_lane[:, 5])).sum())
        asked += len(rows)
    if not asked:
        return {"asked": 0, "is_better": False}
    return {
        "asked": asked,
        "days_off": round(own / asked, 2),
        "days_off_carrier": round(usual / asked, 2),
        "in_80": round(inside / asked, 3),
        "is_better": own < usual and 0.75 <= inside / asked <= 0.95,
    }


def _drift(recent: alarms.Watched) -> dict[str, float]:
    """The share late less the mean chance, three days before the promised day."""
    at = recent.left == 3
    if not at.any():
        return {"parcels": 0, "gap": 0.0}
    gap = recent.is_late[recent.row[at]].mean() - recent.chance[at].mean()
    return {"parcels": int(at.sum()), "gap": round(float(gap), 4)}


def current() -> tuple[DelayModel, Trees] | None:
    """The model in use, or None. One that cannot be read is as none, and says so in the log."""
    found = DelayModel.objects.filter(is_on=True).first()
    if found is None:
        return None
    try:
        return found, trees.load(bytes(found.trees))
    except trees.Unreadable as why:
        logger.error("model is unreadable, train it again", extra={"model": found.pk, "why": str(why)})
        return None


def forecast(*, now: datetime) -> int:
    """Forecast every open parcel of a promise to come, if a model is on; look for a wave. Returns how many."""
    today = reading.day_of(now)
    past, ids = reading.read(now=now, days=240)
    if not len(past):
        return 0
    known = training.network_of(past, since=today - 7, until=today)
    _note_network(known, today)
    drift.look_at_late_rate(known, today, now=now)
    rows = features.asked(past, today)
    used = current()
    if used is None:
        with connection.cursor() as cursor:
            cursor.execute(_FORGET, [now])
        return 0
    model, asked = used
    chance = asked.chance(features.of_day(past, known, rows, today))
    days: list[list[int]] = [[] for _ in rows]
    if model.report["expected"]["is_better"]:
        days = [[int(day) for day in one] for one in features.days_to_come(past, known, rows, today)]
    bounds = alarms.bound_on(float(model.report["bound"]), past.promised[rows] - today)
    _store([ids[row] for row in rows], chance, bounds, days, model, now=now)
    return len(rows)


def _store(
    ids: Sequence[int],
    chance: Floats,
    bounds: Floats,
    days: Sequence[Sequence[int]],
    model: DelayModel,
    *,
    now: datetime,
) -> None:
    """Upsert; parcels that have just become late, or are so no more, are looked at by the sweep at once."""
    # What is called late once stays so by the lower bound of the early mornings.
    again = float(model.report["bound"]) - HYSTERESIS
    rows = [
        {"shipment_id": pk, "late_chance": round(float(one), 4), "bound": float(bound), "days": list(when)}
        for pk, one, bound, when in zip(ids, chance, bounds, days, strict=True)
    ]
    made_on = date.fromordinal(reading.day_of(now))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _UPSERT,
            {"rows": json.dumps(rows), "made_on": made_on, "now": now, "again": again},
        )
        cursor.execute("DELETE FROM notifications_forecast WHERE made_on < %s", [made_on])


_UPSERT = """
    WITH new AS (
        SELECT * FROM jsonb_to_recordset(%(rows)s::jsonb)
            AS n (shipment_id bigint, late_chance float8, bound float8, days jsonb)
    ), before AS (
        SELECT f.shipment_id, f.late_since FROM notifications_forecast f JOIN new USING (shipment_id)
    ), stored AS (
        INSERT INTO notifications_forecast (shipment_id, made_on, late_chance, late_since, days)
        SELECT shipment_id, %(made_on)s, late_chance,
            CASE WHEN late_chance >= bound THEN %(now)s::timestamptz END, days
        FROM new
        ON CONFLICT (shipment_id) DO UPDATE SET made_on = excluded.made_on, late_chance = excluded.late_chance,
            days = excluded.days,
            late_since = CASE WHEN excluded.late_chance >= %(again)s
                THEN coalesce(notifications_forecast.late_since, excluded.late_since) END
        RETURNING shipment_id, late_since
    )
    UPDATE notifications_shipment s SET check_at = %(now)s
    FROM stored LEFT JOIN before USING (shipment_id)
    WHERE s.id = stored.shipment_id AND (stored.late_since IS NULL) <> (before.late_since IS NULL)
"""


# With no model on, what a forecast called late is looked at again, and its episode ends.
_FORGET = """
    WITH gone AS (DELETE FROM notifications_forecast RETURNING shipment_id, late_since)
    UPDATE notifications_shipment s SET check_at = %s
    FROM gone WHERE s.id = gone.shipment_id AND gone.late_since IS NOT NULL
"""


def _note_network(known: Network, today: int) -> None:
    """Today's row; the wave's hysteresis looks at the rows of the mornings before."""
    one = wave.morning(known, today)
    reasons = list(
        NetworkDay.objects.filter(day__lt=date.fromordinal(today), day__gt=date.fromordinal(today - wave.ENDS_AFTER))
        .order_by("day")
        .values_list("reason", flat=True)
    )
    NetworkDay.objects.update_or_create(
        day=date.fromordinal(today),
        defaults={
            "surge": one.surge,
            "backlog": one.backlog,
            "pace": one.pace,
            "late_rate": one.late_rate,
            "reason": one.reason,
            "is_wave": wave.is_wave([*reasons, one.reason]),
        },
    )
