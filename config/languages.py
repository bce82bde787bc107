"""The languages that pages can be shown in, and which of them this shop serves."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf.locale import LANG_INFO
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from config import env

# Complete in locale/ and in templates/emails/ (tests/test_translations.py); English is the source.
BUILT_IN = ("en", "es", "de", "pt-br", "ar")


def served(codes: Sequence[str]) -> list[tuple[str, str | Promise]]:
    """Django's LANGUAGES for the codes that a shop names, in its order. Raises env.BadSetting."""
    wanted = list(dict.fromkeys(code.lower().replace("_", "-") for code in codes))
    if unknown := [code for code in wanted if code not in BUILT_IN]:
        raise env.BadSetting(
            f"LANGUAGES names {', '.join(unknown)}. Built in are: {', '.join(BUILT_IN)}. "
            "How to add another: docs/translations.md."
        )
    if not wanted:
        raise env.BadSetting(f"LANGUAGES is empty. Name at least one of: {', '.join(BUILT_IN)}.")
    return [(code, gettext_lazy(LANG_INFO[code]["name"])) for code in wanted]  # Django knows their names in each other
