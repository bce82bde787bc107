"""Readers of one test: they come to its article through the real pages, and the text that they find there answers them
or does not. Which text it is they see on the page, as a person does; they know nothing of hashes.
"""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db import connection
from django.utils import translation
from django.utils.html import escape

from analytics import contact_facts, experiment_lookup, outcomes, writing
from analytics.simulation.browser import DESKTOP, PHONE, Browser, Form, Page, PageError
from analytics.simulation.script import Letter, Script
from analytics.simulation.traffic import HOURS
from analytics.simulation.visitors import BOT
from core import clock
from kb import article_html, experiments, selectors
from kb.models import Article, Experiment, ExperimentState, Mode, Revision

_TO_WRITE = timedelta(minutes=5)
_BEFORE_THE_END = timedelta(hours=1)  # nobody looks around for longer before they open the article


class TrialError(Exception):
    """Nobody can be sent to this test. The message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a verdict must find out again, as shares of those named."""

    base: float = 0.65  # of the readers: answered by any text but that of arm b
    lift: float = 0.0  # how many more the text of arm b answers
    writes: float = 0.30  # of those not answered: tell us so by the contact form, within the window
    says_no: float = 0.55  # of those not answered: vote no, and no more; the rest go in silence
    says_yes: float = 0.10  # of those answered
    about_else: float = 0.01  # of all: write to us about another matter
    leaves_form: float = 0.08  # of those who would write: open the form and leave it
    unseen: float = 0.02  # of all: a robot; and as many ask not to be followed

    def answers(self, arm: str) -> float:
        """The chance that this arm's text answers a reader."""
        return min(0.98, self.base + (self.lift if arm == "b" else 0.0))


@dataclass(frozen=True)
class Ways:
    """How readers come to the article, as weights. Straight to it comes who has no id of ours yet."""

    straight: float = 0.18
    home: float = 0.80
    search: float = 0.02


@dataclass
class Trial:
    """What all readers of a test share. `texts`: of each arm, all that its page says and no other arm's page does."""

    url: str
    locale: str
    topic: str
    texts: dict[str, tuple[str, ...]]
    words: list[str]
    script: Script
    truth: Truth
    window: timedelta
    ways: Ways = field(default_factory=Ways)
    until: datetime | None = None  # nobody has done anything after this
    done: Counter[str] = field(default_factory=Counter)

    def arm_on(self, page: Page) -> str:
        """The arm whose text this page shows. Raises PageError."""
        found = [arm for arm, says in self.texts.items() if all(part in page.html for part in says)]
        if not found:
            raise PageError(f"{urlsplit(page.url).path} shows none of the test's texts")
        return max(found, key=lambda arm: len("".join(self.texts[arm])))

    def letter(self, rng: random.Random, *, is_about_it: bool) -> Letter:
        """About the article's topic, or about another."""
        if is_about_it:
            return self.script.letter_about(self.topic, self.locale, rng)
        others = sorted({letter.topic for letter in self.script.letters} - {self.topic})
        return self.script.letter_about(rng.choice(others), self.locale, rng)


class Reader:
    """One reader, from `start` on; times are story time."""

    def __init__(self, trial: Trial, rng: random.Random, *, start: datetime, email: str) -> None:
        self.trial, self.rng, self.at, self.email = trial, rng, start, email
        kind = rng.random()
        self.is_bot = kind < trial.truth.unseen
        self.browser = Browser(
            agent=BOT if self.is_bot else PHONE if rng.random() < 0.68 else DESKTOP,
            address=f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}",
            consents=not trial.truth.unseen <= kind < 2 * trial.truth.unseen,
        )

    def live(self) -> None:
        """The whole visit, to the answer, the vote, the letter some days later, or silence."""
        trial, truth, rng = self.trial, self.trial.truth, self.rng
        page = self._arrives()
        if self.is_bot:
            trial.done["robots"] += 1
            return
        arm = trial.arm_on(page)
        self._did(arm, "read")
        self.at += timedelta(seconds=rng.uniform(15, 200))
        if rng.random() < truth.answers(arm):
            self._did(arm, "answered")
            if rng.random() < truth.says_yes:
                self._votes(page, "yes")
                self._did(arm, "said yes")
        else:
            what = rng.random()
            if what < truth.writes:
                self._did(arm, "wrote about it" if self._writes(page, is_about_it=True) else "left the form")
                return
            if what < truth.writes + truth.says_no:
                self._votes(page, "no")
                self._did(arm, "said no")
        if rng.random() < truth.about_else and self._writes(page, is_about_it=False):
            self._did(arm, "wrote about something else")

    def _arrives(self) -> Page:
        ways = self.trial.ways
        way = self.rng.choices(("straight", "home", "search"), (ways.straight, ways.home, ways.search))[0]
        link = self.trial.url
        if way == "home":
            self._open(f"/{self.trial.locale}/")
        elif way == "search":
            words = urlencode({"q": self.rng.choice(self.trial.words)})
            found = self._open(f"/{self.trial.locale}/search/?{words}").links
            # The link as the results have it: its query says which search it came from.
            link = next((one for one in found if urlsplit(one).path == link), link)
        self.at += timedelta(seconds=self.rng.uniform(3, 90))
        return self._open(link)

    def _votes(self, page: Page, helpful: str) -> None:
        self._submit(page.form_with("helpful"), helpful=helpful)

    def _writes(self, page: Page, *, is_about_it: bool) -> bool:
        """Within the window, mostly soon. False where the form was left, or is not opened yet."""
        soon = self.trial.window * min(0.95, self.rng.expovariate(12))
        self.at += max(soon, timedelta(seconds=20))
        if self.trial.until is not None and self.at > self.trial.until - _TO_WRITE:
            return False
        letter = self.trial.letter(self.rng, is_about_it=is_about_it)
        article = next((link for link in page.links if "/contact/" in link), f"/{self.trial.locale}/contact/")
        form = self._open(article).form_with("email", "message")
        if self.rng.random() < self.trial.truth.leaves_form:
            return False
        self.at += timedelta(seconds=self.rng.uniform(30, 200))
        self._submit(
            form, name="Reader", email=self.email, subject=letter.subject, message=letter.message, order_number=""
        )
        return True

    def _open(self, url: str) -> Page:
        with clock.frozen(self.at):
            return self.browser.open(url)

    def _submit(self, form: Form, **values: str) -> Page:
        with clock.frozen(self.at):
            return self.browser.submit(form, **values)

    def _did(self, arm: str, what: str) -> None:
        self.trial.done[f"{arm}: {what}"] += 1


