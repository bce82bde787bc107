"""What a test declared, what was counted of it, and what a look at it said. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from analytics.stats import arms, sequential
from analytics.stats.arms import Arm


class Code(StrEnum):
    NOBODY = "nobody"  # nobody has been exposed yet
    BLOCKED = "blocked"  # the arms' numbers are not those that were drawn
    WITHHELD = "withheld"  # of too few would we know whether they contacted us
    TOO_EARLY = "too_early"  # too few successes or failures for any statement
    BEST = "best"  # one text does better than every other
    BETTER = "better"  # some do better than the live one; which is best is not shown
    WORSE = "worse"  # every other does worse than the live one
    SAME = "same"  # no difference worth having
    FUTILE = "futile"  # going on will hardly show anything
    UNCLEAR = "unclear"  # nothing shown yet
    INCONCLUSIVE = "inconclusive"  # the deadline's look is over, and nothing was shown


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """`revision`: its number, for people."""

    key: str
    revision: int
    is_control: bool = False


@dataclass(frozen=True, slots=True)
class Declared:
    """What was frozen when the test started. The control comes first; `weights` by epoch and arm."""

    metric: str
    mode: str
    worthwhile: float
    window_days: int
    planned: int | None  # visitors judged, of all arms
    arms: tuple[ArmPlan, ...]
    weights: Mapping[int, Mapping[str, float]]
    earns: bool = False

    @property
    def control(self) -> str:
        return self.arms[0].key

    @property
    def treatments(self) -> tuple[str, ...]:
        return tuple(arm.key for arm in self.arms[1:])

    def planned_of(self, first: str, second: str) -> float:
        """The planned visitors of two arms, by the weights of the first epoch, whatever became of them later."""
        if not self.planned:
            return sequential.PLANNED
        weights = self.weights[min(self.weights)]
        return self.planned * (weights[first] + weights[second]) / sum(weights.values())


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one arm in one epoch: everybody exposed; and of those who can be judged how many succeeded. The rest is for
    the guard-rails: judged visitors without any contact; forms opened, and sent."""

    epoch: int
    arm: str
    exposed: int
    linkable: int
    judged: int
    successes: int
    without_contact: Arm = arms.NOBODY
    forms: Arm = arms.NOBODY


@dataclass(frozen=True, slots=True)
class Compared:
    """Two arms at one look, the second against the first, in shares. `low` to `high` is this look's own interval; the
    `running` one is what all looks so far leave. `p` and `least_p` in mode A and where it earns, `z` and `bound` in B.
    """

    first: str
    second: str
    units: int
    estimate: float | None = None
    se: float | None = None
    low: float | None = None
    high: float | None = None
    running_low: float | None = None
    running_high: float | None = None
    p: float | None = None
    least_p: float = 1.0
    sign: int = 0  # of the estimate at the least p
    adjusted_p: float | None = None
    z: float | None = None
    bound: float | None = None
    said: str = ""  # "better" or "worse", for good
    is_same: bool = False
    is_futile: bool = False

    @property
    def is_judged(self) -> bool:
        return self.low is not None or self.p is not None

    @property
    def ends(self) -> tuple[float, float] | None:
        """What all looks so far leave; this look's own interval where there is no running one."""
        low = self.low if self.running_low is None else self.running_low
        high = self.high if self.running_high is None else self.running_high
        return None if low is None or high is None else (low, high)


@dataclass(frozen=True, slots=True)
class Split:
    """Everybody exposed against who was to be drawn. `worst`: the arm that is furthest off; `off`: by which share of
    what was to be drawn. `p` is that of one look, for people; the Bayes factor alone blocks."""

    counted: Mapping[str, int]
    drawn: Mapping[str, float]
    log_bayes_factor: float
    p: float
    worst: str
    off: float
    is_mismatch: bool

    @property
    def bayes_factor(self) -> float:
        return math.exp(min(50.0, self.log_bayes_factor))

    @property
    def is_odd(self) -> bool:
        """Not enough to block, enough to keep an eye on."""
        return not self.is_mismatch and self.p < 0.01


@dataclass(frozen=True, slots=True)
class Guard:
    """A guard-rail of one treatment against the control, as shares; `low` to `high` None before it can be said."""

    what: str  # "contact" (of any topic) or "form" (opened and sent)
    arm: str
    control_hits: int
    control_of: int
    hits: int
    of: int
    low: float | None = None
    high: float | None = None
    is_harmed: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """All that one look says. `fractions`: the planned information at each look of mode B that spent, this included."""

    code: Code
    at: datetime
    units: int
    arms: tuple[str, ...] = ()  # whom the code is about
    compared: tuple[Compared, ...] = ()
    split: Split | None = None
    guards: tuple[Guard, ...] = ()
    coverage: tuple[int, int] = (0, 0)
    fractions: tuple[float, ...] = ()
    is_over: bool = False

    def of(self, first: str, second: str) -> Compared | None:
        return next((each for each in self.compared if (each.first, each.second) == (first, second)), None)

    def as_data(self) -> dict[str, Any]:
        return {**asdict(self), "code": str(self.code), "at": self.at.isoformat()}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Judgement:
        """as_data() back again, as it comes out of JSON."""
        return cls(
            **{
                **data,
                "code": Code(data["code"]),
                "at": datetime.fromisoformat(data["at"]),
                "arms": tuple(data["arms"]),
                "compared": tuple(Compared(**each) for each in data["compared"]),
                "split": Split(**data["split"]) if data["split"] else None,
                "guards": tuple(Guard(**each) for each in data["guards"]),
                "coverage": tuple(data["coverage"]),
                "fractions": tuple(data["fractions"]),
            }
        )
