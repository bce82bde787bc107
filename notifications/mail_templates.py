"""Fills a mail's three parts, subject, plain text and MJML, with the facts of one message.

The product's own texts are folders in templates/emails/ with subject.txt, body.txt and body.mjml. The same three with a
locale in the name (subject.es.txt, body.es.txt, body.es.mjml) are the translation; a shop's own texts are versions in
the database (mail_versions.py). MJML is compiled first, once for each version, its inline styles put into the elements,
and the result is an ordinary Django template: {{ }} and {% %} work in it, between elements too.

A fact of the desk (kb.facts) stands in a template as in an article: {{fact:answer-time}}. A mail is not sent with a
hole in it, so a template that must also work in a shop without the fact asks first: {% if fact:answer-time %}.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.template import Engine, Template, TemplateSyntaxError
from django.urls import reverse
from django.utils import timezone, translation

from core import clock, languages
from kb.facts import Place
from notifications import mail_compiler, mail_days, mail_fixed, mail_forms, mail_look
from notifications.mail_fact_tags import for_people, key_of, keys_in, keys_read, variable_of, with_facts, words_in
from notifications.mail_forms import Form
from notifications.providers.base import Shape

DEFAULT_LOCALE = "en"  # the language of the unmarked files
FOLDER = Path(settings.BASE_DIR) / "templates" / "emails"
REQUIRED = frozenset(
    {"shop_name", "order_number", "promised_by", "order_url", "contact_url", "unsubscribe_url", "handed_over"}
)
OPTIONAL: dict[str, Any] = {
    "customer_first_name": "",
    "preferences_url": "",
    "items": (),
    "placed_on": None,
    "expected_by": None,
    "expected_by_carrier": False,
    "why": "",
    "next_update_by": None,
    "carrier": "",
    "tracking_no": "",
    "tracking_url": "",
    "last_event_text": "",
    "last_event_at": None,
    "last_event_on": None,
    "silent_days": None,
    "pickup_place": "",
    "delivered_on": None,
    "told_on": None,
    "told_day": None,
    "parcel_data": "",
    "brand": None,
    "facts": None,
}

# What is the same in most mails of a day with one look in one language.
_SHARED = (
    *("shop_name", "contact_url", "today", "promised_by", "days_late", "handed_over"),
    *("accent", "accent_on_dark", "on_accent_on_dark", "band_on_dark"),
    *("logo_url", "logo_width", "logo_height", "logo_plate", "direction", "start", "end", "side_padding"),
)
_PARTS = ("subject.txt", "body.txt", "body.mjml")
_INCLUDE = re.compile(r'<mj-include path="([a-z_.-]+)" />')
_NAME = re.compile(r"(?:[^\W\d_]|[ '’-]|\.(?= |$)){1,40}")  # letters; nothing that a mailbox could make a link of
_LONGEST_SUBJECT = 200
_LONGEST_FACT = 300
_NO_VALUE = "[[no value for "
_MISSING = _NO_VALUE + "%s]]"

# What facts of these keys say in a language, by key: kb.facts.values.
Facts = Callable[[Collection[str], str], Mapping[str, str]]


class MailTemplateError(Exception):
    """A mail could not be made. Names the template, its file and what to do; other templates are not affected."""


@dataclass(frozen=True)
class Rendered:
    """A mail's three parts, and the locale whose files they came from.

    `shape` is what text and HTML share with the other mails of their template, `slots` what they do not.
    """

    subject: str
    text: str
    html: str
    locale: str
    shape: Shape | None = None
    slots: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Parts:
    """A mail's three parts, ready to be filled. `keys` are the facts of the desk that they hold, `reads` every word in
    their tags, each variable among them; `names` is what to call each part where it cannot be filled.
    """

    subject: Template
    text: Template
    html: Template
    keys: frozenset[str]
    reads: frozenset[str]
    names: tuple[str, str, str]


def render(name: str, locale: str, context: Mapping[str, Any]) -> Rendered:
    """The product's own text of the mail `name` in `locale` (as "es" or "es-MX") or the nearest that there is.

    Raises MailTemplateError as fill() does, and for an unknown template or a missing file.
    """
    suffix = _suffix_for(name, locale)
    if missing := sorted(REQUIRED - context.keys()):
        raise MailTemplateError(f"The mail {name} cannot be made without {', '.join(missing)}. Give it to render().")
    return fill(_parts_of_files(name, suffix), suffix.strip(".") or DEFAULT_LOCALE, context)


def fill(parts: Parts, language: str, context: Mapping[str, Any]) -> Rendered:
    """A mail of these parts in `language`.

    `context` holds REQUIRED and may hold OPTIONAL: promised_by is a date or None, last_event_at an aware datetime,
    shown in the shop's time zone, brand a core.brand_look.Look (else it is the settings' own), facts a Facts (else
    there are none). Raises MailTemplateError for a part that names what no mail has, or a fact that says nothing.
    """
    with speaking(language):
        facts = _facts(context)
        desk: Facts | None = context.get("facts")
        said = desk(sorted(parts.keys), language) if desk is not None and parts.keys else {}
        facts["facts"] = {variable_of(key): text for key, text in said.items()}
        shared = tuple([(name, facts[name]) for name in _SHARED])
        forms = _forms(parts, shared, language)
        subject, _ = _fill(parts.names[0], forms.subject, facts)
        text, in_text = _fill(parts.names[1], forms.text, facts)
        facts["subject"] = subject = " ".join(subject.split())[:_LONGEST_SUBJECT]
        html, in_html = _fill(parts.names[2], forms.html, facts)
    shape = forms.shape
    is_of_shape = mail_forms.whole(shape.text, in_text) == (text := text.strip() + "\n")
    return Rendered(subject, text, html, language, shape if is_of_shape else None, (*in_text, *in_html))


@contextlib.contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within the block mails in `language` are made, in the shop's time zone. Who makes many at once says so once."""
    zone = ZoneInfo(settings.SHOP_TIME_ZONE)
    if translation.get_language() == language and timezone.get_current_timezone() is zone:
        yield
    else:
        with translation.override(language), timezone.override(zone):
            yield


