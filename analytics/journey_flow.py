"""What the page of journeys shows above its list: the picture of their flow, and by what it can be narrowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from analytics import flow_picture, periods
from analytics.flow_picture import Bar
from analytics.models import Outcome
from analytics.periods import Period
from analytics.reports import asking, contacts, flow, journeys
from analytics.reports.flow import Flow, Link, Node
from kb.models import Article

# What the form above the picture offers; what else narrows the list comes by a number's link and stays.
OFFERED = ("entry", "topic", "article", "lang", "linkable", "outcome")
ARTICLE, TOPIC = BY = ("article", "topic")  # what the middle of the picture can be of
_OFFERED_ARTICLES = 40
_LETTERS = 38  # of a name in the picture


@dataclass(frozen=True)
class Shown:
    """`flow` is None of a list that is narrowed to an article read at any time: no count of days knows it. `ranked`:
    the articles read last with their journeys, most first."""

    flow: Flow | None
    by: str
    ranked: Sequence[tuple[int, int]]
    titles: Mapping[int, str]

    @property
    def journeys(self) -> int | None:
        return self.flow.journeys if self.flow else None


@dataclass(frozen=True)
class DrawnLink:
    """`tone` is the outcome that it leads to; of the first half `entry`."""

    link: Link
    path: str
    url: str
    tone: str


@dataclass(frozen=True)
class DrawnNode:
    """`short`: its name where there is little room. `contacted`: those of its journeys that ended in a contact."""

    node: Node
    bar: Bar
    url: str
    of: int
    contacted: DrawnLink | None

    @property
    def short(self) -> str:
        return Truncator(self.node.name).chars(_LETTERS)


def build(period: Period, asked: Mapping[str, str]) -> Shown:
    """By articles, unless most of what was read is in more of them than a picture can name and nothing narrows it."""
    ranked = flow.by_article(period, asked)
    first = [pk for pk, _number in ranked[:_OFFERED_ARTICLES]]
    only = int(asked["article"]) if asking.is_id(asked.get("article", "")) else None
    wanted = first if only is None or only in first else [*first, only]
    known = dict(Article.objects.filter(pk__in=wanted).values_list("pk", "live_revision__title"))
    titles = {pk: known.get(pk) or _("Deleted article") for pk in wanted}
    by = asked.get("by", "")
    if by not in BY:
        by = ARTICLE if asked.get("topic") or asked.get("article") or _are_few(ranked) else TOPIC
    if any(asked.get(name) for name in flow.UNCOUNTED):
        return Shown(None, by, ranked, titles)
    named = {only: titles[only]} if only is not None else _named(titles)
    return Shown(flow.build(period, asked, articles=named if by == ARTICLE else None), by, ranked, titles)


def context(
    shown: Shown, period: Period, asked: Mapping[str, str], *, titles: Mapping[int | None, str | None]
) -> dict[str, Any]:
    """For the template."""
    offered = {name: asked.get(name, "") for name in OFFERED}
    others = [(name, value) for name, value in asked.items() if name not in (*OFFERED, "page")]
    return {
        "flow": shown.flow,
        "by": shown.by,
        "bys": [(by, name, _address(period, dict(asked) | {"by": by}) + "#h-flow") for by, name in _bys()],
        "picture": _drawn(shown.flow, shown.by, period, asked) if shown.flow and shown.flow.journeys else None,
        "narrowing": {name: value for name in journeys.WORDS if (value := asked.get(name, ""))},
        "offered": offered,
        "others": others,
        "choices": _choices(shown, asked, titles),
    }


def _named(titles: Mapping[int, str]) -> dict[int, str]:
    """Those that the picture names; one that is left over has its own name."""
    most = flow.NAMED_ARTICLES
    return dict(list(titles.items())[: most + 1 if len(titles) == most + 1 else most])


def _are_few(ranked: Sequence[tuple[int, int]]) -> bool:
    numbers = [number for _pk, number in ranked]
    return 2 * sum(numbers[: flow.NAMED_ARTICLES]) >= sum(numbers)


def _bys() -> list[tuple[str, str]]:
    return [(ARTICLE, _("By article")), (TOPIC, _("By topic"))]


def _address(period: Period, narrowed: Mapping[str, str]) -> str:
    given = {name: value for name, value in narrowed.items() if name not in ("page", *periods.NAMES)}
    return period.address(reverse("desk:journeys"), **given)


def topics_in_words(codes: str) -> str:
    """Codes with commas between as a number's link has them."""
    names = contacts.topic_names()
    return ", ".join(_("no topic") if code == journeys.NO_TOPIC else names.get(code, code) for code in codes.split(","))


