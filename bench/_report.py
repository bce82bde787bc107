"""One figure, one JSON line: what `make bench` prints and others hold against bounds."""

from __future__ import annotations

import json


def report(name: str, value: float, unit: str, *, peer: str | None = None, ratio: float | None = None) -> None:
    """Print a figure; `peer` names what it is compared with, `ratio` is ours over theirs."""
    line: dict[str, object] = {"name": name, "value": round(value, 4), "unit": unit}
    if peer is not None:
        line |= {"peer": peer, "ratio": None if ratio is None else round(ratio, 3)}
    print(json.dumps(line), flush=True)
