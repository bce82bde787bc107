"""What kb tells the rooms above it: one frozen dataclass and one signal each. `visitor` is empty where uncounted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.dispatch import Signal


@dataclass(frozen=True)
class ArticleViewed:
    at: datetime
    visitor: str
    is_returning: bool  # the browser brought its id back, so we would know it again
    article_id: int
    revision_id: int
    variant_id: int | None
    topic: str
    locale: str


@dataclass(frozen=True)
class Searched:
    at: datetime
    visitor: str
    is_returning: bool
    query: str
    locale: str
    total: int
    shown: tuple[int, ...]  # article ids, best first
    corrected: str  # the query that was really run, where it differs
    search_id: UUID | None = None  # of its SearchLog


@dataclass(frozen=True)
class HelpOpened:
    """The home or a category page of the help centre was opened."""

    at: datetime
    visitor: str
    is_returning: bool
    topic: str  # of the category; empty on the home page
    locale: str


@dataclass(frozen=True)
class Voted:
    at: datetime
    visitor: str
    article_id: int
    revision_id: int
    variant_id: int | None
    is_helpful: bool
    reason: str
    topic: str


@dataclass(frozen=True)
class ExperimentMoved:
    """Something happened in the life of a test; each of the classes below is one such thing."""

    at: datetime
    experiment_id: int
    article_id: int


class ExperimentStarted(ExperimentMoved):
    """Visitors are assigned and exposed from now on."""


class ExperimentRamped(ExperimentMoved):
    """A new epoch: another share of the visitors, or other weights."""


class ExperimentPaused(ExperimentMoved):
    """Everybody sees the live text until it goes on."""


class ExperimentResumed(ExperimentMoved):
    """It goes on."""


class ExperimentStopped(ExperimentMoved):
    """Ended before its data were in."""


class ExperimentFinished(ExperimentMoved):
    """Its data are in."""


class ExperimentCompleted(ExperimentMoved):
    """The decision is made."""


article_viewed = Signal()
searched = Signal()
help_opened = Signal()
voted = Signal()
experiment_started = Signal()
experiment_ramped = Signal()
experiment_paused = Signal()
experiment_resumed = Signal()
experiment_stopped = Signal()
experiment_finished = Signal()
experiment_completed = Signal()
