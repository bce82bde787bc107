"""Turns a mail's template and its facts into subject, plain text and HTML.

A template is a folder in templates/emails/ with subject.txt, body.txt and body.mjml. The same three with a locale in
the name (subject.es.txt, body.es.txt, body.es.mjml) are its translation; a locale without any of them gets its
language's, then the unmarked ones. MJML is compiled first, once for each version of its text, and the result is an
ordinary Django template: {{ }} and {% %} work in it as long as a condition stands inside an element or an <mj-raw>.
"""

from __future__ import annotations

import colorsys
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import mrml
from django.conf import settings
from django.template import Context, Engine, Template, TemplateSyntaxError
from django.utils import timezone, translation

from core import clock

DEFAULT_LOCALE = "en"  # the language of the unmarked files
FOLDER = Path(settings.BASE_DIR) / "templates" / "emails"
REQUIRED = frozenset(
    {"shop_name", "order_number", "promised_by", "order_url", "contact_url", "unsubscribe_url", "handed_over"}
)
OPTIONAL = {"customer_first_name": "", "preferences_url": "", "last_event_text": "", "last_event_at": None}

_PARTS = ("subject.txt", "body.txt", "body.mjml")
_INCLUDE = re.compile(r'<mj-include path="([a-z_.]+)" />')
_NAME = re.compile(r"(?:[^\W\d_]|[ '’-]|\.(?= |$)){1,40}")  # letters; nothing that a mailbox could make a link of
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LONGEST_SUBJECT = 200
_LONGEST_FACT = 300
_MISSING = "[[no value for %s]]"


class MailTemplateError(Exception):
    """A mail could not be made. Names the template, its file and what to do; other templates are not affected."""


@dataclass(frozen=True)
class Rendered:
    """A mail's three parts, and the locale whose files they came from."""

    subject: str
    text: str
    html: str
    locale: str


def render(name: str, locale: str, context: Mapping[str, Any]) -> Rendered:
    """The mail `name` in `locale` (as "es" or "es-MX") or the nearest that there is.

    `context` holds REQUIRED and may hold OPTIONAL: promised_by is a date, last_event_at an aware datetime, shown in
    the shop's time zone. Raises MailTemplateError for an unknown template, a missing file or a missing fact.
    """
    suffix = _suffix_for(name, locale)
    language = suffix.strip(".") or DEFAULT_LOCALE
    with translation.override(language), timezone.override(ZoneInfo(settings.SHOP_TIME_ZONE)):
        facts = _facts(name, context)
        subject = " ".join(_fill(name, f"subject{suffix}.txt", facts).split())[:_LONGEST_SUBJECT]
        text = _fill(name, f"body{suffix}.txt", facts)
        html = _fill(name, f"body{suffix}.mjml", {**facts, "subject": subject})
    return Rendered(subject=subject, text=text.strip() + "\n", html=html, locale=language)


def unsubscribe_headers(url: str) -> dict[str, str]:
    """The two headers of RFC 8058 that let a mailbox show its own unsubscribe button. The URL must take a POST."""
    if not re.fullmatch(r"https?://[!-~]+", url) or "<" in url or ">" in url:
        raise ValueError(f"{url!r} cannot stand in a List-Unsubscribe header")
    return {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _suffix_for(name: str, locale: str) -> str:
    """What stands before the file type: ".es", or nothing for the unmarked files."""
    folder = FOLDER / name
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not folder.is_dir():
        raise MailTemplateError(f"There is no mail template {name!r}. Make the folder templates/emails/{name}.")
    wanted = locale.lower().replace("_", "-")
    for candidate in (wanted, wanted.partition("-")[0]):
        # Any of the three makes it a translation; a half-made one is an error below, not a mail in two languages.
        if re.fullmatch(r"[a-z0-9-]+", candidate) and any(
            (folder / _marked(part, candidate)).exists() for part in _PARTS
        ):
            return f".{candidate}"
    return ""


def _marked(part: str, locale: str) -> str:
    stem, kind = part.split(".")
    return f"{stem}.{locale}.{kind}"


def _facts(name: str, context: Mapping[str, Any]) -> dict[str, Any]:
    """The context as templates see it: complete, each text one line, with the brand's colours and today's date."""
    if missing := sorted(REQUIRED - context.keys()):
        raise MailTemplateError(f"The mail {name} cannot be made without {', '.join(missing)}. Give it to render().")
    facts = {key: value if key.endswith("_url") else _one_line(value) for key, value in {**OPTIONAL, **context}.items()}
    if not _NAME.fullmatch(facts["customer_first_name"] or ""):
        facts["customer_first_name"] = ""
    today = timezone.localtime(clock.now()).date()
    promised: date = facts["promised_by"]
    if isinstance(promised, datetime) or not isinstance(promised, date):
        raise MailTemplateError(f"The mail {name} needs promised_by as a date, not {type(promised).__name__}.")
    accent = settings.SHOP_ACCENT
    if not _COLOUR.fullmatch(accent):
        raise MailTemplateError(f"SHOP_ACCENT={accent!r} is not a colour. Write it as #1d5c42.")
    return {
        **facts,
        "today": today,
        "days_late": max(0, (today - promised).days),
        "accent": accent,
        "accent_on_dark": _lighter(accent),
    }


def _one_line(value: Any) -> Any:
    return " ".join(value.split())[:_LONGEST_FACT] if isinstance(value, str) else value


def _lighter(colour: str) -> str:
    """The colour's hue, light enough to be read on a dark ground."""
    hue, _, saturation = colorsys.rgb_to_hls(*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)))
    return "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, 0.68, saturation * 0.85))


def _fill(name: str, file: str, facts: dict[str, Any]) -> str:
    path = f"templates/emails/{name}/{file}"
    try:
        source = (FOLDER / name / file).read_text(encoding="utf-8")
        template = _compiled(_with_includes(source)) if file.endswith(".mjml") else _plain(source)
    except FileNotFoundError as error:
        missing = Path(error.filename).relative_to(settings.BASE_DIR)
        raise MailTemplateError(f"{path} cannot be made: {missing} is not there. Write it.") from error
    except (TemplateSyntaxError, UnicodeDecodeError, OSError) as error:
        raise MailTemplateError(f"{path} cannot be read: {error}") from error
    result: str = template.render(Context(facts, autoescape=file.endswith(".mjml")))
    if unresolved := re.search(r"\[\[no value for (.{0,80}?)\]\]", result):
        raise MailTemplateError(f"{path} uses {unresolved[1]}, which no mail has. Correct the name.")
    return result


def _with_includes(source: str) -> str:
    # Not mrml's own include: it forgets the width of the body around an included section.
    return _INCLUDE.sub(lambda match: (FOLDER / "_partials" / match[1]).read_text(encoding="utf-8"), source)


@functools.lru_cache(maxsize=64)
def _compiled(source: str) -> Template:
    """The HTML template of an MJML text. Keyed by the text itself, so that an edited file is a new version."""
    try:
        # No web fonts: a mail loads nothing from anywhere.
        output = mrml.to_html(source, None, mrml.RenderOptions(disable_comments=True, fonts={}))
    except OSError as error:  # what mrml raises
        raise TemplateSyntaxError(f"bad MJML: {error}") from error
    if output.warnings:
        raise TemplateSyntaxError(f"bad MJML: {', '.join(warning.kind for warning in output.warnings)}")
    return Template(output.content, engine=_engine())


@functools.lru_cache(maxsize=64)
def _plain(source: str) -> Template:
    return Template(source, engine=_engine())


@functools.cache
def _engine() -> Engine:
    return Engine(string_if_invalid=_MISSING)
