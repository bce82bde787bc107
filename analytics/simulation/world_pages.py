"""A world's lives through the real pages: the same deeds as world_rows.py writes, done in a browser at their moments.

Each browser gets the id that the model gave it, so that the product draws it into the arms that the model reckoned
with. A signed link is told by its signal; letters of imported channels come by the product's own intake. Messages about
late parcels are not sent here: late_customers.py does that.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from unittest import mock
from urllib.parse import urlencode

from analytics.simulation.browser import Browser, Form, PageError
from analytics.simulation.world_shapes import PHONE, Deed, Letter, Life, Model
from analytics.simulation.world_shapes import Form as Opened
from analytics.simulation.world_shop import LOCALE, Shop, phrase
from contacts import intake
from core import clock, people, visitors
from core.events import fire
from kb import selectors
from notifications import events as notifications


def walk(
    model: Model, shop: Shop, lives: Sequence[Life], *, start: datetime, heard_until: datetime | None = None
) -> Counter[str]:
    """Let these people live, one after the other; a page that fails ends that life and is counted. Letters of imported
    channels from after `heard_until` are not in yet."""
    done: Counter[str] = Counter()
    urls = {card.id: card.url for card in selectors.published(LOCALE)}
    for life in lives:
        walker = _Walker(heard_until, model, [urls[pk] for pk, _revision in shop.articles], shop, start, life)
        try:
            walker.live()
        except PageError as error:
            done[f"failed: {error}"] += 1
        done += walker.done
    return done


class _Walker:
    """One person at their browsers."""

    def __init__(
        self, heard_until: datetime | None, model: Model, urls: list[str], shop: Shop, start: datetime, life: Life
    ) -> None:
        self.heard_until = heard_until
        self.model, self.urls, self.shop, self.start, self.life = model, urls, shop, start, life
        digest = hashlib.sha256(life.address.encode()).digest()
        address = f"10.{digest[0]}.{digest[1]}.{1 + digest[2] % 254}"
        self.browsers = {device: Browser(address=address) for device in life.devices}
        self.forms: dict[str, Form] = {}
        self.done: Counter[str] = Counter(people=1)

    def live(self) -> None:
        steps: list[tuple[int, int, Deed | Letter | str]] = [(deed.at, 0, deed) for deed in self.life.deeds]
        steps += [(letter.at, 1, letter) for letter in self.life.letters]
        steps += [(at, 2, device) for device, at in self.life.ties.items()]
        opened = {id(form.letter): form for form in self.life.forms if form.letter is not None}
        for at, _order, what in sorted(steps, key=lambda step: step[:2]):
            with clock.frozen(self.start + timedelta(seconds=at)):
                if isinstance(what, Deed):
                    with _giving(what.device):
                        self._does(what, self.browsers[what.device])
                elif isinstance(what, str):
                    self._follows_a_link(what)
                elif (form := opened.get(id(what))) is not None:
                    self._sends(what, form)
                elif self.heard_until is None or clock.now() <= self.heard_until:
                    self._writes_elsewhere(what)

    def _does(self, deed: Deed, browser: Browser) -> None:
        self.done[deed.kind] += 1
        if deed.kind == "help":
            browser.open(f"/{LOCALE}/")
        elif deed.kind == "search":
            browser.open(f"/{LOCALE}/search/?{urlencode({'q': deed.words})}")
        elif deed.kind == "read" and deed.article is not None:
            browser.open(self.urls[deed.article])
        elif deed.kind == "vote" and browser.page is not None:
            browser.submit(browser.page.form_with("helpful"), helpful="yes" if deed.is_yes else "no")
        elif deed.kind == "form":
            self.forms[deed.device] = browser.open(f"/{LOCALE}/contact/").form_with("email", "message")
        elif deed.kind == "suggested" and deed.form is not None and deed.form.shown is not None:
            about = self.model.articles[deed.form.shown]
            self._posts(browser, deed.device, "suggest", subject=about.title)
        elif deed.kind == "answered" and deed.article is not None:
            self._posts(browser, deed.device, "answered", article=str(self.shop.articles[deed.article][0]))

    def _posts(self, browser: Browser, device: str, where: str, **values: str) -> None:
        form = self.forms[device]
        browser.submit(Form(f"/{LOCALE}/contact/{where}/", "post", form.values, form.names), **values)

    def _sends(self, letter: Letter, form: Opened) -> None:
        self.done["letters"] += 1
        typed = {"name": "Reader", "email": self.life.address, "subject": "A question", "message": _said(letter)}
        self.browsers[form.device].submit(self.forms[form.device], **typed)

    def _writes_elsewhere(self, letter: Letter) -> None:
        self.done["letters"] += 1
        number = f"{self.life.address}:{letter.at}"
        now = clock.now()
        email = "" if letter.channel == PHONE else self.life.address
        facts = intake.Facts(
            source=letter.channel, external_id=number, email=email, received_at=now, message=_said(letter)
        )
        intake.receive(facts, now=now)

    def _follows_a_link(self, device: str) -> None:
        person = people.person_key(self.life.address)
        event = notifications.VisitorIdentified(at=clock.now(), visitor=device, person=person, how="link")
        fire(notifications.visitor_identified, event)


def _said(letter: Letter) -> str:
    return f"I have a question {phrase(letter.topic)}." if letter.topic else "Please ring me."


@contextlib.contextmanager
def _giving(device: str) -> Iterator[None]:
    """The site gives this id to a browser that brings none."""
    with mock.patch.object(visitors, "new_id", return_value=device):
        yield
