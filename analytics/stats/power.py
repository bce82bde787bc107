"""How long a test takes and what it can see, from the article's own traffic and base rate. Pure.

Fixed size: the normal approximation of R's power.prop.test. Mode A is narrowest at its planned total, where its
interval is a fixed multiple of the standard error; that it may end earlier is left out, so it is a careful figure. Mode
B looks every night and pays a few per cent more than one look at the end.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

from analytics.stats import sequential
from analytics.stats.arms import Difference
from analytics.stats.proportions import ALPHA

_NORMAL = NormalDist()
_NIGHTLY = 1.04  # units that 28 looks of mode B need for each that one look would need, at powers of .8 to .95
POWER = 0.80
SMALL = 2_000  # units an arm below which mode B is proposed: it sees more there
MOST_DAYS = 180  # a test that takes longer is not worth starting


class Mode(StrEnum):
    OPEN = "open"
    DEADLINE = "deadline"


def fixed_power(units: float, base: float, other: float, *, alpha: float = ALPHA) -> float:
    """Of one look at `units` an arm, two-sided; the far side's share is left out, as R does."""
    pooled = (base + other) / 2
    spread = math.sqrt(base * (1 - base) + other * (1 - other))
    z = _NORMAL.inv_cdf(1 - alpha / 2) * math.sqrt(2 * pooled * (1 - pooled))
    return _NORMAL.cdf((math.sqrt(units) * abs(base - other) - z) / spread)


def fixed_units(base: float, other: float, *, power: float = POWER, alpha: float = ALPHA) -> float:
    """Units an arm for one look with that power. Raises ValueError where nothing is to be seen."""
    if base == other:
        raise ValueError("no difference is never seen")
    pooled = (base + other) / 2
    spread = math.sqrt(base * (1 - base) + other * (1 - other))
    z = _NORMAL.inv_cdf(1 - alpha / 2) * math.sqrt(2 * pooled * (1 - pooled))
    return ((z + _NORMAL.inv_cdf(power) * spread) / (base - other)) ** 2


def open_power(units: float, base: float, other: float, *, alpha: float = ALPHA) -> float:
    """Of mode A by `units` an arm, planned for them."""
    spread = math.sqrt((base * (1 - base) + other * (1 - other)) / units)
    half = sequential.interval(Difference(0.0, 1.0, math.ceil(2 * units)), planned=2 * units, alpha=alpha).high
    return _NORMAL.cdf(abs(base - other) / spread - half)


def deadline_power(units: float, base: float, other: float, *, alpha: float = ALPHA) -> float:
    """Of mode B at its deadline with `units` an arm."""
    return fixed_power(units / _NIGHTLY, base, other, alpha=alpha)


def units_needed(mode: Mode, base: float, lift: float, *, arms: int = 2, power: float = POWER) -> int:
    """Mature units an arm until a change of the base by `lift` (in shares, either sign) most likely shows.

    With more than two arms each is compared with the control at alpha/(arms-1), which is what Holm asks of the first.
    Raises ValueError where base or base + lift is no share between 0 and 1, or lift is 0.
    """
    from scipy import optimize  # here: a fifth of what a process imports, and few ever plan a test

    if not (0 < base < 1 and 0 < base + lift < 1) or not lift:
        raise ValueError(f"a change by {lift} from {base} cannot be tested")
    alpha = ALPHA / (arms - 1)
    of = open_power if mode is Mode.OPEN else deadline_power

    def missing(log_units: float) -> float:
        return of(math.exp(log_units), base, base + lift, alpha=alpha) - power

    return math.ceil(math.exp(optimize.brentq(missing, 0.0, math.log(1e12), xtol=1e-9)))


def smallest_lift(mode: Mode, base: float, units: float, *, arms: int = 2, power: float = POWER) -> float | None:
    """The smallest rise over the base (in shares) that `units` an arm most likely show; None where none up to 1."""
    from scipy import optimize

    alpha = ALPHA / (arms - 1)
    of: Callable[..., float] = open_power if mode is Mode.OPEN else deadline_power
    most = 1 - base - 1e-6

    def missing(lift: float) -> float:
        return of(units, base, base + lift, alpha=alpha) - power

    if most <= 0 or missing(most) < 0:
        return None
    return float(optimize.brentq(missing, 1e-9, most, xtol=1e-6))


@dataclass(frozen=True, slots=True)
class Plan:
    """`units` mature units an arm, reached in `days` of reading; after them and the window of `wait` days it can end.

    `refusal` says why it could never end, else it is empty. `sees` is the smallest lift that so many units show.
    """

    mode: Mode
    units: int
    days: int
    wait: int
    sees: float | None
    refusal: str

    @property
    def is_possible(self) -> bool:
        return not self.refusal


def plan(
    *, readers_per_day: float, base: float, lift: float, arms: int = 2, allocation: float = 1.0, window: int = 7,
    mode: Mode | None = None, most_days: int = MOST_DAYS,
) -> Plan:  # fmt: skip
    """What a test needs where `readers_per_day` linkable first-time readers come and `allocation` of them take part.

    Without a `mode` the deadline is proposed where it needs fewer than SMALL units an arm, else the open end. Equal
    weights. Raises ValueError as units_needed() does.
    """
    if mode is None:
        mode = Mode.DEADLINE if units_needed(Mode.DEADLINE, base, lift, arms=arms) < SMALL else Mode.OPEN
    units = units_needed(mode, base, lift, arms=arms)
    a_day = readers_per_day * allocation / arms
    if a_day <= 0:
        return Plan(mode, units, 0, window, None, "Nobody reads this article, or nobody takes part.")
    days = math.ceil(units / a_day)
    sees = smallest_lift(mode, base, a_day * most_days, arms=arms)
    refusal = ""
    if days > most_days:
        able = "no change at all" if sees is None else f"changes of {100 * sees:.0f} points or more"
        refusal = f"It would take {days:,} days. In {most_days} it can see {able}."
    return Plan(mode, units, days, window, sees, refusal)
