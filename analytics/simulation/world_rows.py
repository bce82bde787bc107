"""A world's lives as the rows that pages, imports and the sweep for late parcels would have written, many at once.

What draws conclusions (settling, roll-ups, reports) is the product's own and knows of nothing but these rows.
Contacts of the imported channels come by import_letters(): no event is written for them, as none is heard of an import
that a process lost; settling brings them in.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from analytics.simulation.bulk import ids
from analytics.simulation.world_shapes import FORM, PHONE, SUGGESTIONS, Deed, Letter, Life, Model
from analytics.simulation.world_shapes import Form as Opened
from analytics.simulation.world_shop import LOCALE, Shop
from contacts.models import Arm
from core import people
from notifications.models import Arm as MailArm
from notifications.models import Lane, MessageState

Row = tuple[Any, ...]
_EVENTS = (
    "analytics_event (kind, at, visitor, person, is_returning, article_id, revision_id, contact_id, search_id, topic,"
    " locale, data)"
)
_TIES = "analytics_identity (visitor, person, how, at)"
_VOTES = "kb_vote (revision_id, visitor, is_helpful, reason, comment, at)"
_FORMS = (
    "contacts_formvisit (id, visitor, arm, arm_reason, off_share, salt, opened_at, shown, opened, answered_by_id,"
    " answered_at, contact_id)"
)
_CONTACTS = (
    "contacts_contact (id, reference, source, external_id, visitor, person, name, email, subject, message,"
    " order_number, locale, received_at)"
)
_CODINGS = "contacts_coding (contact_id, reason_id, coder, confidence, at)"
_SEARCHES = (
    "kb_searchlog (id, at, visitor, kind, text, key, locale, categories, corrected, is_verbatim, total, shown,"
    " other_locale, engine, is_fallback, took_ms, error, ranking, reformulates_id)"
)
_CLICKS = "kb_searchclick (search_id, article_id, position, at)"
_EPISODES = "notifications_episode (id, shipment_id, kind, promised_by, opened_at, closed_at, close_reason)"
_MESSAGES = (
    "notifications_message (id, dedupe_key, rule_id, episode_id, customer_id, person, arm, lane, state, state_reason,"
    " locale, asserted, eligible_at, not_before, expires_at, sent_at, lease_epoch, attempts, provider, provider_msg_id)"
)
_TABLES = (
    "analytics_event, analytics_identity, analytics_journey, analytics_settlingmark, analytics_rollupdue,"
    " analytics_spread, analytics_readday, analytics_journeyday, analytics_journeymonth,"
    " analytics_countedmonth, analytics_shareday, analytics_contactday, analytics_searchday,"
    " contacts_contact, contacts_formvisit, kb_vote, kb_votecount, kb_searchlog, notifications_message,"
    " notifications_episode"
)
_LIVE = ("help", "search", "read", "form")


@dataclass(frozen=True)
class Held:
    """A letter of an imported channel, with its writer's address."""

    letter: Letter
    address: str


