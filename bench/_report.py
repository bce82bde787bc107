"""How a bench says a figure: one JSON object a line on stdout, so that others can hold it against a bound."""

from __future__ import annotations

import json


def report(name: str, value: float, unit: str, *, peer: str | None = None, ratio: float | None = None) -> None:
    """Print a figure. With a `peer` (whom we were measured beside), `ratio` is ours divided by theirs."""
    line: dict[str, object] = {"name": name, "value": round(value, 4), "unit": unit}
    if peer is not None:
        line["peer"] = peer
    if ratio is not None:
        line["ratio"] = round(ratio, 3)
    print(json.dumps(line), flush=True)
