"""A template as texts that all its mails share, and slots between them: what is left to do for each mail.

Says what Django's own engine would say, byte for byte. Only what our mails are full of is done here ({{ name }},
{{ name|date:"…" }}, {% if name %}, with a text, a day or a truth value behind the name); every other node, and every
other value, is handed to Django.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.template import Context, NodeList, Template
from django.template.base import FilterExpression, Node, TextNode, VariableDoesNotExist, VariableNode
from django.template.defaulttags import ForNode, IfNode, TemplateLiteral
from django.utils.safestring import SafeString

from notifications import mail_days

_ABSENT = object()  # it is Django's to look it up
_MISSING = object()  # Django would not find it
_SIMPLE = (TextNode, VariableNode, IfNode, ForNode)


class Filling:
    """The facts of one mail, and Django's context of them where a node is Django's to render."""

    __slots__ = ("_context", "_template", "facts", "is_html")

    def __init__(self, facts: Mapping[str, Any], template: Template, *, is_html: bool) -> None:
        self.facts, self.is_html, self._template = facts, is_html, template
        self._context: Context | None = None

    @property
    def context(self) -> Context:
        """As Template.render() sets it up; good for this mail only."""
        if self._context is None:
            self._context = Context(dict(self.facts), autoescape=self.is_html)
            self._context.template = self._context.render_context.template = self._template
            self._context.render_context.push()
        return self._context


Slot = Callable[[Filling], str]
Test = Callable[[Filling], Any]


@dataclass(frozen=True, eq=False)
class Form:
    """A template in pieces: a text, a slot, a text, …, a text."""

    texts: tuple[str, ...]
    slots: tuple[Slot, ...]
    template: Template
    is_html: bool

    def filled(self, facts: Mapping[str, Any]) -> tuple[str, ...]:
        """What stands in each slot of a mail."""
        filling = Filling(facts, self.template, is_html=self.is_html)
        return tuple([slot(filling) for slot in self.slots])


def of(template: Template, *, is_html: bool) -> Form:
    """The template in pieces; as one slot where it has tags that need the whole of it (blocks, includes)."""
    if not all(isinstance(node, _SIMPLE) for node in template.nodelist):
        return Form(("", ""), (lambda filling: str(template.render(filling.context)),), template, is_html)
    texts, slots = _pieces(template.nodelist, is_html)
    return Form(texts, slots, template, is_html)


def whole(texts: Sequence[str], filled: Sequence[str]) -> str:
    """The pieces in their order."""
    every: list[str] = [""] * (len(texts) + len(filled))
    every[::2], every[1::2] = texts, filled
    return "".join(every)


def _pieces(nodes: NodeList, is_html: bool) -> tuple[tuple[str, ...], tuple[Slot, ...]]:
    texts, slots = [""], list[Slot]()
    for node in nodes:
        if isinstance(node, TextNode):
            texts[-1] += node.s
        else:
            slots.append(_slot(node, is_html))
            texts.append("")
    return tuple(texts), tuple(slots)


def _slot(node: Node, is_html: bool) -> Slot:
    by_django = _by_django(node)
    if isinstance(node, VariableNode):
        return _variable(node.filter_expression, by_django, is_html)
    if isinstance(node, IfNode):
        return _choice(node, is_html)
    return by_django


def _by_django(node: Node) -> Slot:
    return lambda filling: str(node.render_annotated(filling.context))


def _variable(expression: FilterExpression, by_django: Slot, is_html: bool) -> Slot:
    look = _look_up(expression)
    if look is None:
        return by_django
    if not expression.filters:

        def text(filling: Filling) -> str:
            value = look(filling)
            if type(value) is str:
                return html.escape(value) if is_html else value
            return value if type(value) is SafeString else by_django(filling)

        return text
    if (form := _form_of_a_day(expression)) is None:
        return by_django

    def day(filling: Filling) -> str:
        value = look(filling)
        if not isinstance(value, date):
            return by_django(filling)
        words = str(mail_days.date_in_words(mail_days.local(value), form))
        return html.escape(words) if is_html and type(words) is str else words

    return day


def _form_of_a_day(expression: FilterExpression) -> str | None:
    """The form of {{ name|date:"form" }}; None for any other filters."""
    if len(expression.filters) != 1 or len(expression.filters[0][1]) != 1:
        return None
    function, ((is_variable, form),) = expression.filters[0]
    return form if mail_days.is_date_filter(function) and not is_variable and isinstance(form, str) else None


def _look_up(expression: FilterExpression) -> Test | None:
    """How to read `name`, or `facts.name`, from the facts: or _ABSENT, or _MISSING."""
    lookups = getattr(expression.var, "lookups", None)
    if not lookups or getattr(expression.var, "translate", False) or len(lookups) > 2:
        return None
    name = lookups[0]
    if len(lookups) == 1:
        return lambda filling: filling.facts.get(name, _ABSENT)
    key = lookups[1]
    # Of a dict, Django looks for a key, then for a method.
    is_a_key = not hasattr(dict, key) and not key.isdigit()

    def inner(filling: Filling) -> Any:
        outer = filling.facts.get(name)
        return outer.get(key, _MISSING) if type(outer) is dict and is_a_key else _ABSENT

    return inner


def _choice(node: IfNode, is_html: bool) -> Slot:
    ways = [(_test(when), *_pieces(then, is_html)) for when, then in node.conditions_nodelists]

    def choose(filling: Filling) -> str:
        for test, texts, slots in ways:
            if test is None or test(filling):
                return whole(texts, [slot(filling) for slot in slots]) if slots else texts[0]
        return ""

    return choose


def _test(condition: Any) -> Test | None:
    if condition is None:
        return None

    def by_django(filling: Filling) -> Any:
        try:
            return condition.eval(filling.context)
        except VariableDoesNotExist:
            return None

    value: Any = condition.value if isinstance(condition, TemplateLiteral) else None
    look = _look_up(value) if value is not None and not value.filters else None
    if look is None:
        return by_django

    def is_so(filling: Filling) -> Any:
        found = look(filling)
        if found is _MISSING:
            return None
        return by_django(filling) if found is _ABSENT or callable(found) else found

    return is_so
