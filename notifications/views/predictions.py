"""What the desk sees of forecasts: whether a model is used and why, how it did on later orders, and the network."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import clock
from core.roles import ANALYST, OPS, desk
from notifications.models import DelayModel, EpisodeKind, Forecast, NetworkDay
from notifications.prediction import drift

SHOWN_DAYS = 14
SHOWN_MODELS = 10
SHOWN_PARCELS = 20


@desk(OPS, ANALYST)
@require_safe
def predictions(request: HttpRequest) -> HttpResponse:
    """The page."""
    models = list(DelayModel.objects.defer("trees")[:SHOWN_MODELS])
    last = models[0] if models else None
    today = clock.now().date()
    late = Forecast.objects.filter(late_since__isnull=False)
    return render(
        request,
        "desk/predictions.html",
        {
            "section": "predictions",
            "drifts": drift.standing(),
            "last": last,
            "report": last.report if last else {},
            "compared": _compared(last.report) if last and last.report else [],
            "tenths": [_tenth(one) for one in last.report.get("calibration", [])] if last else [],
            "models": models,
            "forecast": Forecast.objects.count(),
            "late": late.count(),
            "likeliest": late.select_related("shipment__order").order_by("-late_chance", "pk")[:SHOWN_PARCELS],
            "days": NetworkDay.objects.filter(day__gt=today - timedelta(days=SHOWN_DAYS))[:SHOWN_DAYS],
            "kind": EpisodeKind.EXPECTED_LATE.label,
        },
    )


def _compared(report: dict[str, Any]) -> list[dict[str, Any]]:
    """The rule and the model side by side."""
    rows = (
        (f"Rule: not delivered {_days(report['rule_days'])} before the promised day", report["rule"]),
        ("Model, as precise as the rule", report["model"]),
        ("Model, with the rule's lead", report["at_lead"]),
    )
    return [
        {
            "name": name,
            "precision": _percent(found["precision"]),
            "recall": _percent(found["recall"]),
            "lead": found["lead_days"],
            "mean_lead": found["mean_lead_days"],
            "false": found["false_alarms_per_1000"],
            "warned": found["warned_rows"],
        }
        for name, found in rows
    ]


def _days(number: int) -> str:
    return "a day" if number == 1 else f"{number} days"


def _tenth(one: dict[str, float]) -> dict[str, object]:
    return {
        "range": f"{100 * one['from']:.0f} to {100 * one['from'] + 10:.0f}\u00a0%",
        "said": _percent(one["said"]),
        "late": _percent(one["late"]),
        "interval": f"{100 * one['low']:.0f} to {100 * one['high']:.0f}\u00a0%",
        "parcels": one["parcels"],
    }


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}\u00a0%"
