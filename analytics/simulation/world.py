"""A shop's readers and writers whose whole story is known: what they wanted, whether they got it, what they did next.

Pure: a seed gives the same lives. Moments are whole seconds from the story's beginning. world_truth.py says what each
number of docs/metrics.md is in these lives; world_rows.py and world_pages.py tell the product of them, which knows
neither.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator

from analytics.simulation.world_shapes import (
    DAY,
    EMAIL,
    FORM,
    HOLDOUT,
    HOUR,
    LOOKS,
    PHONE,
    SUGGESTIONS,
    WINDOW,
    Deed,
    Form,
    Letter,
    Life,
    Model,
)
from core import bucketing

HOURS = [1, 0.6, 0.4, 0.3, 0.3, 0.6, 1.5, 3, 4.5, 5.5, 6, 6.2, 6.8, 6.2, 5.6, 5.4, 5.4, 5.8, 6.6, 7.6, 8, 7, 4.6, 2.1]
WEEK = [1.15, 1.08, 1.02, 1.0, 0.95, 0.82, 0.98]  # Monday first


def lives(model: Model, *, seed: int, people: int | None = None, key: Callable[[str], str] = str) -> Iterator[Life]:
    """Everybody's life. `key`: what the product draws hold-outs by, of an address."""
    rng = random.Random(seed)  # noqa: S311
    maker = _Maker(model, rng, key)
    number = people or model.visitors
    maker.asking = random.Random(f"searches {seed}")  # noqa: S311
    for n in range(number):
        yield maker.person(f"reader-{seed}-{n}@example.com")
    for n in range(round(model.strangers * number)):
        yield maker.stranger(f"stranger-{seed}-{n}@example.com")


