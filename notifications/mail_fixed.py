"""What is the same in many mails of one text, filled in once: the look, the sides of the script, the promised day.

A mail names colours and sides some seventy times, and they change with the brand and the language only. So a text is
filled in two steps, and the second, for each mail, has a dozen values left.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from django.template import Context, NodeList, Template
from django.template.base import Node, TextNode, VariableNode
from django.template.defaulttags import IfNode, TemplateLiteral


def filled(template: Template, values: tuple[tuple[str, Any], ...], *, is_html: bool) -> Template:
    """The template with every {{ name }}, {{ name|filter }} and {% if name %} of `values` done: its mails are the same.

    Inside loops nothing is touched, since they may give a name another meaning. In the active language.
    """
    made = copy.copy(template)
    made.nodelist = _filled(template.nodelist, Context(dict(values), autoescape=is_html))
    return made


def _filled(nodes: NodeList, context: Context) -> NodeList:
    made = NodeList()
    for node in _decided(nodes, context):
        if isinstance(node, VariableNode) and _is_known(node.filter_expression, context):
            node = TextNode(str(node.render(context)))
        if isinstance(node, TextNode) and made and isinstance(made[-1], TextNode):
            made[-1] = TextNode(made[-1].s + node.s)
        else:
            made.append(node)
    return made


def _decided(nodes: NodeList, context: Context) -> Iterator[Node]:
    """The nodes, in place of each {% if %} that is decided by known values what it then comes to."""
    for node in nodes:
        if isinstance(node, IfNode):
            left = []
            for when, then in node.conditions_nodelists:
                is_decided = when is None or (isinstance(when, TemplateLiteral) and _is_known(when.value, context))
                if is_decided and not (when is None or _is_true(when, context)):
                    continue
                left.append((None if is_decided else when, _filled(then, context)))
                if is_decided:
                    break
            if left and left[0][0] is None:
                yield from left[0][1]
                continue
            node = copy.copy(node)
            node.conditions_nodelists = left
        yield node


def _is_true(when: Any, context: Context) -> bool:
    return bool(when.eval(context))


def _is_known(expression: Any, context: Context) -> bool:
    """Whether a FilterExpression is one known name, with filters that need no other."""
    lookups = getattr(expression.var, "lookups", None)
    is_plain = lookups is not None and len(lookups) == 1 and lookups[0] in context
    return is_plain and not any(is_variable for _, words in expression.filters for is_variable, _word in words)
