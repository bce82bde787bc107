"""A notice for the desk's pages while the network as a whole is late."""

from __future__ import annotations

from datetime import timedelta

from django import template

from core import clock
from notifications.models import NetworkDay

register = template.Library()


@register.inclusion_tag("desk/_partials/network_wave.html")
def network_wave() -> dict[str, NetworkDay | None]:
    """Nothing while it is calm, or while nobody has looked for two days."""
    last = NetworkDay.objects.first()
    is_now = last is not None and last.is_wave and last.day >= (clock.now() - timedelta(days=2)).date()
    return {"day": last if is_now else None}
