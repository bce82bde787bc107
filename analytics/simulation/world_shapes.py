"""What a world is made of: a shop as it is in truth, and what one person did in it. Pure; world.py lets them live."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

HOUR, DAY = 3600, 86_400
SUGGESTIONS, HOLDOUT = "contact-suggestions", "holdout:world"  # salts of the product's own draws
WINDOW = 7 * DAY
FORM, EMAIL, PHONE = "form", "email", "phone"
LOOKS = ("help", "search", "read", "form")  # the deeds that open a page


@dataclass(frozen=True)
class Article:
    """`quality`: the chance that it answers who reads it with a question of its topic."""

    key: str
    topic: str
    title: str
    quality: float
    weight: float


@dataclass(frozen=True, kw_only=True)
class Model:
    """What the product must find out again. Shares and chances are from 0 to 1."""

    articles: tuple[Article, ...]
    topics: dict[str, float]  # how often each is asked about, as weights
    known: float = 0.6  # of the people: tied to a person, in a browser that brings its id back (see calibrated())
    visitors: int = 3_000
    days: int = 28
    seasonality: float = 1.0  # 0: every day alike; 1: WEEK; 2: twice as far from even
    needs_more: float = 0.35  # of the people: come with a second question some day
    second_device: float = 0.3  # of the people: and such a share of their visits
    straight: float = 0.25  # of those with a question: open the contact form and look for nothing
    reads_nothing: float = 0.08  # of the visits
    finds_nothing: float = 0.12  # of the searches: words that no article has
    asks_anew: float = 0.5  # of those: other words within a minute
    opens_found: float = 0.85  # of those who searched and read one of the answers: from the list
    reads_on: float = 0.5  # of those not answered by an article: try another one
    tries_again: float = 0.25  # of those not answered by a visit: come back within two days
    says: float = 0.22  # of the readers of a page: vote
    yes_answered: float = 0.93  # of the votes of those who were answered: yes
    yes_unanswered: float = 0.14
    writes_unanswered: float = 0.38  # of those never answered: contact us
    writes_answered: float = 0.04  # of those answered: contact us all the same
    about_else: float = 0.12  # of the letters: about another topic than was read about
    uncoded: float = 0.08  # of the letters: nobody could say what they are about
    leaves_form: float = 0.12  # of those who open it: do not send it, whatever it suggests
    by_form: float = 0.6  # of the letters: by our form; the others come by an imported channel
    no_address: float = 0.03  # of the letters: by phone, from nobody whom we know
    writes_again: float = 0.16  # of the letters: followed by one about the same within six days
    known_write_more: float = 1.2  # who is known to us writes so many times as often
    strangers: float = 0.17  # for each visitor: letters of people who never visit
    form_off: float = 0.5  # of the visitors: the form suggests nothing
    suggestions_answer: float = 0.3  # of those whom the form suggests articles: do not write for it
    late_parcel: float = 0.8  # of the people: an episode that is worth a message
    held_out: float = 0.5
    writes_late: float = 0.28  # of the people with a late parcel: write because of it, had we not written first
    message_prevents: float = 0.12  # ... so many points fewer of those whom we wrote

    def planted(self, *, is_on: bool) -> Model:
        """The same with suggestions and messages that do something, or nothing."""
        return self if is_on else replace(self, suggestions_answer=0.0, message_prevents=0.0)


@dataclass(slots=True)
class Deed:
    """Something done in a browser. `kind` is a word of analytics.journeys.KINDS."""

    at: int
    device: str
    kind: str
    is_returning: bool = False  # the browser brought back the id that it got with its first page
    article: int | None = None  # index in Model.articles
    topic: str = ""
    is_yes: bool | None = None
    answered: bool = False  # the reading answered the question: nobody but the model knows
    words: str = ""  # of a search
    finds: bool = True  # ... has answers
    opened: int | None = None  # ... and of these this article was opened
    is_put_anew: bool = False  # ... was followed by other words within a minute
    instead_of: int | None = None  # ... the moment of the search that it puts anew
    form: Form | None = None


@dataclass(slots=True)
class Letter:
    """A contact. `device` is the browser that our form was sent from; an empty topic is uncoded."""

    at: int
    topic: str
    channel: str
    device: str = ""


@dataclass(slots=True)
class Form:
    """An opening of the contact form; `why_not` names why it is in neither arm."""

    at: int
    device: str
    is_on: bool
    why_not: str = ""
    shown: int | None = None  # article
    is_helped: bool = False  # the suggestion was the answer, whether that was said or not
    answered_at: int | None = None
    letter: Letter | None = None


@dataclass(slots=True)
class Life:
    """One person's story."""

    address: str
    devices: list[str] = field(default_factory=list)
    ties: dict[str, int] = field(default_factory=dict)  # device -> since when a signed link ties it to the address
    deeds: list[Deed] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    late_at: int | None = None  # a parcel of theirs turned out to be late
    is_held_out: bool = False


_TITLES = {
    "delivery": ("Where is my parcel", "The parcel arrived damaged", "Deliver to a neighbour"),
    "returns": ("Send something back", "When does my refund come", "Exchange for another size"),
    "payment": ("My card was refused", "Pay by invoice", "Find the receipt"),
    "account": ("Forgotten password", "Change my address", "Close the account"),
}


def usual(number: int = 0) -> Model:
    """A shop with twelve articles on four topics; another `number`, other articles."""
    rng = random.Random(f"world {number}")  # noqa: S311  a simulation, not a secret
    topics = {"delivery": 0.4, "returns": 0.25, "payment": 0.2, "account": 0.15}
    articles = tuple(
        Article(f"{topic}-{place}", topic, title, round(rng.uniform(0.35, 0.9), 2), 1 / (1 + place))
        for topic in topics
        for place, title in enumerate(_TITLES[topic])
    )
    return Model(articles=articles, topics=topics)