def _choices(shown: Shown, asked: Mapping[str, str], titles: Mapping[int | None, str | None]) -> list[dict[str, Any]]:
    """Each select of the form: its name, its label and its options."""
    articles = [(str(pk), f"{shown.titles[pk]} ({number:,})") for pk, number in shown.ranked[:_OFFERED_ARTICLES]]
    chosen = asked.get("article", "")
    if chosen and chosen not in dict(articles):
        title = titles.get(int(chosen)) if asking.is_id(chosen) else None
        articles.append((chosen, title or "?"))
    topics = [*contacts.topic_names().items(), (journeys.NO_TOPIC, _("No topic"))]
    if (topic := asked.get("topic", "")) and topic not in dict(topics):
        topics.append((topic, topics_in_words(topic)))
    outcomes = [(value, str(label)) for value, label in Outcome.choices]
    languages = [(code, str(name)) for code, name in settings.LANGUAGES]
    return [
        _select("entry", _("Began with"), [(key, name) for key, (name, _narrowed) in flow.entries().items()], asked),
        _select("topic", _("About"), topics, asked),
        _select("article", _("Last read"), articles, asked),
        _select("lang", _("Language"), languages, asked),
        _select("linkable", _("Linkable"), [("yes", _("yes")), ("no", _("no"))], asked),
        _select("outcome", _("Outcome"), [*outcomes, (journeys.IMMATURE, _("too early to say"))], asked),
    ]


def _select(name: str, label: str, options: list[tuple[str, str]], asked: Mapping[str, str]) -> dict[str, Any]:
    return {"name": name, "label": label, "options": options, "chosen": asked.get(name, "")}


def _drawn(shown: Flow, by: str, period: Period, asked: Mapping[str, str]) -> dict[str, Any]:
    places = [{node.key: number for number, node in enumerate(column)} for column in shown.columns]
    entries = set(map(id, shown.columns[0]))
    of_first = [id(link.source) in entries for link in shown.links]
    picture = flow_picture.draw(
        [[node.journeys for node in column] for column in shown.columns],
        [
            (int(not first), places[not first][link.source.key], places[2 - first][link.target.key], link.journeys)
            for first, link in zip(of_first, shown.links, strict=True)
        ],
    )

    def address(narrowed: Mapping[str, str]) -> str:
        return _address(period, dict(asked) | dict(narrowed)) + "#list"

    links = [
        DrawnLink(link, path, address(link.narrowed), "entry" if first else link.target.key)
        for first, link, path in zip(of_first, shown.links, picture.paths, strict=True)
    ]
    contacted = {id(drawn.link.source): drawn for drawn in links if drawn.tone == Outcome.CONTACTED}
    middle = _("Last read") if by == ARTICLE else _("Last read, by topic")
    columns = zip((_("Began with"), middle, _("Ended")), shown.columns, picture.bars, strict=True)
    return {
        "size": picture,
        "columns": [
            {
                "title": title,
                "place": place,
                "nodes": [
                    DrawnNode(node, bar, address(node.narrowed), shown.journeys, contacted.get(id(node)))
                    for node, bar in zip(nodes, bars, strict=True)
                ],
            }
            for place, (title, nodes, bars) in enumerate(columns)
        ],
        "links": links,
    }