@dataclass(frozen=True)
class _Forms:
    """A mail's parts in pieces, with what most mails of a day share filled in."""

    subject: Form
    text: Form
    html: Form
    shape: Shape


@functools.lru_cache(maxsize=64)
def _forms(parts: Parts, shared: tuple[tuple[str, Any], ...], language: str) -> _Forms:
    subject, text, html = (
        mail_forms.of(mail_fixed.filled(part, shared, is_html=part is parts.html), is_html=part is parts.html)
        for part in (parts.subject, parts.text, parts.html)
    )
    return _Forms(subject, text, html, _shape(text, html))


def _shape(text: Form, html: Form) -> Shape:
    """The texts that all mails of these forms share; the plain text is stripped, and ends with its line."""
    first, *others = text.texts
    texts = [first.lstrip(), *others]
    texts[-1] = texts[-1].rstrip() + "\n"
    return Shape(tuple(texts), html.texts)


def shipped(name: str, locale: str) -> tuple[str, str, str] | None:
    """The product's own subject, text and MJML in exactly this locale, as written; None where there is none."""
    suffix = "" if locale == DEFAULT_LOCALE else f".{locale}"
    files = [FOLDER / name / _marked(part, suffix) for part in _PARTS]
    if not all(file.is_file() for file in files):
        return None
    subject, text, mjml = (file.read_text(encoding="utf-8") for file in files)
    return subject.strip(), text, mjml


def compiled(mjml: str) -> str:
    """The MJML as a Django template of HTML, its includes opened. Raises TemplateSyntaxError or FileNotFoundError."""
    return mail_compiler.html_of(with_includes(with_facts(mjml)))


def parts_of(subject: str, text: str, html: str, *, called: str) -> Parts:
    """Parts from a subject, a text and what compiled() made. Raises TemplateSyntaxError."""
    return Parts(
        _template(with_facts(subject)),
        _template(with_facts(text)),
        _template(html),
        frozenset(keys_in(subject) | keys_in(text) | keys_read(html)),
        words_in(subject, text, html),
        (f"The subject of {called}", f"The plain text of {called}", f"The MJML of {called}"),
    )


def unsubscribe_headers(url: str) -> dict[str, str]:
    """The two headers of RFC 8058 that let a mailbox show its own unsubscribe button. The URL must take a POST."""
    if not re.fullmatch(r"https?://[!-~]+", url) or "<" in url or ">" in url:
        raise ValueError(f"{url!r} cannot stand in a List-Unsubscribe header")
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def places_of_facts() -> Iterator[Place]:
    """Each file of a template that holds facts, with the lines that do; in the languages of this shop."""
    served = {code for code, _name in settings.LANGUAGES}
    for path in sorted(FOLDER.glob("*/*.*")):
        if path.parent.name.startswith("_") or not (keys := keys_in(source := path.read_text(encoding="utf-8"))):
            continue
        locale = path.name.split(".")[1] if path.name.count(".") == 2 else DEFAULT_LOCALE
        if locale in served and keys:
            lines = tuple(for_people(line) for line in source.splitlines() if keys_in(line))
            yield Place(f"{path.parent.name}/{path.name}", reverse("desk:messages"), locale, lines)


