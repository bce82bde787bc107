"""Learn to foretell delays now, without waiting for the night."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from core import clock
from notifications.prediction import nightly


class Command(BaseCommand):
    help = "Learns from the shop's own orders which parcels will be late, judges it on later ones, forecasts open ones."

    def handle(self, **options: Any) -> None:
        now = clock.now()
        made = nightly.train(now=now)
        self.stdout.write(made.verdict)
        if made.report:
            model, rule = made.report["model"], made.report["rule"]
            for name, figures in (("model", model), (f"rule of {made.report['rule_days']} days before", rule)):
                self.stdout.write(
                    f"  {name}: precision {figures['precision']}, recall {figures['recall']}, "
                    f"lead {figures['lead_days']} days, "
                    f"{figures['false_alarms_per_1000']} false alarms per 1,000 orders"
                )
        self.stdout.write(f"{nightly.forecast(now=now):,} open parcels forecast")
