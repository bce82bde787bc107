"""The fields of the contact form: what they accept, and what they say when they do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from contacts import cleaning
from contacts.attachments import Refused
from contacts.filetypes import Trouble
from contacts.uploading import Limit

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
    """What a customer writes to us. Only the address and the message must be there.

    No field has autocomplete="off": Chromium leaves such a field empty when somebody comes back to the page.
    """

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
        widget=forms.TextInput(attrs={"spellcheck": "false"}),
    )
    subject = LineField(
        label=_("Subject"),
        required=False,
        max_length=200,
        widget=forms.TextInput(),
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


def trouble_with(refused: Refused) -> str:
    """Why a file was not taken, and what to do about it."""
    name = cleaning.line(refused.name)[:80] or gettext("A file")
    each, together = settings.ATTACHMENT_MAX_MB, settings.ATTACHMENTS_TOTAL_MB
    match refused.why:
        case Limit.TOO_LARGE:
            text = gettext(
                "%(name)s is larger than %(each)s MB. Please make it smaller, or send your message without it."
            )
        case Limit.TOO_MANY:
            text = gettext("%(name)s is one file too many; we can take %(most)s. Please leave one out.")
        case Limit.TOO_LARGE_TOGETHER:
            text = gettext("With %(name)s the files are larger than %(together)s MB together. Please leave one out.")
        case Limit.TOO_OFTEN:
            text = gettext("%(name)s was not taken: we received many files from you. Please try again in ten minutes.")
        case Limit.NO_ROOM:
            text = gettext(
                "%(name)s could not be stored: the trouble is on our side. Please send your message without it; you "
                "can send the file in your answer to our e-mail."
            )
        case Trouble.EMPTY:
            text = gettext("%(name)s is empty. Please choose it again.")
        case Trouble.BROKEN:
            text = gettext("%(name)s could not be read; it seems to be damaged. Please choose another.")
        case Trouble.TOO_MANY_PIXELS:
            text = gettext(
                "%(name)s has more than %(pixels)s million pixels. Please send a smaller copy of the picture."
            )
        case Trouble.UNKNOWN:
            text = gettext("%(name)s is not a kind of file that we can open. We take pictures, PDF and plain text.")
    return text % {
        "name": name,
        "each": each,
        "together": together,
        "most": settings.ATTACHMENTS_MAX,
        "pixels": settings.ATTACHMENT_MAX_MEGAPIXELS,
    }


def _line(text: str) -> str:
    if not cleaning.is_one_line(text):
        raise ValidationError(_("Write this on one line, without line breaks."), code="line_break")
    return cleaning.line(text)
