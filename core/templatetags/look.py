"""Tags of every template (settings.TEMPLATES names them as built in)."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str, *, flip: bool = False) -> SafeString:
    """One of static/img/icons.svg, for decoration: the text beside it says the same. `flip`: it turns where text runs
    from right to left.
    """
    return _icon(name, flip)


@lru_cache(maxsize=256)
def _icon(name: str, flip: bool) -> SafeString:
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        " icon-flip" if flip else "",
        static("img/icons.svg"),
        name,
    )
