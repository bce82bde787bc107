"""What was prevented, side by side: one bar of an interval for each thing with a hold-out."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext as _

from analytics.figures import Chart, Kind, Level, Point, Series
from analytics.stats.proportions import Interval


def prevented(
    measured: Sequence[tuple[str, float, Interval, str]], *, title: str, told: str, source: str, x_title: str
) -> Chart:
    """Of each its name, what it prevents per 1,000 people, the interval of that, and where its people are listed."""
    return Chart(
        name="effects",
        title=title,
        reads=told + " " + _("Where the bar crosses 0, it may be nothing."),
        points=[Point(name, url=url) for name, _per_1000, _interval, url in measured],
        series=[
            Series(
                _("Prevented"),
                [per_1000 for _name, per_1000, _interval, _url in measured],
                low=[interval.low for _name, _per_1000, interval, _url in measured],
                high=[interval.high for _name, _per_1000, interval, _url in measured],
            )
        ],
        source=source,
        kind=Kind.INTERVALS,
        unit=_("per 1,000"),
        x_title=x_title,
        levels=[Level(0, _("no effect"))],
    )
