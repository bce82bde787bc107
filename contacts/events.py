"""What contacts tells the rooms above it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.dispatch import Signal


@dataclass(frozen=True)
class FormOpened:
    at: datetime
    visitor: str
    is_returning: bool
    form_id: str
    locale: str


@dataclass(frozen=True)
class SuggestionsShown:
    at: datetime
    visitor: str
    form_id: str
    shown: tuple[int, ...]  # article ids


@dataclass(frozen=True)
class QuestionAnswered:
    """The customer closed the form: a suggestion was the answer."""

    at: datetime
    visitor: str
    form_id: str
    article_id: int | None
    topic: str


@dataclass(frozen=True)
class ContactReceived:
    at: datetime
    visitor: str  # empty where the channel does not know it
    person: str
    contact_id: int
    topic: str  # top of the reason's branch; empty where uncoded
    reason: str
    source: str


form_opened = Signal()
suggestions_shown = Signal()
question_answered = Signal()
contact_received = Signal()
