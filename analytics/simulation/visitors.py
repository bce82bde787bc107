"""How a simulated visitor behaves: arrives with a question, searches, reads, votes, gives up or writes to us."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from analytics.simulation.browser import DESKTOP, PHONE, Browser, Form, Page
from analytics.simulation.script import Question, Script, Truth, mistype
from core import clock

BOT = "Mozilla/5.0 (compatible; ExampleBot/2.1; +https://bot.example.com/)"


@dataclass(frozen=True)
class Article:
    """An article as the simulator knows it: its address, its id in the script, and which variant each visitor gets."""

    url: str
    external_id: str
    topic: str


@dataclass
class World:
    """What all visitors share. `articles` by URL path; `variant_seen` tells which text the last page showed."""

    script: Script
    truth: Truth
    articles: dict[str, Article]
    url_of: dict[tuple[str, str], str]  # (external id, locale) → path
    variant_of: Callable[[str, str], str]  # (external id, visitor id) → variant key or ""
    done: Counter[str] = field(default_factory=Counter)


class Visitor:
    """One visitor with one question. live() walks the pages from `start` on; times are story time."""

    def __init__(self, world: World, rng: random.Random, *, start: datetime, email: str, name: str) -> None:
        self.world, self.rng, self.at = world, rng, start
        self.email, self.name = email, name
        self.question: Question = world.script.question(rng)
        self.root = f"/{self.question.locale}"
        self.is_bot = rng.random() < 0.03
        agent = BOT if self.is_bot else PHONE if rng.random() < 0.68 else DESKTOP
        address = f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        self.browser = Browser(agent=agent, address=address, consents=rng.random() > 0.06)
        self.read: list[Article] = []

    def live(self) -> None:
        """The whole visit, from the first page to the answer, the letter, or giving up."""
        self.world.done["visitors"] += 1
        arrived_by = self.rng.random()
        target = self.world.url_of.get((self.question.answer or "", self.question.locale))
        if target and arrived_by < 0.22:  # from a web search, straight to the article
            if self._reads(self._open(target)):
                return
        elif arrived_by < 0.34 and target:  # browses the shelves
            self._open(f"{self.root}/")
            if self._reads(self._open(target)):
                return
        elif arrived_by < 0.6 or not target:
            self._open(f"{self.root}/")
        if self.is_bot:
            return
        for attempt in range(3):
            page = self._search(attempt)
            choice = self._choose(page)
            if choice is not None and self._reads(self._open(choice, after=self.rng.uniform(3, 15))):
                return
            if self.rng.random() < 0.45:
                break
        if self.rng.random() < self.world.truth.contacts_when_stuck:
            if self.rng.random() < 0.2:  # sleeps on it first
                self.at += timedelta(hours=self.rng.uniform(1, 48))
            self.writes()
        else:
            self.world.done["gave up"] += 1

    def writes(self, *, order_number: str = "", topic: str = "") -> None:
        """Opens the contact form, looks at what it suggests, and sends the letter unless that answered it."""
        after = f"?{urlencode({'q': self.question.words})}" if self.rng.random() < 0.5 else ""
        page = self._open(f"{self.root}/contact/{after}")
        letter = self.world.script.letter_about(topic or self.question.topic, self.question.locale, self.rng)
        form = page.form_with("email", "message")
        self._wait(30, 150)
        typed = {
            "name": self.name,
            "email": self.email,
            "subject": letter.subject,
            "message": letter.message,
            "order_number": order_number,
        }
        offered = self._submit(Form(f"{self.root}/contact/suggest/", "post", form.values, form.names), **typed)
        # Who asks about their own parcel is not helped by a text.
        if not topic and self._is_answered_by(offered, form, typed):
            return
        self._wait(5, 40)
        self._submit(form, **typed)
        self.world.done["contacts"] += 1

    def _is_answered_by(self, offered: Page, form: Form, typed: dict[str, str]) -> bool:
        """Perhaps opens the first suggestion, and mostly says so where that was the answer."""
        link = next((link for link in offered.links if "/contact/suggested/" in link), None)
        if link is None or self.rng.random() >= self.world.truth.opens_suggestion:
            return False
        article = self._open(link, after=self.rng.uniform(3, 20))
        known = self.world.articles.get(urlsplit(article.url).path)
        # A letter asks more than one search did: any text of its topic may be the answer.
        if known is None or not self._reads(article, by_chance=0.35 if known.topic == self.question.topic else 0.08):
            return False
        if self.rng.random() < 0.6:
            pk = urlsplit(link).path.rstrip("/").rpartition("/")[2]
            self._submit(Form(f"{self.root}/contact/answered/", "post", form.values, form.names), **typed, article=pk)
        self.world.done["answered by a suggestion"] += 1
        return True

    def _search(self, attempt: int) -> Page:
        words = self.question.words
        if attempt == 1 and len(words.split()) > 2:
            words = " ".join(words.split()[:2])
        elif self.rng.random() < 0.18:
            words = mistype(words, self.rng)
        self.world.done["searches"] += 1
        return self._open(f"{self.root}/search/?{urlencode({'q': words})}", after=self.rng.uniform(4, 30))

    def _choose(self, page: Page) -> str | None:
        """Which result a person clicks: the right one (likelier the higher it stands), now and then a wrong one."""
        # The link as it stands on the page: its query says which search it came from.
        links: dict[str, str] = {}
        for link in page.links:
            if (path := urlsplit(link).path) in self.world.articles:
                links.setdefault(path, link)
        fresh = [path for path in links if self.world.articles[path] not in self.read]
        for place, path in enumerate(fresh):
            if self.world.articles[path].external_id == self.question.answer:
                if self.rng.random() < max(0.35, 0.92 - 0.1 * place):
                    return links[path]
                break
        return links[fresh[0]] if fresh and self.rng.random() < 0.45 else None

    def _reads(self, page: Page, *, by_chance: float = 0.08) -> bool:
        """Reads the article that is open, perhaps votes. True where it answered the question; `by_chance`: how often
        one about something else does."""
        article = self.world.articles[urlsplit(page.url).path]
        self.read.append(article)
        self.world.done["reads"] += 1
        if self.is_bot:
            return True
        self._wait(15, 200)
        variant = self.world.variant_of(article.external_id, self.browser.visitor_id)
        is_it = article.external_id == self.question.answer
        chance = self.world.truth.quality(article.external_id, variant=variant) if is_it else by_chance
        resolved = self.rng.random() < chance
        if self.rng.random() < self.world.truth.votes:
            says_yes = self.rng.random() < (0.93 if resolved else 0.14)
            page = self._submit(page.form_with("helpful"), helpful="yes" if says_yes else "no")
            self.world.done["votes"] += 1
            # The vote of somebody without an id is thanked for and not counted: nothing more is asked.
            if not says_yes and self.browser.visitor_id and self.rng.random() < 0.6:
                self._wait(4, 30)
                form = page.form_with("reason")
                reason = self.rng.choice(["unclear", "incomplete", "did_not_work", "not_my_question", "wrong"])
                self._submit(form, reason=reason, comment="")
        if resolved:
            self.world.done["resolved"] += 1
        return resolved

    def _open(self, url: str, *, after: float = 2.0) -> Page:
        self.at += timedelta(seconds=after)
        with clock.frozen(self.at):
            return self.browser.open(url)

    def _submit(self, form: object, **values: str) -> Page:
        self.at += timedelta(seconds=2)
        with clock.frozen(self.at):
            return self.browser.submit(form, **values)  # type: ignore[arg-type]

    def _wait(self, least: float, most: float) -> None:
        self.at += timedelta(seconds=self.rng.uniform(least, most))
