"""What each mail says in each language: the version in use, drafts, publishing, going back.

The product's own texts become versions as they are first used, and stay in use until somebody publishes another; a
newer product brings newer ones for those that nobody has changed.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Max, QuerySet
from django.template import TemplateSyntaxError

from core import audit, clock, languages
from notifications import locks, mail_checks, mail_templates
from notifications.mail_checks import Finding
from notifications.mail_templates import MailTemplateError, Parts
from notifications.models import MailDraft, MailVersion

_TRIES = 5


class Unpublishable(Exception):
    """The text has errors: `findings` says which, where, and what to do."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(f"{one.part} line {one.line}: {one.problem}" for one in findings))
        self.findings = findings


class Overtaken(Exception):
    """Somebody else saved meanwhile: `theirs` is what stands there now."""

    def __init__(self, theirs: Text) -> None:
        super().__init__("somebody else saved meanwhile")
        self.theirs = theirs


@dataclass(frozen=True)
class Text:
    """A mail's text as it is written."""

    subject: str
    text: str
    mjml: str

    @property
    def digest(self) -> str:
        return _digest(self.subject, self.text, self.mjml)


@dataclass(frozen=True)
class Standing:
    """How a mail stands in one language. `live` is None where another language's text is sent in its place."""

    locale: str
    live: MailVersion | None
    draft: MailDraft | None
    is_newer_shipped: bool  # the product has a newer text than the one that the shop's own was made from


def in_use(template: str, locale: str) -> MailVersion:
    """The version that customers of this locale get: of the nearest language, else of the default one, else English.

    Raises MailTemplateError where there is none. Made of the product's own file where that is new.
    """
    chain = list(dict.fromkeys([languages.nearest(locale) or settings.LANGUAGE_CODE, settings.LANGUAGE_CODE, "en"]))
    newest = {one.locale: one for one in _newest(template, chain)}
    for language in chain:
        if (found := _with_shipped(template, language, newest.get(language))) is not None:
            return found
    raise MailTemplateError(f"There is no mail {template!r}. Choose one of those under Templates.")


def whole(template: str, locale: str) -> MailVersion:
    """in_use() with all its parts, to be read by people."""
    return MailVersion.objects.get(pk=in_use(template, locale).pk)


def parts(version: MailVersion) -> Parts:
    """A version ready to be filled; read from the database once in a process."""
    return _parts(version.pk, version.digest)


def text_of(row: MailVersion | MailDraft) -> Text:
    return Text(row.subject, row.text, row.mjml)


def standings(template: str) -> list[Standing]:
    """One for each language of this shop, the default one first."""
    served = languages.served()
    newest = {one.locale: one for one in _newest(template, served)}
    drafts = {one.locale: one for one in MailDraft.objects.filter(template=template).select_related("saved_by")}
    rows = []
    for locale in served:
        live = _with_shipped(template, locale, newest.get(locale))
        rows.append(Standing(locale, live, drafts.get(locale), _is_newer_shipped(live)))
    return rows


def history(template: str, locale: str) -> QuerySet[MailVersion]:
    """Every version, the one in use first."""
    return MailVersion.objects.filter(template=template, locale=locale).select_related("made_by").defer("html")


def draft_of(template: str, locale: str) -> MailDraft | None:
    return MailDraft.objects.filter(template=template, locale=locale).select_related("saved_by").first()


def save_draft(template: str, locale: str, text: Text, *, seen: str, by: User, now: datetime) -> MailDraft:
    """Keep what somebody has written, right or wrong. `seen` is the digest of the text that they began with.

    Raises Overtaken where another text stands there now.
    """
    with transaction.atomic():
        _lock(template, locale)
        there = MailDraft.objects.filter(template=template, locale=locale).first()
        live = MailVersion.objects.filter(template=template, locale=locale).first()
        begun = there or live
        if begun is not None and seen and seen != text_of(begun).digest and text_of(begun) != text:
            raise Overtaken(text_of(begun))
        draft, _made = MailDraft.objects.update_or_create(
            template=template,
            locale=locale,
            defaults={
                "subject": text.subject, "text": text.text, "mjml": text.mjml, "saved_at": now, "saved_by": by,
            },
        )  # fmt: skip
        audit.record(by, "mail_template.draft_saved", draft, label=f"{template} ({locale})")
    return draft


def discard_draft(template: str, locale: str, *, by: User) -> bool:
    """Throw away what is being written; what customers get stays as it is. False where there was none."""
    with transaction.atomic():
        draft = MailDraft.objects.select_for_update().filter(template=template, locale=locale).first()
        if draft is None:
            return False
        audit.record(by, "mail_template.draft_discarded", draft, label=f"{template} ({locale})")
        draft.delete()
    return True


