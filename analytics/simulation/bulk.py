"""Readers of a test by the hundred thousand, written as rows past the pages: what a verdict's speed is measured on.

Who gets which arm is computed by the product's own draw. What the readers do is drawn from a known truth; only rows are
written that the pages would have written: exposures, what was read, votes, opened forms, contacts, ties to persons.
"""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import cast

from django.db import connection, transaction
from psycopg import Cursor

from analytics.simulation.trial import Truth
from core import people
from kb import experiments
from kb.models import Article, Experiment, Variant

_AT_ONCE = 50_000
_ONE_SECOND = timedelta(seconds=1)

_EXPOSURES = "kb_exposure (experiment_id, variant_id, visitor, at, epoch, is_returning)"
_VOTES = "kb_vote (revision_id, variant_id, visitor, is_helpful, reason, comment, at)"
_TIES = "analytics_identity (visitor, person, how, at)"
_EVENTS = (
    "analytics_event (kind, at, visitor, person, is_returning, article_id, revision_id, variant_id, contact_id, topic,"
    " data)"
)
_CONTACTS = (
    "contacts_contact (id, reference, source, external_id, visitor, person, name, email, subject, message,"
    " order_number, locale, after_article_id, received_at)"
)
_NULL = r"\N"


@dataclass(frozen=True)
class Written:
    """What was written, by arm: readers, and those who in truth failed (wrote about it, or voted no)."""

    readers: Counter[str]
    failed: Counter[str]


def exposures(
    experiment: Experiment,
    *,
    visitors: int,
    shares: Mapping[str, float],
    seed: int,
    days: float,
    since: datetime | None = None,
    returning: float = 0.8,
    truth: Truth | None = None,
    epoch_at: Callable[[datetime], int] = lambda at: 1,
    keeps: Callable[[str, random.Random], bool] = lambda arm, rng: True,
    with_reads: bool = True,
) -> Written:
    """Write so many readers of a test, spread evenly over `days` from `since` on (its start, where none is given).

    `shares`: of each arm's readers (by its key), those whom its text answers. Who is not answered does as `truth` has
    it. `keeps` says who of an arm is written at all: a broken splitter loses some. One transaction.
    """
    rng = random.Random(seed)  # noqa: S311  a simulation, not a secret
    start = since or experiment.started_at
    if start is None:
        raise ValueError("the test has not been started: say since when its readers came")
    crowd = _Crowd(experiment, shares, truth or Truth(), rng, returning=returning, epoch_at=epoch_at)
    written = Written(Counter(), Counter())
    with transaction.atomic():
        moments = (start + timedelta(days=days * number / visitors) for number in range(visitors))
        while batch := list(islice(moments, _AT_ONCE)):
            rows = _Rows()
            for at in batch:
                crowd.one(at, rows, written, keeps)
            rows.copy(with_reads=with_reads)
    return written


class _Rows:
    """Lines of COPY's text format, by table."""

    def __init__(self) -> None:
        self.exposures: list[str] = []
        self.reads: list[str] = []
        self.events: list[str] = []
        self.votes: list[str] = []
        self.ties: list[str] = []
        self.contacts: list[str] = []

    def copy(self, *, with_reads: bool) -> None:
        with connection.cursor() as wrapped:
            cursor = cast("Cursor[object]", wrapped.cursor)
            for table, lines in (
                (_EXPOSURES, self.exposures),
                (_EVENTS, self.reads if with_reads else []),
                (_VOTES, self.votes),
                (_CONTACTS, self.contacts),
                (_EVENTS, self.events),
                (_TIES, self.ties),
            ):
                if lines:
                    with cursor.copy(f"COPY {table} FROM STDIN") as sink:
                        for part in _chunks(lines):
                            sink.write(part)


