"""Which arm of a test a visitor is in, computed from a hash. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from core import bucketing


@dataclass(frozen=True)
class Arms:
    """What decides who sees what in one experiment, without the database."""

    salt: str
    allocation: float
    keys: tuple[str, ...]
    weights: tuple[float, ...]
    article_id: int = 0
    external_id: str = ""
    epoch: int = 1  # the one that allocation and weights are of

    def key_for(self, visitor: str, seen: str = "") -> str:
        """The key of this visitor's variant; empty where they are not in the test.

        Who has `seen` one stays with it, whatever a later epoch's share and weights say. Whether a visitor is in and
        in which arm are drawn with different salts: one near the edge of the allocation is in no particular arm.
        """
        if seen in self.keys and visitor:
            return seen
        if not visitor or not bucketing.is_in_share(f"{self.salt}:in", visitor, self.allocation):
            return ""
        return self.keys[bucketing.choose(self.salt, visitor, self.weights)]
