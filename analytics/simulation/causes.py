"""People of whom the model knows why they wrote, at the real pages: what the contact autopsy is held against.

Each has a parcel that is late or damaged, or something that nobody could code. That there is an article, whether its
words are theirs, and whether they have read it is given to them before they open a page; the product has to find it out
again from its own rows and its own search.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.contrib.auth.models import User

from analytics.models import Cause
from analytics.simulation.browser import Browser
from contacts import coding, intake
from contacts.models import Contact, ReasonCode
from core import clock, people
from kb import publishing, selectors
from kb.models import Category
from kb.search import indexing

LOCALE = "en"
LATE, DAMAGED = "late", "damaged"  # both under the reason DELIVERY; of the second there is no article
DELIVERY = "delivery"

# (topic, title, text): the one that would answer who waits, and others with the words of those who say it otherwise.
_ABOUT_LATE = (LATE, "Where is my parcel", "Track a parcel: the tracking number shows where it is and when it arrives.")
_OTHERS = (
    ("pickup", "The driver rang and nobody opened", "The driver leaves a card at the door. Go to the depot with it."),
    ("pickup", "The card of the driver", "What the card at your door says, and when the depot has closed."),
    (
        "pickup",
        "Opening hours of the depot",
        "A depot opens at eight. Bring the card that the driver left at the door.",
    ),
    ("refunds", "Money back", "How long a refund takes, and to which account it goes."),
)
_ITS_WORDS = (
    "Please track my parcel",
    "My tracking number shows nothing",
    "When does the parcel arrive, I track it daily",
)
_OTHER_WORDS = ("The driver left no card", "Nobody opened the depot", "The driver never rang at my door, no card")
_SHARES = {Cause.NO_ARTICLE: 0.2, Cause.READ: 0.25, Cause.NOT_FOUND: 0.2, Cause.NOT_READ: 0.25, Cause.UNCODED: 0.1}
_BY_FORM = 0.75  # of the letters; the others come by e-mail, and nobody knows whose they are
_LONG_AGO = 0.3  # of those who have not read it in time: they had, three weeks before


@dataclass(frozen=True)
class Writer:
    """Somebody who writes once. `cause`: the truth, never Cause.UNKNOWN. `reason` is empty where nobody can say."""

    number: int
    cause: Cause
    reason: str
    words: str
    is_by_form: bool
    read_long_ago: bool
    first_searches: bool

    @property
    def address(self) -> str:
        return f"writer{self.number}@example.com"


def writers(number: int, *, seed: int) -> list[Writer]:
    """The same for the same seed."""
    chance = random.Random(f"{seed}-causes")  # noqa: S311  a simulation, not a secret
    return [_writer(n, chance) for n in range(number)]


def _writer(number: int, chance: random.Random) -> Writer:
    (cause,) = chance.choices(list(_SHARES), list(_SHARES.values()))
    # Who has read it may say it in either words; of who has not, their words are what makes the difference.
    otherwise = {Cause.NOT_FOUND: True, Cause.NOT_READ: False}.get(cause, chance.random() < 0.5)
    return Writer(
        number,
        cause,
        {Cause.NO_ARTICLE: DAMAGED, Cause.UNCODED: ""}.get(cause, LATE),
        chance.choice(_OTHER_WORDS if otherwise else _ITS_WORDS),
        is_by_form=chance.random() < _BY_FORM,
        read_long_ago=cause is Cause.NOT_READ and chance.random() < _LONG_AGO,
        first_searches=chance.random() < 0.5,
    )


def open_shop() -> None:
    """The articles, published and indexed, and the reasons."""
    root = ReasonCode.objects.create(code=DELIVERY, name="Delivery")
    for code in (LATE, DAMAGED):
        ReasonCode.objects.create(code=code, name=code.title(), parent=root)
    for topic, title, body in (_ABOUT_LATE, *_OTHERS):
        category, _is_new = Category.objects.get_or_create(key=topic, defaults={"topic": topic})
        article = publishing.create_article(locale=LOCALE, category=category, title=title, body=body, by=None)
        publishing.publish(article, by=None, ring=False)
    indexing.rebuild()


def walk(found: Sequence[Writer], *, start: datetime, by: User) -> dict[int, Writer]:
    """Let them visit and write, an hour apart; `by` codes their letters. Returns whose each contact is, by its id."""
    url_of = {card.title: card.url for card in selectors.published(LOCALE)}
    return {_live(one, url_of, start + timedelta(hours=place), by): one for place, one in enumerate(found)}


def _live(one: Writer, url_of: dict[str, str], at: datetime, by: User) -> int:
    browser = Browser(address=f"10.9.{one.number // 250}.{1 + one.number % 250}")
    about, other = url_of[_ABOUT_LATE[1]], url_of[_OTHERS[one.number % len(_OTHERS)][1]]
    if one.read_long_ago:
        with clock.frozen(at - timedelta(days=21)):
            browser.open(about)
    with clock.frozen(at):
        browser.open(f"/{LOCALE}/")
        if one.first_searches:
            browser.open(f"/{LOCALE}/search/?{urlencode({'q': one.words})}")
        browser.open(about if one.cause is Cause.READ else other)
    with clock.frozen(at + timedelta(hours=5)):
        if one.is_by_form:
            form = browser.open(f"/{LOCALE}/contact/").form_with("email", "message")
    with clock.frozen(at + timedelta(hours=5, minutes=4)):
        if one.is_by_form:
            browser.submit(form, name="Reader", email=one.address, subject="A question", message=f"{one.words}.")
        else:
            facts = intake.Facts(
                source="email", external_id=one.address, email=one.address, received_at=clock.now(), message=one.words
            )
            intake.receive(facts, now=clock.now())
        made = Contact.objects.get(person=people.person_key(one.address))
        if one.reason:
            coding.by_person(made, code=one.reason, by=by, now=clock.now())
    return made.pk
