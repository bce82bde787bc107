"""The shop's look as a mail's template sees it."""

from __future__ import annotations

import functools
from typing import Any

from django.conf import settings
from django.utils import translation

from core import brand
from core.brand_look import Look


def of(look: Look | None) -> dict[str, Any]:
    """Colours of both schemes, each readable on what it stands on, the logo, and the sides of the active language.

    Raises ImproperlyConfigured where the settings' own look cannot be read.
    """
    return _at(look or brand.default(), settings.SITE_URL) | _sides()


@functools.lru_cache(maxsize=8)
def _at(look: Look, site: str) -> dict[str, Any]:
    logo, (light, dark) = look.mail_logo, (look.palette.light, look.palette.dark)
    return {
        "accent": light["accent"],
        "accent_on_dark": dark["accent"],
        "on_accent_on_dark": dark["on-accent"],
        "band_on_dark": look.mail_band_on_dark,
        "logo_url": f"{site}{logo.mail_url}" if logo else "",
        "logo_width": logo.shown[0] if logo else 0,
        "logo_height": logo.shown[1] if logo else 0,
        "logo_plate": look.mail_plate,
    }


def _sides() -> dict[str, str]:
    """Mail programs know no logical properties: the sides by name, in the language that is active."""
    if translation.get_language_bidi():
        return {"direction": "rtl", "start": "right", "end": "left", "side_padding": "10px 0 10px 12px"}
    return {"direction": "ltr", "start": "left", "end": "right", "side_padding": "10px 12px 10px 0"}
