"""A choice field's <select>, written at once: Django's own renders a template for every option of a page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


class PlainSelect(forms.Select):
    """As forms.Select shows it, for choices without groups."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        given = self.build_attrs(self.attrs, {**(attrs or {}), "name": name})
        chosen = "" if value is None else str(value)
        options = format_html_join(
            "", '<option value="{}"{}>{}</option>', (
                (key, SafeString(" selected") if str(key) == chosen else "", label) for key, label in self.choices
            ),
        )  # fmt: skip
        return format_html("<select{}>{}</select>", forms.utils.flatatt(given), options)
