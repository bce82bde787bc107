"""What help pages show whose view knows nothing of it."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language

from kb import notices
from kb.notices import Banner

register = template.Library()


@register.simple_tag
def help_notices() -> tuple[Banner, ...]:
    """The banners of the moment in the page's language."""
    return notices.shown_lately(get_language())
