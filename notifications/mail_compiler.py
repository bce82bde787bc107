"""MJML into HTML, once for each text. Django's tags go through it unread."""

from __future__ import annotations

import functools
import re

import mrml
from django.template import TemplateSyntaxError

_OUTSIDE = re.compile(r"(<[^>]*>)|(\{%.*?%\})")
_KEPT_COMMENT = re.compile(r"<!--(\{%.*?%\})-->")


@functools.lru_cache(maxsize=128)
def html_of(source: str) -> str:
    """The HTML of an MJML text. Keyed by the text itself, so that an edited file is a new version.

    Raises TemplateSyntaxError.
    """
    # As comments, conditions stay where they are while styles are put into the elements: a table has no room for text.
    hidden = _OUTSIDE.sub(lambda found: found[1] or f"<!--{found[2]}-->", source)
    try:
        # No web fonts: a mail loads nothing from anywhere.
        output = mrml.to_html(hidden, None, mrml.RenderOptions(disable_comments=False, fonts={}))
    except OSError as error:  # what mrml raises
        raise TemplateSyntaxError(f"bad MJML: {error}") from error
    if output.warnings:
        raise TemplateSyntaxError(f"bad MJML: {', '.join(warning.kind for warning in output.warnings)}")
    return _KEPT_COMMENT.sub(r"\1", output.content)
