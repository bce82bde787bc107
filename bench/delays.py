"""How early and how surely late parcels are foretold, beside the plain rules, on orders of a time after the training.

    python -m bench.delays [FOLDER] [--quick] [--check]

FOLDER holds Olist's tables (default: PREEMPT_DATA or ../shared/data, olist_2016_2017). Needs no database and the extra
"predict". The model learns what the morning of 2017-11-01 knew: outcomes count once a parcel is delivered or its
promised day is over. It then stays as it is and is asked each morning about every open parcel of the orders promised
from 2017-11-01 on; what the network did up to that morning is known to it, as in the shop. Days are compared, not
hours; mornings before the cut are asked of nobody, neither model nor rule.
The folder has all orders that were never delivered and 24 % of the others: these count 1 / .24 (bench/_delays_data.py).
The form of the model, its parameters, what the last mornings ask for, and the wave's bounds were chosen on orders
before November 2017.

A rule warns on the morning so many days before the promised day (delays.rule_3 …). `lead_gain_days_at_equal_precision`
is the model's median lead at the lowest bound that is no less precise, less the rule's; intervals are of 500 resamples
of the orders, the bound found anew in each (--quick: 60). --check fails (1) where the model does not beat the best
rule by one day of lead or .08 of precision, or the wave of Black Friday is not seen within three days.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from datetime import date
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # this little is learnt in a second; more threads only wait

from bench import _delays_data  # noqa: E402
from bench._report import report  # noqa: E402
from notifications.prediction import alarms, features, judging, training, wave  # noqa: E402
from notifications.prediction.alarms import Quality, Watched  # noqa: E402
from notifications.prediction.history import History  # noqa: E402
from notifications.prediction.judging import Beside  # noqa: E402


def day(year: int, month: int, number: int) -> int:
    return date(year, month, number).toordinal()


FIRST, CUT, LAST = day(2017, 1, 10), day(2017, 11, 1), day(2018, 4, 1)
BOUND_CHOSEN_FROM = day(2017, 8, 1)  # orders promised from here to the cut choose the bound that is fixed beforehand
BLACK_FRIDAY = day(2017, 11, 24)


def tell(name: str, found: Quality) -> None:
    report(f"{name}.precision", found.precision, "share of warned parcels")
    report(f"{name}.recall", found.recall, "share of late parcels")
    report(f"{name}.lead_days", found.lead_days, "days, median over late parcels warned of")
    report(f"{name}.mean_lead_days", found.mean_lead_days, "days")
    report(f"{name}.false_alarms_per_1000", found.false_alarms_per_1000, "orders")


def tell_beside(watched: Watched, days: int, *, resamples: int) -> Beside:
    found = judging.beside(watched, days)
    tell(f"delays.rule_{days}", found.rule)
    tell(f"delays.at_precision_of_rule_{days}", found.at_precision)
    report(f"delays.at_precision_of_rule_{days}.bound", found.bound, "chance")
    tell(f"delays.at_lead_of_rule_{days}", found.at_lead)
    name = f"delays.over_rule_{days}"
    report(f"{name}.lead_gain_days_at_equal_precision", found.lead_gain, "days")
    report(f"{name}.precision_gain_at_equal_lead", found.precision_gain, "share")
    rng = np.random.default_rng(0)
    parcels = len(watched.is_late)
    drawn = [judging.beside(watched.pick(rng.integers(0, parcels, parcels)), days) for _ in range(resamples)]
    for what, gains in (
        ("lead_gain_days_at_equal_precision", [one.lead_gain for one in drawn]),
        ("mean_lead_gain_days_at_equal_precision", [one.at_precision.mean_lead_days - days for one in drawn]),
        ("precision_gain_at_equal_lead", [one.precision_gain for one in drawn]),
    ):
        low, middle, high = np.nanpercentile(gains, [2.5, 50, 97.5])
        for end, value in (("low", low), ("middle", middle), ("high", high)):
            report(f"{name}.{what}.{end}", float(value), "of the resamples: 2.5 %, the middle, 97.5 %")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    asked = parser.parse_args()
    folder = asked.folder or Path(os.environ.get("PREEMPT_DATA", ROOT.parent / "shared" / "data")) / "olist_2016_2017"
    if not (folder / "orders.csv").exists():
        print(f"delays: {folder} is not there. Say where it is: python -m bench.delays FOLDER", file=sys.stderr)
        return 2
    if importlib.util.find_spec("sklearn") is None:
        print("delays: scikit-learn is not installed: make predict", file=sys.stderr)
        return 2
    history = _delays_data.load(folder)
    # Learning sees the history as the cut's morning knew it, and nothing else.
    past = history.as_known(CUT)
    seen = training.landmarks(past, training.network_of(past, since=FIRST, until=CUT), since=FIRST, until=CUT)
    model = training.learn(past, seen, now=CUT)
    known = training.network_of(history, since=FIRST, until=LAST)
    later = training.landmarks(history, known, since=CUT, until=LAST)
    chance = model.chance(later.table)
    watched = training.watched(history, later, chance, since=CUT, until=LAST)
    late = watched.is_late[watched.row]
    weight = watched.weight[watched.row]
    report("delays.orders", len(watched.is_late), "orders promised from 2017-11-01 on")
    report("delays.late", float(np.average(watched.is_late, weights=watched.weight)), "share of them, weighted")
    report("delays.brier", alarms.brier(watched.chance, late, weight), "landmarks; less is better")
    for name in ("lane_late", "lane_late_recent"):
        column = training.watched(history, later, later.table[:, features.NAMES.index(name)], since=CUT, until=LAST)
        report(f"delays.brier_of_{name}", alarms.brier(column.chance, late, weight), "the lane's times alone")
    base = float(np.average(history.is_late[seen.row], weights=history.weight[seen.row]))
    report("delays.brier_of_base_rate", alarms.brier(np.full(len(late), base), late, weight), "the past's late share")
    for tenth in judging.calibration(watched):
        name = f"delays.calibration.{tenth['from']:.1f}"
        report(f"{name}.said", tenth["said"], "mean chance")
        report(f"{name}.late", tenth["late"], f"share; {tenth['low']:.3f} to {tenth['high']:.3f}")
        report(f"{name}.landmarks", tenth["landmarks"], f"of {tenth['parcels']} parcels")
    best = judging.best_rule(watched)
    report("delays.best_rule", best, "days before the promised day; the best F1 of the plain rules that lead")
    beside = {days: tell_beside(watched, days, resamples=60 if asked.quick else 500) for days in judging.RULES}
    tell("delays", beside[best].at_precision)
    tell_leads(watched, beside[best].bound)
    report("delays.lead_gain_days_at_equal_precision", beside[best].lead_gain, "days over the best rule")
    report("delays.precision_gain_at_equal_lead", beside[best].precision_gain, "share over the best rule")
    # With the bound fixed beforehand, on the calibration's time: how the model would really have been used.
    dev = fixed_bound(past, best)
    report("delays.fixed_bound.bound", dev, "chance; chosen on orders promised from August to October 2017")
    tell("delays.fixed_bound", alarms.quality(watched, alarms.warnings_at(watched, dev)))
    if not asked.quick:
        tell_retrained(history)
    mornings = [wave.morning(known, one) for one in range(day(2017, 2, 15), day(2018, 1, 1))]
    found = wave.waves(mornings)
    for began, ended in found:
        report(f"delays.wave.{date.fromordinal(began.day)}", ended.day - began.day + 1, f"days; {began.reason}")
    starts = [began.day - BLACK_FRIDAY for began, _ in found if began.day >= BLACK_FRIDAY]
    seen_after = min(starts, default=999)
    report("delays.wave_days_after_black_friday", seen_after, "days")
    report("delays.false_waves", sum(began.day < BLACK_FRIDAY for began, _ in found), "from February 2017 on")
    is_good = beside[best].is_beaten and seen_after <= 3
    if asked.check and not is_good:
        print("delays: the model or the wave is below its bound, see the figures above", file=sys.stderr)
        return 1
    return 0


def tell_leads(watched: Watched, bound: float) -> None:
    """A median hides how many are warned of only on the last morning: all of them."""
    lead = alarms.warnings_at(watched, bound)
    right = (lead >= 0) & watched.is_late
    for name, inside in (("0", lead == 0), ("1", lead == 1), ("2", lead == 2), ("3_or_more", lead >= 3)):
        share = (watched.weight * (right & inside)).sum() / (watched.weight * right).sum()
        report(f"delays.warned_with_lead.{name}", float(share), "share of the late parcels warned of")


def tell_retrained(history: History) -> None:
    """As the shop does it: trained anew each week, on the outcomes that its morning knows, and never later ones."""
    known = training.network_of(history, since=FIRST, until=LAST)
    every = training.landmarks(history, known, since=FIRST, until=LAST)
    chance = np.zeros(len(every.row))
    for monday in range(CUT, LAST, 7):
        model = training.learn(history, every, now=monday)
        week = (every.day >= monday) & (every.day < monday + 7)
        chance[week] = model.chance(every.table[week])
    watched = training.watched(history, every, chance, since=CUT, until=LAST)
    late, weight = watched.is_late[watched.row], watched.weight[watched.row]
    report("delays.retrained.brier", alarms.brier(watched.chance, late, weight), "landmarks; less is better")
    for days in judging.RULES:
        found = judging.beside(watched, days)
        tell(f"delays.retrained.at_precision_of_rule_{days}", found.at_precision)
        name = f"delays.retrained.over_rule_{days}"
        report(f"{name}.lead_gain_days_at_equal_precision", found.lead_gain, "days")
        report(f"{name}.precision_gain_at_equal_lead", found.precision_gain, "share")


def fixed_bound(past: History, best: int) -> float:
    """The bound at which a model of what was known on BOUND_CHOSEN_FROM was as precise as the rule until the cut."""
    early = past.as_known(BOUND_CHOSEN_FROM)
    known = training.network_of(early, since=FIRST, until=BOUND_CHOSEN_FROM)
    seen = training.landmarks(early, known, since=FIRST, until=BOUND_CHOSEN_FROM)
    model = training.learn(early, seen, now=BOUND_CHOSEN_FROM)
    later_known = training.network_of(past, since=FIRST, until=CUT)
    later = training.landmarks(past, later_known, since=BOUND_CHOSEN_FROM, until=CUT)
    watched = training.watched(past, later, model.chance(later.table), since=BOUND_CHOSEN_FROM, until=CUT)
    return judging.beside(watched, best).bound


if __name__ == "__main__":
    sys.exit(main())