def clear() -> None:
    """Forget everything that visitors did, and nothing of the shop."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks to come cannot be emptied
        cursor.execute(f"TRUNCATE {_TABLES} CASCADE")


def look_at_tables() -> None:
    """What autovacuum does in a minute: plans made for empty tables take minutes on full ones."""
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {_TABLES}, kb_searchclick")


def write(
    model: Model, shop: Shop, lives: Sequence[Life], *, start: datetime, heard_until: datetime | None = None
) -> list[Held]:
    """Write what these people did, and what came in of their letters by `heard_until` (all of them where it is None).

    Returns the letters of imported channels that are still to come: import_letters() takes them.
    """
    rows = _Rows(model, shop, start)
    for life in lives:
        rows.tell(life)
    due: list[Held] = []
    to_come: list[Held] = []
    for held in rows.imported:
        is_due = heard_until is None or rows.when(held.letter.at) <= heard_until
        (due if is_due else to_come).append(held)
    with transaction.atomic():
        rows.copy()
        _write_messages(shop, lives, start)
        import_letters(shop, due, start=start)
    return to_come


def import_letters(shop: Shop, letters: Sequence[Held], *, start: datetime) -> None:
    """An import brings these contacts, coded."""
    numbers = ids("contacts_contact", len(letters)) if letters else iter(())
    contacts: list[Row] = []
    codings: list[Row] = []
    for number, held in zip(numbers, letters, strict=True):
        at = start + timedelta(seconds=held.letter.at)
        contacts.append(_contact(number, held.letter, held.address, at))
        codings += _codings(shop, number, held.letter, at)
    _copy(_CONTACTS, contacts)
    _copy(_CODINGS, codings)


class _Rows:
    """Lines for COPY, by table."""

    def __init__(self, model: Model, shop: Shop, start: datetime) -> None:
        self.model, self.shop, self.start = model, shop, start
        self.events: list[Row] = []
        self.ties: list[Row] = []
        self.votes: dict[tuple[int, str], Row] = {}
        self.searches: list[Row] = []
        self.clicks: list[Row] = []
        self.forms: list[Row] = []
        self.sent: list[tuple[Letter, str, Opened]] = []
        self.imported: list[Held] = []
        self.form_ids: dict[int, uuid.UUID] = {}

    def when(self, at: int) -> datetime:
        return self.start + timedelta(seconds=at)

    def tell(self, life: Life) -> None:
        ties = dict(life.ties)
        for deed in life.deeds:
            self._deed(deed)
        for form in life.forms:
            if form.letter is None:
                self._form(form, None)
            else:
                self.sent.append((form.letter, life.address, form))
                ties[form.device] = min(form.letter.at, ties.get(form.device, form.letter.at))
        person = people.person_key(life.address) if ties else ""
        for device, at in ties.items():
            self.ties.append((device, person, "link" if device in life.ties else "contact", self.when(at)))
        self.imported += [Held(letter, life.address) for letter in life.letters if letter.channel != FORM]

    def copy(self) -> None:
        """To the database, in an order in which what is pointed at comes first."""
        numbers = ids("contacts_contact", len(self.sent)) if self.sent else iter(())
        contacts: list[Row] = []
        codings: list[Row] = []
        for number, (letter, address, form) in zip(numbers, self.sent, strict=True):
            at = self.when(letter.at)
            contacts.append(_contact(number, letter, address, at))
            codings += _codings(self.shop, number, letter, at)
            self._form(form, number)
            data = f'{{"reason": "{letter.topic}", "source": "form"}}'
            person = people.person_key(address)
            self.events.append(
                ("contact", at, letter.device, person, False, None, None, number, None, letter.topic, "", data)
            )
        _copy(_SEARCHES, self.searches)
        _copy(_CLICKS, self.clicks)
        _copy(_EVENTS, self.events)
        _copy(_TIES, self.ties)
        _copy(_VOTES, self.votes.values())
        _copy(_CONTACTS, contacts)
        _copy(_CODINGS, codings)
        _copy(_FORMS, self.forms)

    def _deed(self, deed: Deed) -> None:
        at, article, revision, search, data = self.when(deed.at), None, None, None, None
        if deed.article is not None:
            article, revision = self.shop.articles[deed.article]
        if deed.kind == "vote":
            data = '{"is_helpful": true}' if deed.is_yes else '{"is_helpful": false}'
            vote = (revision, deed.device, deed.is_yes, "", "", at)
            self.votes[revision or 0, deed.device] = vote
        elif deed.kind == "search":
            search = _named("search", deed.device, deed.at)
            self._search(search, deed, at)
        elif deed.form is not None:
            data = f'{{"form_id": "{self._form_id(deed.form)}"}}'
            if deed.kind == "answered":
                revision = None
        topic = "" if deed.kind in ("help", "form", "suggested") else deed.topic
        locale = LOCALE if deed.kind in _LIVE else ""
        self.events.append(
            (deed.kind, at, deed.device, "", deed.is_returning, article, revision, None, search, topic, locale, data)
        )

    def _search(self, search: uuid.UUID, deed: Deed, at: datetime) -> None:
        found = [n for n, one in enumerate(self.model.articles) if deed.finds and one.topic == deed.topic]
        shown = [self.shop.articles[n][0] for n in found]
        before = None if deed.instead_of is None else _named("search", deed.device, deed.instead_of)
        self.searches.append(
            (search, at, deed.device, "page", deed.words, deed.words, LOCALE, [], "", False, len(shown), shown, "",
             "world/1", False, 1.0, "", "", before)
        )  # fmt: skip
        if deed.opened is not None:
            place = 1 + found.index(deed.opened)
            self.clicks.append((search, self.shop.articles[deed.opened][0], place, at + timedelta(seconds=3)))

    def _form(self, form: Opened, contact: int | None) -> None:
        arm = Arm.NOT_ELIGIBLE if form.why_not else Arm.ON if form.is_on else Arm.OFF
        shown = f"[{self.shop.articles[form.shown][0]}]" if form.shown is not None else "[]"
        answered = self.shop.articles[form.shown][0] if form.shown is not None and form.answered_at else None
        self.forms.append(
            (self._form_id(form), form.device, str(arm), form.why_not, self.model.form_off, SUGGESTIONS,
             self.when(form.at), shown, "[]", answered, self.when(form.answered_at) if form.answered_at else None,
             contact)
        )  # fmt: skip

    def _form_id(self, form: Opened) -> uuid.UUID:
        return _named("form", form.device, form.at)


def _named(kind: str, device: str, at: int) -> uuid.UUID:
    digest = hashlib.blake2b(f"{kind}:{device}:{at}".encode(), digest_size=16).digest()
    return uuid.UUID(bytes=digest, version=4)


def _contact(number: int, letter: Letter, address: str, at: datetime) -> Row:
    email = "" if letter.channel == PHONE else address
    return (
        number, f"W{number:09}", letter.channel, "" if letter.channel == FORM else f"W{number}",
        letter.device or None, people.person_key(email), "", email, "", "Where is it?", "", LOCALE, at,
    )  # fmt: skip


def _codings(shop: Shop, number: int, letter: Letter, at: datetime) -> Iterator[Row]:
    if letter.topic:
        yield number, shop.reasons[letter.topic], "rule", 0.9, at


def _write_messages(shop: Shop, lives: Iterable[Life], start: datetime) -> None:
    """Episodes of late parcels and the messages about them, sent or held out. All are of one parcel, which no number
    looks at."""
    late = [life for life in lives if life.late_at is not None]
    numbers = ids("notifications_episode", len(late)) if late else iter(())
    episodes, messages = [], []
    for n, (number, life) in enumerate(zip(numbers, late, strict=True)):
        at = start + timedelta(seconds=life.late_at or 0)
        broken = start - timedelta(microseconds=n + 1)  # each promise was another one
        episodes.append((number, shop.shipment.pk, "promise_passed", broken, at, at + timedelta(days=9), "delivered"))
        messages.append(_message(shop, number, life, at))
    _copy(_EPISODES, episodes)
    _copy(_MESSAGES, messages)


def _message(shop: Shop, episode: int, life: Life, at: datetime) -> Row:
    key = hashlib.sha256(f"world:{life.address}".encode()).hexdigest()
    arm, state = (
        (MailArm.HELD_OUT, MessageState.HELD_OUT) if life.is_held_out else (MailArm.NOTIFY, MessageState.DELIVERED)
    )
    sent_at = None if life.is_held_out else at + timedelta(minutes=1)
    return (
        _named("message", life.address, episode), key, shop.rule.pk, episode, shop.shipment.order.customer_id,
        people.person_key(life.address), str(arm), str(Lane.NORMAL), str(state), "", LOCALE, "{}", at, at,
        at + timedelta(days=3), sent_at, 0, 0, "", "",
    )  # fmt: skip


def _copy(table: str, rows: Iterable[Row]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as sink:
        for row in rows:
            sink.write_row(row)
