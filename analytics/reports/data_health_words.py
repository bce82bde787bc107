"""What data health calls things, on its screen and in its tables."""

from __future__ import annotations

from django.utils.translation import gettext as _

from analytics.reports.unlinkable import Unlinkable


def left_out_names() -> dict[str, str]:
    """Why a page is in no number, in words."""
    return {
        "bot": _("Programs"),
        "prefetch": _("Fetched ahead by a browser"),
        "no_consent": _("Asked not to be followed"),
        "staff": _("Colleagues"),
        "no_cookie": _("Inside a shop’s page, without a cookie"),
    }


def unlinkable_names() -> dict[str, str]:
    """Why a journey is unlinkable, in words; each is an attribute of Unlinkable."""
    return {
        "first_visit": _("A first visit: the browser had not brought our id back"),
        "began_at_form": _("Began with the contact form: what comes by it is no evidence"),
        "nobody_known": _("The id was known, and not whose; contacts come by other ways, too"),
        "untold": _("Cannot be told any more: the events are no longer kept"),
    }


def unlinkable_reasons(found: Unlinkable) -> list[tuple[str, str, int]]:
    """Code, words and how many; without those that there are none of."""
    rows = [(code, name, getattr(found, code)) for code, name in unlinkable_names().items()]
    return [row for row in rows if row[2]]
