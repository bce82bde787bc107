"""What the page of journeys shows above its list: the picture of their flow, and by what it can be narrowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from analytics import flow_picture
from analytics.flow_picture import Bar
from analytics.models import Outcome
from analytics.periods import Period
from analytics.reports import contacts, flow, journeys
from analytics.reports.flow import Flow, Link, Node
from kb.models import Article

# What the form above the picture offers; what else narrows the list comes by a number's link and stays.
OFFERED = ("entry", "topic", "article", "lang", "linkable", "outcome")
_ARTICLES = 40


@dataclass(frozen=True)
class DrawnNode:
    node: Node
    bar: Bar
    url: str
    of: int


@dataclass(frozen=True)
class DrawnLink:
    """`tone` is the outcome that it leads to; of the first half `entry`."""

    link: Link
    path: str
    url: str
    tone: str


def build(period: Period, asked: Mapping[str, str]) -> Flow | None:
    """None of a list that is narrowed to an article read at any time: no count of days knows it."""
    return None if asked.get("read") else flow.build(period, asked)


def context(
    shown: Flow | None, period: Period, asked: Mapping[str, str], *, titles: Mapping[int | None, str | None]
) -> dict[str, Any]:
    """For the template."""
    offered = {name: asked.get(name, "") for name in OFFERED}
    return {
        "flow": shown,
        "picture": _drawn(shown, period, asked) if shown and shown.journeys else None,
        "offered": offered,
        "others": [(name, value) for name, value in asked.items() if name not in (*OFFERED, "page")],
        "choices": _choices(period, asked, titles),
    }


def topics_in_words(codes: str) -> str:
    """Codes with commas between as a number's link has them."""
    names = contacts.topic_names()
    return ", ".join(_("no topic") if code == journeys.NO_TOPIC else names.get(code, code) for code in codes.split(","))


def _choices(period: Period, asked: Mapping[str, str], titles: Mapping[int | None, str | None]) -> list[dict[str, Any]]:
    """Each select of the form: its name, its label and its options."""
    ranked = flow.by_article(period, asked, most=_ARTICLES)
    known = dict(Article.objects.filter(pk__in=[pk for pk, _n in ranked]).values_list("pk", "live_revision__title"))
    articles = [(str(pk), f"{known.get(pk) or _('Deleted article')} ({number:,})") for pk, number in ranked]
    chosen = asked.get("article", "")
    if chosen and chosen not in dict(articles):
        title = titles.get(int(chosen)) if journeys.is_id(chosen) else None
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


def _drawn(shown: Flow, period: Period, asked: Mapping[str, str]) -> dict[str, Any]:
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
    here = {name: value for name, value in asked.items() if name not in ("page", *period.query)}
    url = reverse("desk:journeys")

    def address(narrowed: Mapping[str, str]) -> str:
        return period.address(url, **(here | dict(narrowed))) + "#list"

    columns = zip((_("Began with"), _("Last read, by topic"), _("Ended")), shown.columns, picture.bars, strict=True)
    return {
        "size": picture,
        "columns": [
            {
                "title": title,
                "place": place,
                "nodes": [
                    DrawnNode(node, bar, address(node.narrowed), shown.journeys)
                    for node, bar in zip(nodes, bars, strict=True)
                ],
            }
            for place, (title, nodes, bars) in enumerate(columns)
        ],
        "links": [
            DrawnLink(link, path, address(link.narrowed), "entry" if first else link.target.key)
            for first, link, path in zip(of_first, shown.links, picture.paths, strict=True)
        ],
    }
