"""Readers of a test by the hundred thousand, written as rows past the pages: what a verdict's speed is measured on.

Who gets which arm is computed by the product's own draw. What the readers do is drawn from a known truth; only rows are
written that the pages would have written: exposures, what was read, votes, opened forms, contacts, ties to persons.
"""

from __future__ import annotations

import contextlib
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

from django.db import connection, transaction

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
_TABLES = 5  # that one batch is for
_COUNT_VOTES = """
    INSERT INTO kb_votecount AS c (revision_id, votes, yes)
    SELECT revision_id, count(*), count(*) FILTER (WHERE is_helpful) FROM kb_vote WHERE id > %s GROUP BY revision_id
    ON CONFLICT (revision_id) DO UPDATE SET votes = c.votes + EXCLUDED.votes, yes = c.yes + EXCLUDED.yes
"""


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
    it. `keeps` says who of an arm is written at all: a broken splitter loses some.
    """
    rng = random.Random(seed)  # noqa: S311  a simulation, not a secret
    start = since or experiment.started_at
    if start is None:
        raise ValueError("the test has not been started: say since when its readers came")
    crowd = _Crowd(experiment, shares, truth or Truth(), rng, visitors=visitors, returning=returning, epoch_at=epoch_at)
    written = Written(Counter(), Counter())
    moments = (start + timedelta(days=days * number / visitors) for number in range(visitors))
    votes: list[str] = []
    with transaction.atomic(), _copier() as copy:
        while batch := list(islice(moments, _AT_ONCE)):
            rows = _Rows(votes=votes)
            for at in batch:
                crowd.one(at, rows, written, keeps)
            copy(_EXPOSURES, rows.exposures)
            copy(_EVENTS, rows.reads if with_reads else [])
            copy(_CONTACTS, rows.contacts)
            copy(_EVENTS, rows.events)
            copy(_TIES, rows.ties)
    _count_votes_at_once(votes)
    return written


@dataclass
class _Rows:
    """Lines of COPY's text format, by table."""

    votes: list[str]
    exposures: list[str] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    ties: list[str] = field(default_factory=list)
    contacts: list[str] = field(default_factory=list)


@contextlib.contextmanager
def _copier() -> Iterator[Callable[[str, list[str]], None]]:
    """Takes lines for a table; they go to the server from a thread beside, in the order in which they were given."""
    connection.ensure_connection()
    ours = connection.connection

    def send(table: str, lines: list[str]) -> None:
        with ours.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as sink:
            for part in _chunks(lines):
                sink.write(part)

    with ThreadPoolExecutor(1) as thread:
        sent: list[Future[None]] = []

        def copy(table: str, lines: list[str]) -> None:
            if lines:
                sent.append(thread.submit(send, table, lines))
            while len(sent) > 2 * _TABLES:  # so that not all of them wait in memory
                sent.pop(0).result()

        yield copy
        for one in sent:
            one.result()


def _count_votes_at_once(votes: list[str]) -> None:
    """The trigger that counts each vote writes one row again and again, which in one transaction takes for ever."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # a table with checks to come cannot be altered
        cursor.execute("ALTER TABLE kb_vote DISABLE TRIGGER vote_is_counted")
        cursor.execute("SELECT coalesce(max(id), 0) FROM kb_vote")
        before = cursor.fetchone()[0]
        with cursor.copy(f"COPY {_VOTES} FROM STDIN") as sink:
            for part in _chunks(votes):
                sink.write(part)
        cursor.execute(_COUNT_VOTES, [before])
        cursor.execute("ALTER TABLE kb_vote ENABLE TRIGGER vote_is_counted")


class _Crowd:
    """Readers of one test, one after the other."""

    def __init__(
        self,
        experiment: Experiment,
        shares: Mapping[str, float],
        truth: Truth,
        rng: random.Random,
        *,
        visitors: int,
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
        self.next_contact = ids("contacts_contact", visitors)

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


def ids(table: str, most: int) -> Iterator[int]:
    """So many ids of the table's own sequence, taken now: while rows go out, the connection answers nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        (sequence,) = cursor.fetchone()
        cursor.execute("SELECT nextval(%s)", [sequence])
        (first,) = cursor.fetchone()
        cursor.execute("SELECT setval(%s, %s)", [sequence, first + most])
    return iter(range(first, first + most))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _chunks(lines: Iterable[str]) -> Iterator[str]:
    found = iter(lines)
    while part := "".join(islice(found, 5_000)):
        yield part
