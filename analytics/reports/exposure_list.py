"""The visitors of one arm of a test as a list to take along: what its screen shows, and what became of each."""

from __future__ import annotations

from datetime import datetime

from analytics.exposure_rows import NARROWED, Exposures, Row
from analytics.models import Verdict
from analytics.reports import asking
from analytics.reports.asking import Asked
from analytics.reports.row_pages import ID_SHOWN, ByPages, Cells, Page, Place
from kb.models import Variant

WORDS = {
    "variant": asking.is_id, "what": asking.one_of(*NARROWED), "epoch": asking.is_id, "look": asking.is_id,
}  # fmt: skip


def of_exposures(asked: Asked, now: datetime) -> Listed | None:
    """None where there is no such variant, or no such look of its test."""
    narrowed = asked.narrowed
    arms = Variant.objects.select_related("experiment__article__category")
    arm = arms.filter(pk=int(narrowed.get("variant", ""))).first()
    if arm is None:
        return None
    at, look = now, narrowed.get("look")
    if look:
        verdict = Verdict.objects.filter(experiment=arm.experiment, pk=int(look)).first()
        if verdict is None:
            return None
        at = verdict.at
    epoch, period = narrowed.get("epoch"), asked.period
    return Listed(
        Exposures(
            arm,
            at=at,
            what=narrowed.get("what", "exposed"),
            epoch=int(epoch) if epoch else None,
            between=(period.start, period.end),
        )
    )


class Listed(ByPages):
    """Its pages cost more, the more the number asks of what became of people: they are counted anew for each."""

    def __init__(self, exposures: Exposures) -> None:
        self._exposures = exposures

    def page(self, most: int, after: Place | None = None) -> Page:
        rows = self._exposures.older(most + 1, (after.at, int(after.id)) if after else None)
        told = rows[:most]
        last = Place(told[-1].at, told[-1].id) if len(rows) > most else None
        return Page([_cells(row) for row in told], last)


def _cells(row: Row) -> Cells:
    return (
        row.at, str(row.visitor)[:ID_SHOWN], row.epoch, row.is_linkable, row.is_mature, row.has_contact,
        row.has_any_contact, row.vote, row.opened_form, row.sent_form,
    )  # fmt: skip