def _suffix_for(name: str, locale: str) -> str:
    """What stands before the file type: ".es", or nothing for the unmarked files."""
    folder = FOLDER / name
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not folder.is_dir():
        raise MailTemplateError(f"There is no mail template {name!r}. Make the folder templates/emails/{name}.")
    language = languages.nearest(locale) or settings.LANGUAGE_CODE
    # Any of the three makes it a translation; a half-made one is an error below, not a mail in two languages.
    suffix = f".{language}"
    return suffix if any((folder / _marked(part, suffix)).exists() for part in _PARTS) else ""


def _marked(part: str, suffix: str) -> str:
    stem, kind = part.split(".")
    return f"{stem}{suffix}.{kind}"


def _parts_of_files(name: str, suffix: str) -> Parts:
    templates: list[Template] = []
    keys: set[str] = set()
    names: list[str] = []
    for part in _PARTS:
        path = f"templates/emails/{name}/{_marked(part, suffix)}"
        try:
            source = (FOLDER / name / _marked(part, suffix)).read_text(encoding="utf-8")
            templates.append(_template(compiled(source) if part.endswith(".mjml") else with_facts(source)))
        except FileNotFoundError as error:
            missing = Path(error.filename).relative_to(settings.BASE_DIR)
            raise MailTemplateError(f"{path} cannot be made: {missing} is not there. Write it.") from error
        except (TemplateSyntaxError, UnicodeDecodeError, OSError) as error:
            raise MailTemplateError(f"{path} cannot be read: {error}") from error
        keys |= keys_in(source)
        names.append(path)
    subject, text, html = templates
    return Parts(subject, text, html, frozenset(keys), frozenset(), (names[0], names[1], names[2]))


def _facts(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context as templates see it: complete, each text one line, with the brand's colours and today's date."""
    facts = {**OPTIONAL, **context}
    for key, value in context.items():
        if isinstance(value, str) and value and not _is_whole(key):
            facts[key] = _one_line(value)
    facts["items"] = [_one_line(item) for item in facts["items"]]
    if not _NAME.fullmatch(facts["customer_first_name"] or ""):
        facts["customer_first_name"] = ""
    if "today" not in facts:
        facts["today"] = timezone.localtime(clock.now()).date()
    promised: date | None = facts["promised_by"]
    if isinstance(promised, datetime) or not isinstance(promised, date | None):
        raise MailTemplateError(f"A mail needs promised_by as a date, not {type(promised).__name__}.")
    if "days_late" not in facts:
        facts["days_late"] = max(0, (facts["today"] - promised).days) if promised else 0
    try:
        return facts | mail_look.of(facts["brand"])
    except ImproperlyConfigured as error:
        raise MailTemplateError(str(error)) from error


@functools.cache
def _is_whole(key: str) -> bool:
    """Addresses, and JSON that is escaped for where it stands."""
    return key.endswith("_url") or key == "parcel_data"


def _one_line(value: Any) -> Any:
    return " ".join(value.split())[:_LONGEST_FACT] if isinstance(value, str) else value


def _fill(called: str, form: Form, facts: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    """A part of a mail, and what stands in its slots."""
    filled = form.filled(facts)
    result = mail_forms.whole(form.texts, filled)
    if _NO_VALUE in result and (unresolved := re.search(r"\[\[no value for (.{0,80}?)\]\]", result)):
        if (unknown := unresolved[1]).startswith("facts."):
            key = key_of(unknown.removeprefix("facts."))
            raise MailTemplateError(f"{called} holds the fact {key}, which says nothing. Write it on the desk (Facts).")
        raise MailTemplateError(f"{called} uses {unknown}, which no mail has. Correct the name.")
    return result, filled


def includes() -> set[str]:
    """What <mj-include path="…" /> can name."""
    return {path.name for path in (FOLDER / "_partials").glob("*.mjml")}


def with_includes(source: str) -> str:
    """The MJML with its includes opened. Raises FileNotFoundError for one that is not there."""
    # Not mrml's own include: it forgets the width of the body around an included section.
    return _INCLUDE.sub(lambda match: (FOLDER / "_partials" / match[1]).read_text(encoding="utf-8"), source)


@functools.lru_cache(maxsize=256)
def _template(source: str) -> Template:
    return Template(source, engine=_engine())


@functools.cache
def _engine() -> Engine:
    return Engine(string_if_invalid=_MISSING, builtins=[mail_days.__name__])
