"""The desk's form of the shop's name and look: what is typed into a core.brand.Draft, or what is wrong and where."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import EmailValidator
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import brand, brand_colours, brand_images, contrast
from core.brand import Draft
from core.brand_look import Link

_LONGEST_LABEL, _LONGEST_URL = 40, 300
_JOINERS = "\u200c\u200d\u200e\u200f"  # within Persian and Arabic words, and beside them
_NOT_IN_A_NAME = re.compile(r'[<>"]')


LABELS = {  # of what a row of core.models.Brand says, for the list of changes
    "name": gettext_lazy("Shop name"), "mail_sender": gettext_lazy("Sender of e-mails"),
    "accent": gettext_lazy("Accent colour"), "hero": gettext_lazy("Colour of the band"),
    "logo": gettext_lazy("Logo"), "logo_dark": gettext_lazy("Logo for dark grounds"),
    "support_email": gettext_lazy("E-mail address of your team"), "support_hours": gettext_lazy("When you answer"),
    "links": gettext_lazy("Links in the footer"),
}  # fmt: skip


class _Line(forms.CharField):
    """One line of text; what no keyboard types (control characters, marks that turn the direction) is refused."""

    def to_python(self, value: Any) -> str:
        text = " ".join(str(super().to_python(value) or "").split())
        if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co") and char not in _JOINERS for char in text):
            raise ValidationError(
                _("There is a character in this that cannot be seen. Type it anew instead of pasting it.")
            )
        return text


class _Colour(_Line):
    def to_python(self, value: Any) -> str:
        text = super().to_python(value)
        if text and (colour := contrast.parse(text)) is None:
            raise ValidationError(
                _("“%(text)s” is not a colour. Write # and six digits, 0 to 9 and a to f, such as #1d5c42.")
                % {"text": text[:30] + ("…" if len(text) > 30 else "")}
            )
        return colour if text and colour else ""


class BrandForm(forms.Form):
    name = _Line(
        label=gettext_lazy("Shop name"),
        max_length=60,
        help_text=gettext_lazy("In the header, in the browser's tab, and at the end of every e-mail."),
    )
    accent = _Colour(
        label=gettext_lazy("Accent colour"),
        help_text=gettext_lazy("Links, buttons and marks. The dark scheme gets a lighter tone of it by itself."),
    )
    hero = _Colour(
        label=gettext_lazy("Colour of the band"),
        required=False,
        help_text=gettext_lazy("On top of the home page. Leave it empty for a darker tone of the accent."),
    )
    logo = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        help_text=gettext_lazy("PNG, JPEG or WebP, up to 1 MB. Best with a transparent ground."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    logo_dark = forms.FileField(
        label=gettext_lazy("Logo for dark grounds"),
        required=False,
        help_text=gettext_lazy(
            "Shown in the dark scheme and on a dark band. Without it, the logo stands on a light plate."
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    # A file field cannot be filled in again: what was uploaded before a mistake elsewhere goes along by its digest.
    logo_kept = forms.CharField(required=False, widget=forms.HiddenInput)
    logo_dark_kept = forms.CharField(required=False, widget=forms.HiddenInput)
    logo_remove = forms.BooleanField(required=False, label=gettext_lazy("Take the logo away"))
    logo_dark_remove = forms.BooleanField(required=False, label=gettext_lazy("Take this logo away"))
    support_email = _Line(
        label=gettext_lazy("E-mail address of your team"),
        required=False,
        max_length=254,
        help_text=gettext_lazy("In the footer, for people who would rather use their own mail program."),
    )
    support_hours = _Line(
        label=gettext_lazy("When you answer"),
        required=False,
        max_length=120,
        help_text=gettext_lazy("One line beside “Contact us”, such as “Monday to Friday, 9 to 17”."),
    )
    mail_sender = _Line(
        label=gettext_lazy("Sender of e-mails"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("The name that a mailbox shows. Leave it empty for the shop name."),
    )
    after = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    given = Draft()  # what an unbound form was filled with

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for number in range(1, brand.MOST_LINKS + 1):
            about = {"number": number}
            self.fields[f"label_{number}"] = _Line(
                label=_("Text of link %(number)s") % about, required=False, max_length=_LONGEST_LABEL
            )
            self.fields[f"url_{number}"] = _Line(
                label=_("Address of link %(number)s") % about, required=False, max_length=_LONGEST_URL
            )
            self.fields[f"url_{number}"].widget.attrs["placeholder"] = "https://"

    @classmethod
    def filled(cls, draft: Draft, *, after: int) -> BrandForm:
        """The form as `draft` says it, with the settings where it says nothing."""
        look = brand.look_of(draft)
        initial: dict[str, Any] = {
            **{key: getattr(draft, key) for key in ("hero", "support_email", "support_hours", "mail_sender")},
            "name": look.name,
            "accent": look.accent,
            "logo_kept": draft.logo,
            "logo_dark_kept": draft.logo_dark,
            "after": after,
        }
        for number, link in enumerate(draft.links, start=1):
            initial |= {f"label_{number}": link.label, f"url_{number}": link.url}
        form = cls(initial=initial)
        form.given = draft
        return form

    @property
    def links(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        return [(self[f"label_{number}"], self[f"url_{number}"]) for number in range(1, brand.MOST_LINKS + 1)]

    def clean_accent(self) -> str:
        accent: str = self.cleaned_data["accent"]
        verdict = brand_colours.judge_accent(accent)
        if not verdict.is_readable:
            raise ValidationError(
                _("%(accent)s is too pale for text: its contrast is %(ratio)s to 1, and %(least)s is the least.")
                % {"accent": accent, "ratio": f"{verdict.ratio:.1f}", "least": contrast.TEXT}
            )
        return accent

    def clean_support_email(self) -> str:
        address: str = self.cleaned_data["support_email"]
        if address:
            EmailValidator(_("Write it as help@shop.example, or leave it empty."))(address)
        return address

    def clean_mail_sender(self) -> str:
        sender: str = self.cleaned_data["mail_sender"]
        if _NOT_IN_A_NAME.search(sender):
            raise ValidationError(_('Leave out <, > and ": the name stands before an e-mail address.'))
        return sender

    def clean_logo(self) -> str:
        return self._digest("logo")

    def clean_logo_dark(self) -> str:
        return self._digest("logo_dark")

    def clean(self) -> dict[str, Any]:
        super().clean()
        self.found_links: list[Link] = []
        for label, url in self.links:
            text, address = self.cleaned_data.get(label.name, ""), self.cleaned_data.get(url.name, "")
            if label.name in self.errors or url.name in self.errors or not (text or address):
                continue
            if not text:
                self.add_error(label.name, _("What should the link say?"))
            elif complaint := _complaint_about(address):
                self.add_error(url.name, complaint)
            else:
                self.found_links.append(Link(text, address))
        return self.cleaned_data

    def draft(self) -> Draft:
        """What a valid form says; what equals the settings is left to them."""
        said = self.cleaned_data
        default = brand.default()
        is_default_accent = said["accent"] == default.accent
        hero = said["hero"]
        return Draft(
            name="" if said["name"] == settings.SHOP_NAME else said["name"],
            mail_sender=said["mail_sender"],
            accent="" if is_default_accent else said["accent"],
            hero="" if hero == brand.default_hero(said["accent"]) else hero,
            logo=said["logo"],
            logo_dark=said["logo_dark"],
            support_email=said["support_email"],
            support_hours=said["support_hours"],
            links=tuple(self.found_links),
        )

    def so_far(self) -> Draft:
        """What can be shown of a form that is still being filled in: the last good value of everything else."""
        if not self.is_valid() and not self.is_bound:
            return self.given
        said = {name: value for name, value in self.cleaned_data.items() if name not in self.errors}
        typed = contrast.parse(self.data.get("accent", ""))
        accent = brand_colours.judge_accent(typed).better or typed if typed else brand.current().accent
        return Draft(
            name=said.get("name", ""),
            accent=accent,
            hero=said.get("hero", ""),
            logo=said.get("logo") or brand.known_image(self.data.get("logo_kept", "")),
            logo_dark=said.get("logo_dark") or brand.known_image(self.data.get("logo_dark_kept", "")),
            support_email=said.get("support_email", ""),
            support_hours=said.get("support_hours", ""),
            links=tuple(getattr(self, "found_links", ())),
        )

    def _digest(self, name: str) -> str:
        """Of the logo that is given now, else of the one from before, else ""."""
        given: UploadedFile[Any] | None = self.cleaned_data.get(name)
        if given:
            try:
                kept = brand.keep_image(brand_images.make(given, size=given.size or 0)).pk
            except brand_images.Refused as refused:
                raise ValidationError(str(refused)) from refused
            self.data = changed(self.data, **{f"{name}_kept": kept})  # should the form come back
            return kept
        if self.data.get(f"{name}_remove"):
            return ""
        return brand.known_image(self.data.get(f"{name}_kept", ""))


def _complaint_about(address: str) -> str:
    try:
        parts = urlsplit(address)
        is_good = parts.scheme == "https" and "." in (parts.hostname or "") and parts.username is None
    except ValueError:
        is_good = False
    if is_good and not re.search(r"[\s\\\"<>]", address):
        return ""
    return _("Write the whole address, beginning with https://, such as https://shop.example/returns.")


def changed(data: Any, **fields: str) -> QueryDict:
    """What was sent, with some fields otherwise."""
    copied: QueryDict = data.copy()
    for name, value in fields.items():
        copied[name] = value
    return copied
