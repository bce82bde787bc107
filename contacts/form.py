"""The fields of the contact form: what they accept, and what they say when they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from contacts import cleaning

MESSAGE_MAX = 10_000  # characters


class LineField(forms.CharField):
    """One line of text. Invisible characters go; a line break is refused."""

    def to_python(self, value: Any) -> str:
        return _line(super().to_python(value) or "")


class EmailLineField(forms.EmailField):
    """An e-mail address under the same rule."""

    def to_python(self, value: Any) -> str:
        return _line(super().to_python(value) or "")


class BlockField(forms.CharField):
    """Text of many lines."""

    def to_python(self, value: Any) -> str:
        return cleaning.block(super().to_python(value) or "")


class ContactForm(forms.Form):
    """What a customer writes to us. Only the address and the message must be there."""

    name = LineField(
        label=_("Your name"),
        required=False,
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = EmailLineField(
        label=_("Your e-mail address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={
            "required": _("Write the e-mail address we should answer to."),
            "invalid": _("This does not look like an e-mail address. Write it like name@example.com."),
        },
    )
    order_number = LineField(
        label=_("Order number"),
        required=False,
        max_length=60,
        help_text=_("If it is about an order. You find the number in your confirmation e-mail."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    subject = LineField(
        label=_("Subject"),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    message = BlockField(
        label=_("Your message"),
        max_length=MESSAGE_MAX,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={
            "required": _("Write your message: what happened, and what you need from us."),
            "max_length": ngettext_lazy(
                "Your message has %(show_value)d characters; we can take %(limit_value)d. Please shorten it.",
                "Your message has %(show_value)d characters; we can take %(limit_value)d. Please shorten it.",
                "show_value",
            ),
        },
    )
    # A trap: people do not see it, programs fill it in. The template renders it, always empty.
    website = forms.CharField(label=_("Leave this field empty"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("use_required_attribute", False)  # the browser's bubbles would stand before our own words
        super().__init__(*args, **kwargs)
        # Django's maxlength would cut pasted text without a word; our own message says how much is too much.
        for field in self.fields.values():
            field.widget.attrs.pop("maxlength", None)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("website"):
            # Said, not swallowed: a browser that filled it in for a person must not lose the message.
            raise ValidationError(
                _("A hidden field was filled in, as programs do. If you are a person, please press Send once more.")
            )
        return self.cleaned_data


def typed(data: Mapping[str, str]) -> dict[str, str]:
    """What is in the fields so far, to put back into a form without judging it."""
    return {name: cleaning.block(data.get(name, "")) for name in ContactForm.base_fields if name != "website"}


def _line(text: str) -> str:
    if not cleaning.is_one_line(text):
        raise ValidationError(_("Write this on one line, without line breaks."), code="line_break")
    return cleaning.line(text)