class _Maker:
    """Lives, one after the other."""

    def __init__(self, model: Model, rng: random.Random, key: Callable[[str], str]) -> None:
        self.model, self.rng, self.key = model, rng, key
        self.asking = rng  # of what is typed and found
        self.topics, self.asked = list(model.topics), list(model.topics.values())
        self.days = range(model.days)
        self.busy = [max(0.05, 1 + model.seasonality * (WEEK[day % 7] - 1)) for day in self.days]
        self.shelf = {
            topic: [n for n, article in enumerate(model.articles) if article.topic == topic] for topic in self.topics
        }
        self.weights = {topic: [model.articles[n].weight for n in shelf] for topic, shelf in self.shelf.items()}

    def person(self, address: str) -> Life:
        rng, model = self.rng, self.model
        life = Life(address, devices=[self._device()])
        is_known = rng.random() < model.known
        temper = rng.choice((0.5, 1.0, 1.5)) * (model.known_write_more if is_known else 1.0)
        if rng.random() < model.second_device:
            life.devices.append(self._device())
        for device in life.devices if is_known else []:
            if device == life.devices[0] or rng.random() < 0.9:
                first = -rng.randrange(60 * DAY, 75 * DAY)  # before all that a spread is measured on (spreads.py)
                self._did(life, first, device, "help")
                life.ties[device] = first + 20
        for at in sorted(self._moment() for _ in range(1 + (rng.random() < model.needs_more))):
            self._needs(life, at, temper)
        if rng.random() < model.late_parcel:
            self._waits_in_vain(life, temper)
        life.deeds.sort(key=lambda deed: deed.at)
        seen: set[str] = set()
        for deed in life.deeds:
            deed.is_returning = deed.kind in LOOKS and deed.device in seen
            seen.add(deed.device)
        return life

    def stranger(self, address: str) -> Life:
        model, rng = self.model, self.rng
        life = Life(address)
        self._sends(life, rng.randrange((model.days + 14) * DAY), self._topic(), by_form=0)
        return life

    def _needs(self, life: Life, at: int, temper: float) -> None:
        """A question: one visit or several, and perhaps a letter."""
        rng, model = self.rng, self.model
        topic, device = self._topic(), self._any_device(life)
        if rng.random() < model.straight:
            self._did(life, at, device, "help")
            self._opens_form(life, at + rng.randrange(10, 60), device, topic)
            return
        at, is_answered = self._visits(life, at, device, topic)
        for _ in range(2):
            if is_answered or rng.random() >= model.tries_again:
                break
            device = self._any_device(life)
            at, is_answered = self._visits(life, at + rng.randrange(2 * HOUR, 40 * HOUR), device, topic)
        if rng.random() < temper * (model.writes_answered if is_answered else model.writes_unanswered):
            if rng.random() < model.about_else:
                topic = rng.choice([other for other in self.topics if other != topic])
            self._writes(life, at, device, topic)

    def _visits(self, life: Life, at: int, device: str, topic: str) -> tuple[int, bool]:
        """Looks for an answer; returns when the visit was over and whether it was found."""
        rng, model = self.rng, self.model
        if rng.random() < 0.5:
            self._did(life, at, device, "help")
            at += rng.randrange(4, 40)
        reads_nothing = rng.random() < model.reads_nothing
        search = None
        if reads_nothing or rng.random() < 0.5:
            at, search = self._searches(life, at, device, topic)
            at += rng.randrange(4, 40)
        read: set[int] = set()
        while not reads_nothing and len(read) < 3:
            article = self._picks(topic)
            if article in read:
                break
            read.add(article)
            is_about = model.articles[article].topic == topic
            answered = rng.random() < (model.articles[article].quality if is_about else 0.03)
            self._did(life, at, device, "read", article=article, answered=answered)
            if search is not None and search.finds and is_about and self.asking.random() < model.opens_found:
                search.opened = article if search.opened is None else search.opened
            at += rng.randrange(20, 240)
            if rng.random() < model.says:
                is_yes = rng.random() < (model.yes_answered if answered else model.yes_unanswered)
                self._did(life, at, device, "vote", article=article, is_yes=is_yes)
            if answered:
                return at, True
            if rng.random() >= model.reads_on:
                break
            at += rng.randrange(5, 60)
        return at, False

    def _searches(self, life: Life, at: int, device: str, topic: str) -> tuple[int, Deed]:
        """One search, or two where the first finds nothing; returns the last one and when it was."""
        asking, model = self.asking, self.model
        finds = asking.random() >= model.finds_nothing
        self._did(life, at, device, "search", topic=topic, words=self._words(topic, finds=finds), finds=finds)
        first = life.deeds[-1]
        if finds or asking.random() >= model.asks_anew:
            return at, first
        first.is_put_anew = True
        later = at + asking.randrange(8, 55)
        self._did(life, later, device, "search", topic=topic, words=self._words(topic, finds=True), instead_of=first.at)
        return later, life.deeds[-1]

    def _words(self, topic: str, *, finds: bool) -> str:
        number = self.asking.randrange(len(self.shelf[topic]))
        return self.model.articles[self.shelf[topic][number]].title if finds else f"{topic} qwz {number}"

    def _writes(self, life: Life, at: int, device: str, topic: str) -> None:
        rng, model = self.rng, self.model
        if rng.random() >= model.by_form:
            self._sends(life, at + 60 + min(6 * DAY, int(rng.expovariate(1 / DAY))), topic, by_form=0)
            return
        at += rng.randrange(10, 120) if rng.random() < 0.8 else rng.randrange(HOUR, 3 * DAY)
        self._opens_form(life, at, device, topic)

    def _opens_form(self, life: Life, at: int, device: str, topic: str) -> None:
        rng, model = self.rng, self.model
        form = Form(at, device, is_on=not bucketing.is_in_share(SUGGESTIONS, device, model.form_off))
        form.why_not = self._why_spared(life, form)
        life.forms.append(form)
        self._did(life, at, device, "form", form=form)
        if form.is_on and not form.why_not:
            form.shown = self.shelf[topic][0]
            self._did(life, at + 20, device, "suggested", form=form)
            if rng.random() < model.suggestions_answer:
                form.is_helped = True
                if rng.random() < 0.4:
                    form.answered_at = at + 50
                    self._did(life, at + 50, device, "answered", article=form.shown, form=form)
                return
        if rng.random() < model.leaves_form:
            return
        form.letter = self._sends(life, at + rng.randrange(60, 300), topic, by_form=1, device=device)

    def _sends(self, life: Life, at: int, topic: str, *, by_form: int, device: str = "") -> Letter:
        rng, model = self.rng, self.model
        channel = FORM if by_form else PHONE if rng.random() < model.no_address else EMAIL
        letter = Letter(at, "" if rng.random() < model.uncoded else topic, channel, device)
        life.letters.append(letter)
        if rng.random() < model.writes_again:
            self._sends(life, at + rng.randrange(DAY // 2, 6 * DAY), topic, by_form=0)
        return letter

    def _waits_in_vain(self, life: Life, temper: float) -> None:
        rng, model = self.rng, self.model
        life.late_at = self._moment()
        life.is_held_out = bucketing.is_in_share(HOLDOUT, self.key(life.address), model.held_out)
        chance = model.writes_late - (0.0 if life.is_held_out else model.message_prevents)
        if rng.random() < chance * temper:
            self._sends(
                life, life.late_at + min(6 * DAY, int(rng.expovariate(0.8 / DAY)) + HOUR), "delivery", by_form=0
            )

    def _why_spared(self, life: Life, form: Form) -> str:
        """Whom the form spares suggestions (contacts/arms.py)."""
        since = form.at - WINDOW
        if any(one.device == form.device and since < one.at <= form.at for one in life.letters):
            return "wrote_before"
        said: dict[int | None, bool | None] = {}
        for deed in sorted(life.deeds, key=lambda deed: deed.at):
            if deed.kind == "vote" and deed.device == form.device and since < deed.at <= form.at:
                said[deed.article] = deed.is_yes
        return "said_no" if False in said.values() else ""

    def _did(self, life: Life, at: int, device: str, kind: str, *, form: Form | None = None, **facts: object) -> None:
        article = facts.get("article")
        if isinstance(article, int):
            facts["topic"] = self.model.articles[article].topic
        life.deeds.append(Deed(at, device, kind, form=form, **facts))  # type: ignore[arg-type]

    def _picks(self, topic: str) -> int:
        if self.rng.random() < 0.08:
            return self.rng.randrange(len(self.model.articles))
        return self.rng.choices(self.shelf[topic], self.weights[topic])[0]

    def _moment(self) -> int:
        day = self.rng.choices(self.days, self.busy)[0]
        return day * DAY + self.rng.choices(range(24), HOURS)[0] * HOUR + self.rng.randrange(HOUR)

    def _topic(self) -> str:
        return self.rng.choices(self.topics, self.asked)[0]

    def _any_device(self, life: Life) -> str:
        return self.rng.choice(life.devices)

    def _device(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
