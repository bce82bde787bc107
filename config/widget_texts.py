"""What the widget says on a shop's page, in each language: it goes along in the one script."""

from __future__ import annotations

from django.utils import translation
from django.utils.translation import gettext as _


def of(code: str, shop_name: str) -> dict[str, str]:
    """The texts in one language, and its direction (ltr or rtl)."""
    with translation.override(code):
        return {
            "dir": "rtl" if translation.get_language_bidi() else "ltr",
            "label": _("Help"),
            "title": _("Help from %(shop)s") % {"shop": shop_name},
            "close": _("Close help"),
            "tab": _("Open this page in a new tab"),
            "loading": _("One moment…"),
            "down": _("We cannot show our help right now. It is our fault, not yours. Please try again in a minute."),
            "again": _("Try again"),
            "contact": _("Write to us instead"),
            "refused": _("Our help cannot be shown on this page."),
        }