def find(named: str) -> Experiment:
    """As analytics.experiment_lookup does. Raises TrialError."""
    try:
        return experiment_lookup.find(named)
    except experiment_lookup.NotFound as error:
        raise TrialError(str(error)) from None


def of(
    experiment: Experiment, script: Script, truth: Truth, *, ways: Ways | None = None, until: datetime | None = None
) -> Trial:
    """What the test's readers need to know. Who would write after `until` has not done so yet. Raises TrialError."""
    article = Article.objects.select_related("category").get(pk=experiment.article_id)
    cards = selectors.cards([article.pk], article.locale)
    if not cards:
        raise TrialError("The test's article is not published: nobody can read it.")
    arms = experiment.variants.select_related("revision")
    asked = [ask.words for ask in script.questions if (ask.answer, ask.locale) == (article.external_id, article.locale)]
    return Trial(
        url=cards[0].url,
        locale=article.locale,
        topic=article.category.topic,
        texts={arm.key: _said(arm.revision, article.locale) for arm in arms},
        words=asked or [article.draft.title],
        script=script,
        truth=truth,
        window=timedelta(days=experiment.window_days),
        ways=ways or Ways(),
        until=until,
    )


def _said(revision: Revision, locale: str) -> tuple[str, ...]:
    with translation.override(locale):
        html = str(article_html.for_reader(revision.html, locale))
    return (f"<h1>{escape(revision.title)}</h1>", escape(revision.summary), html)


def span(experiment: Experiment, *, days: float, now: datetime) -> tuple[datetime, datetime]:
    """From when to when readers may come so that all of them are mature now. Raises TrialError."""
    in_until = outcomes.watermark(contact_facts.feeds().values(), now=now)
    last = in_until - timedelta(days=experiment.window_days) - _BEFORE_THE_END
    first = last - timedelta(days=days)
    if experiment.state == ExperimentState.DRAFT:
        return first, last
    if experiment.state != ExperimentState.RUNNING or experiment.started_at is None:
        raise TrialError(f"The test is “{experiment.get_state_display()}”: nobody is shown its texts.")
    if (first := max(first, experiment.started_at)) >= last:
        raise TrialError(
            f"The test began on {experiment.started_at:%Y-%m-%d %H:%M}: no reader since then is mature, for which the"
            f" window of {experiment.window_days} days must be over. Take a draft, which is then started in the past."
        )
    return first, last


def begin(experiment: Experiment, *, at: datetime, last: datetime, visitors: int) -> None:
    """Start a draft as if it were `at`, planned for these visitors until `last`. Raises ExperimentError."""
    if experiment.state == ExperimentState.DRAFT:
        is_due = experiment.mode == Mode.DEADLINE
        planned: dict[str, Any] = (
            {"planned_units": experiment.planned_units or visitors, "due_at": last} if is_due else {}
        )
        with clock.frozen(at):
            experiments.start(experiment, by=None, **planned)


def arrivals(first: datetime, last: datetime, count: int, rng: random.Random) -> list[datetime]:
    """So many moments between the two, sorted: quiet nights and busy evenings."""
    found: list[datetime] = []
    most = max(HOURS)
    while len(found) < count:
        moment = first + rng.random() * (last - first)
        if rng.random() * most < HOURS[moment.hour]:
            found.append(moment)
    return sorted(found)


def walk(
    trial: Trial,
    moments: Sequence[tuple[int, datetime]],
    *,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Counter[str]:
    """One reader for each (number, moment). A page that fails ends that reader's walk and is counted as “failed: …”."""
    with writing.together():
        for done, (number, moment) in enumerate(moments, 1):
            rng = random.Random(f"{seed}:{number}")  # noqa: S311  a simulation, not a secret
            reader = Reader(trial, rng, start=moment, email=f"reader-{seed}-{number}@example.com")
            try:
                reader.live()
            except PageError as error:
                trial.done[f"failed: {error}"] += 1
            if progress is not None:
                progress(done, len(moments))
    return trial.done


@contextlib.contextmanager
def quick_commits() -> Iterator[None]:
    """Within the block a commit does not wait for the disk: with the power, only invented readers would be lost."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        try:
            yield
        finally:
            cursor.execute("RESET synchronous_commit")
