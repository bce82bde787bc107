"""What an incident's mail says: words with the variables of mails, checked as they are saved, put into the mail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.template import Context, Engine, Template, TemplateSyntaxError
from django.utils import translation

from core import audit, languages
from notifications import mail_kinds
from notifications.mail_promotion import advertising
from notifications.models import Incident, IncidentText

# What every order of an audience has, and nothing that is known of some only.
VARIABLES = (
    "customer_first_name", "order_number", "order_url", "contact_url", "shop_name", "promised_by", "carrier",
    "next_update_by", "today",
)  # fmt: skip
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*(?:\|\s*date\s*:\s*\"[^\"{}]*\"\s*)?\}\}")
_PARAGRAPHS = re.compile(r"\n\s*\n")


def problems(subject: str, body: str, *, locale: str) -> list[str]:
    """Why this text cannot be sent, each with what to do; empty where it can."""
    return list(_problems(subject, body, locale=locale))


def _problems(subject: str, body: str, *, locale: str) -> Iterator[str]:
    for part, source in (("subject", subject), ("text", body)):
        if not source.strip():
            yield f"The {part} is empty."
        for name in _VARIABLE.findall(source):
            if name not in VARIABLES:
                close = mail_kinds.nearest(name)
                hint = f" Did you mean {{{{ {close} }}}}?" if close in VARIABLES else ""
                yield f"{{{{ {name} }}}} in the {part} is not known of every order.{hint}"
        if re.search(r"\{\{|\}\}|\{%|%\}|\{#", _VARIABLE.sub("", source)):
            yield f"The {part} has signs like {{{{ or {{% that are no variable. Use {{{{ name }}}} only."
        if words := advertising(_VARIABLE.sub(" ", source), locale=locale):
            yield f"“{words}” in the {part} advertises something: nobody can opt out of that in news of their order."
    if "\n" in subject.strip():
        yield "The subject has more than one line."


def save(incident: Incident, locale: str, *, subject: str, body: str, by: User) -> list[str]:
    """Keep a text; what is wrong with it, and then nothing is kept. It may change while messages go out: who has one
    keeps it, and nobody gets another. An empty subject and text take the language away, while nobody is written to.
    """
    if not subject.strip() and not body.strip() and locale != settings.LANGUAGE_CODE:
        with transaction.atomic():
            IncidentText.objects.filter(incident=incident, locale=locale).delete()
        return []
    if found := problems(subject, body, locale=locale):
        return found
    with transaction.atomic():
        text, is_new = IncidentText.objects.get_or_create(
            incident=incident, locale=locale, defaults={"subject": subject.strip(), "body": body.strip()}
        )
        if not is_new and (text.subject, text.body) == (subject.strip(), body.strip()):
            return []
        text.subject, text.body = subject.strip(), body.strip()
        text.save()
        audit.record(by, "incident.text_saved", incident, locale=locale)
    return []


def missing(incident: Incident) -> str:
    """What keeps it from being confirmed: the default language, which stands in for every other."""
    if not incident.texts.filter(locale=settings.LANGUAGE_CODE).exists():
        name = dict(settings.LANGUAGES)[settings.LANGUAGE_CODE]
        return f"Write the text in {name}: it is what readers of all other languages get."
    wanted = set()
    for text in incident.texts.all():
        wanted |= set(_VARIABLE.findall(text.subject + text.body))
    if "next_update_by" in wanted and incident.next_update_at is None:
        return "The text says by when you write again; say when that is."
    return ""


def for_locale(incident: Incident, locale: str) -> IncidentText | None:
    """The text that a reader of `locale` gets."""
    texts = {one.locale: one for one in incident.texts.all()}
    return texts.get(languages.nearest(locale) or settings.LANGUAGE_CODE) or texts.get(settings.LANGUAGE_CODE)


def filled(text: IncidentText, facts: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Subject and paragraphs about one order, as plain text. Raises ValueError where a fact is missing."""
    return _fill(text.subject, text.locale, facts), [
        _fill(part.strip(), text.locale, facts) for part in _PARAGRAPHS.split(text.body) if part.strip()
    ]


def _fill(source: str, locale: str, facts: Mapping[str, Any]) -> str:
    names = {name for name in _VARIABLE.findall(source) if name in VARIABLES}
    known = {name: facts[name] for name in names}
    if gone := [name for name, value in known.items() if value in (None, "") and name != "customer_first_name"]:
        raise ValueError(f"the text says {{{{ {gone[0]} }}}}, and that is not known of this order")
    try:
        with translation.override(locale):
            return Template(source, engine=_ENGINE).render(Context(known, autoescape=False))
    except TemplateSyntaxError as error:
        raise ValueError(str(error)) from error


_ENGINE = Engine(autoescape=False)