def publish(template: str, locale: str, *, by: User, note: str, now: datetime) -> MailVersion:
    """Make the draft the text that customers get. Raises Unpublishable, or ValueError where there is no draft."""
    with transaction.atomic():
        _lock(template, locale)
        draft = MailDraft.objects.filter(template=template, locale=locale).first()
        if draft is None:
            raise ValueError(f"{template} ({locale}) has no draft")
        text = text_of(draft)
        errors = [one for one in mail_checks.check(text.subject, text.text, text.mjml, template=template, locale=locale)
                  if one.is_error]  # fmt: skip
        if errors:
            raise Unpublishable(errors)
        version = _add(template, locale, text, by=by, note=note, now=now)
        draft.delete()
        audit.record(by, "mail_template.published", version, label=str(version), note=note)
    return version


def restore(version: MailVersion, *, by: User, now: datetime) -> MailVersion:
    """Make an earlier text the one that customers get, as a version of its own. Raises Unpublishable."""
    text = text_of(version)
    with transaction.atomic():
        _lock(version.template, version.locale)
        found = mail_checks.check(*_three(text), template=version.template, locale=version.locale)
        if errors := [one for one in found if one.is_error]:
            raise Unpublishable(errors)
        again = _add(version.template, version.locale, text, by=by, note=f"As version {version.number}", now=now)
        audit.record(by, "mail_template.restored", again, label=str(again), number=version.number)
    return again


def _three(text: Text) -> tuple[str, str, str]:
    return text.subject, text.text, text.mjml


def _newest(template: str, locales: list[str]) -> QuerySet[MailVersion]:
    found = MailVersion.objects.filter(template=template, locale__in=locales)
    return (
        found.order_by("locale", "-number").distinct("locale").defer("text", "mjml", "html").select_related("made_by")
    )


def _with_shipped(template: str, locale: str, newest: MailVersion | None) -> MailVersion | None:
    """`newest`, or the product's own text where that is newer and nobody has written another."""
    if newest is not None and not newest.is_shipped:
        return newest
    file = _shipped(template, locale)
    if file is None or (newest is not None and newest.digest == file.digest):
        return newest
    return _take_in(template, locale, file)


@dataclass(frozen=True)
class _File:
    text: Text
    html: str
    digest: str


def _shipped(template: str, locale: str) -> _File | None:
    """The product's own text, compiled; None where there is none. Files do not change under a running process."""
    return _shipped_of(str(mail_templates.FOLDER), template, locale)


@functools.lru_cache(maxsize=256)
def _shipped_of(_folder: str, template: str, locale: str) -> _File | None:
    try:
        written = mail_templates.shipped(template, locale)
        if written is None:
            return None
        html = mail_templates.compiled(written[2])
    except (TemplateSyntaxError, FileNotFoundError, UnicodeDecodeError) as error:
        raise MailTemplateError(f"templates/emails/{template} ({locale}) cannot be read: {error}") from error
    return _File(Text(*written), html, _digest(written[0], written[1], html))


def _take_in(template: str, locale: str, file: _File) -> MailVersion:
    known = MailVersion.objects.filter(template=template, locale=locale, is_shipped=True, digest=file.digest)
    for _ in range(_TRIES):
        if (found := known.first()) is not None:
            return found
        try:
            with transaction.atomic():
                return _write(template, locale, file.text, file.html, by=None, note="", now=clock.now(), shipped=True)
        except IntegrityError:
            continue  # another process took it, or the number, in this moment
    raise MailTemplateError(
        f"The text of {template} ({locale}) could not be stored: other processes store it. Try again."
    )


def _is_newer_shipped(live: MailVersion | None) -> bool:
    if live is None or live.is_shipped:
        return False
    file = _shipped(live.template, live.locale)
    known = MailVersion.objects.filter(template=live.template, locale=live.locale, is_shipped=True)
    return file is not None and not known.filter(digest=file.digest).exists()


def _add(template: str, locale: str, text: Text, *, by: User, note: str, now: datetime) -> MailVersion:
    html = mail_templates.compiled(text.mjml)
    return _write(template, locale, text, html, by=by, note=note, now=now, shipped=False)


def _write(
    template: str, locale: str, text: Text, html: str, *, by: User | None, note: str, now: datetime, shipped: bool
) -> MailVersion:
    last = MailVersion.objects.filter(template=template, locale=locale).aggregate(last=Max("number"))["last"] or 0
    return MailVersion.objects.create(
        template=template, locale=locale, number=last + 1, subject=text.subject, text=text.text, mjml=text.mjml,
        html=html, digest=_digest(text.subject, text.text, html), is_shipped=shipped, note=note, made_at=now,
        made_by=by,
    )  # fmt: skip


def _lock(template: str, locale: str) -> None:
    """Until the transaction ends: one at a time saves or publishes this text."""
    locks.take(f"mail_text:{template}:{locale}")


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


@functools.lru_cache(maxsize=128)
def _parts(pk: int, digest: str) -> Parts:
    row = MailVersion.objects.get(pk=pk)
    try:
        return mail_templates.parts_of(row.subject, row.text, row.html, called=str(row))
    except TemplateSyntaxError as error:
        raise MailTemplateError(f"{row} cannot be read: {error}") from error
