"""Numbers of a test, each opening on the exposures that it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django import template
from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics.reports.experiment_page import ArmRow

register = template.Library()


@register.simple_tag(takes_context=True)
def behind(context: Mapping[str, Any], row: ArmRow, what: str, number: int | None = None) -> SafeString | str:
    """The number of `what` (a key of exposure_rows.NARROWED), as of the look that the page shows."""
    number = getattr(row.cell, what) if number is None else number
    text = intcomma(number)
    if not number or not context["may_open_rows"]:
        return text
    given = {"what": what, "look": context["result"].verdict.pk} | ({"epoch": row.epoch} if row.epoch else {})
    address = f"{reverse('desk:exposures', args=[row.variant.pk])}?{urlencode(given)}"
    return format_html('<a href="{}">{}</a>', address, text)