class _Crowd:
    """Readers of one test, one after the other."""

    def __init__(
        self,
        experiment: Experiment,
        shares: Mapping[str, float],
        truth: Truth,
        rng: random.Random,
        *,
        returning: float,
        epoch_at: Callable[[datetime], int],
    ) -> None:
        variants = list(Variant.objects.filter(experiment=experiment).select_related("experiment"))
        self.article = Article.objects.select_related("category").get(pk=experiment.article_id)
        self.experiment, self.shares, self.truth, self.rng = experiment, shares, truth, rng
        self.returning, self.epoch_at = returning, epoch_at
        self.arms = experiments.arms_of(variants)
        self.variants = {variant.key: variant for variant in variants}
        self.window = timedelta(days=experiment.window_days) - _ONE_SECOND
        self.person = people.person_key(f"crowd-{uuid.uuid4()}@example.com")[:20]
        self.next_contact = _ids("contacts_contact")

    def one(self, at: datetime, rows: _Rows, written: Written, keeps: Callable[[str, random.Random], bool]) -> None:
        rng, truth = self.rng, self.truth
        visitor = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        arm = self.arms.key_for(visitor)
        if not arm or not keeps(arm, rng):
            return
        variant, is_back = self.variants[arm], "t" if rng.random() < self.returning else "f"
        when, article, topic = _text(at), self.article.pk, self.article.category.topic
        text = f"{article}\t{variant.revision_id}\t{variant.pk}"
        rows.exposures.append(
            f"{self.experiment.pk}\t{variant.pk}\t{visitor}\t{when}\t{self.epoch_at(at)}\t{is_back}\n"
        )
        rows.reads.append(f"read\t{when}\t{visitor}\t\t{is_back}\t{text}\t{_NULL}\t{topic}\t{{}}\n")
        written.readers[arm] += 1
        says = ""
        if rng.random() < self.shares[arm]:
            says = "yes" if rng.random() < truth.says_yes else ""
        else:
            what = rng.random()
            if what < truth.writes:
                self._writes(at, visitor, rows)
                written.failed[arm] += 1
            elif what < truth.writes + truth.says_no:
                says = "no"
                written.failed[arm] += 1
        if says:
            then = _text(at + timedelta(seconds=40))
            is_yes = "t" if says == "yes" else "f"
            rows.votes.append(f"{variant.revision_id}\t{variant.pk}\t{visitor}\t{is_yes}\t\t\t{then}\n")
            word = "true" if says == "yes" else "false"
            data = f'{{"is_helpful": {word}, "reason": ""}}'
            rows.events.append(f"vote\t{then}\t{visitor}\t\tf\t{text}\t{_NULL}\t{topic}\t{data}\n")

    def _writes(self, at: datetime, visitor: str, rows: _Rows) -> None:
        opened = at + self.window * min(0.99, self.rng.expovariate(12))
        when, sent = _text(opened), _text(opened + _ONE_SECOND / 2)
        number, article, topic = next(self.next_contact), self.article.pk, self.article.category.topic
        person = f"{self.person}{number:012x}"
        nothing = f"{_NULL}\t{_NULL}\t{_NULL}"
        form = uuid.UUID(int=self.rng.getrandbits(128), version=4)
        rows.events.append(f'form\t{when}\t{visitor}\t\tt\t{nothing}\t{_NULL}\t\t{{"form_id": "{form}"}}\n')
        rows.events.append(
            f"contact\t{sent}\t{visitor}\t{person}\tf\t{nothing}\t{number}\t{topic}"
            f'\t{{"reason": "", "source": "form"}}\n'
        )
        rows.ties.append(f"{visitor}\t{person}\tcontact\t{sent}\n")
        rows.contacts.append(
            # A reference as no form gives it out: those have no zeros.
            f"{number}\tC0{number:010}\tform\t{form.hex}\t{visitor}\t{person}\tReader\t"
            f"crowd-{number}@example.com\tA question\tI read it and found no answer.\t\t{self.article.locale}\t"
            f"{article}\t{sent}\n"
        )


def _ids(table: str) -> Iterator[int]:
    """Ids of the table's own sequence, taken by the thousand."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, 1000)", [table])
            yield from [row[0] for row in cursor.fetchall()]


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _chunks(lines: Iterable[str]) -> Iterator[str]:
    found = iter(lines)
    while part := "".join(islice(found, 5_000)):
        yield part
