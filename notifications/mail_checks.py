"""What is wrong with a mail's text, found as it is saved: where, and what to do. Errors keep it from being published.

No mail program tells us what it did with a mail, so all that can be seen beforehand is looked at here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.template import Engine, Template, TemplateSyntaxError, base, defaulttags
from django.urls import Resolver404, resolve

from kb import facts as desk_facts
from notifications import mail_fact_tags, mail_kinds, mail_mjml, mail_templates, parcel_data
from notifications.mail_promotion import advertising

SUBJECT, TEXT, MJML = "subject", "text", "mjml"
LARGEST = 100_000  # bytes of HTML; a well-known mailbox cuts a mail off a little above
_LONGEST_SUBJECT = 200
_FILTERS = frozenset(
    {"capfirst", "date", "default", "default_if_none", "first", "floatformat", "join", "last", "length", "lower",
     "pluralize", "time", "title", "truncatechars", "upper"}
)  # fmt: skip
_HREF = re.compile(r"""\b(?:href|src|action)\s*=\s*("[^"]*"|'[^']*')""")
_IMAGE = re.compile(r"<(?:img|mj-image)\b[^>]*>")
_READ = re.compile(r"\{\{\s*(\w+)[^}]*\}\}")
_MARKUP = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]*>")
_LINKS = {name for name, variable in mail_kinds.VARIABLES.items() if variable.is_link} | {"logo_url"}


@dataclass(frozen=True)
class Finding:
    """`part` is SUBJECT, TEXT or MJML; `line` counts from 1, 0 where it is about the whole part."""

    part: str
    line: int
    problem: str
    do: str
    is_error: bool = True


def check(subject: str, text: str, mjml: str, *, template: str, locale: str) -> list[Finding]:
    """Everything found, in the order in which it stands. Asks the database for the facts of the desk."""
    found = [
        *_of_subject(subject),
        *_of_text(text),
        *_of_mjml(mjml),
        *_of_facts(subject, text, mjml, locale=locale),
        *_of_promotion(subject, text, mjml, locale=locale),
        *_of_needs(text, mjml, template=template),
    ]
    if not any(one.is_error for one in found):
        found += _of_the_whole(subject, text, mjml, template=template, locale=locale)
    order = {SUBJECT: 0, TEXT: 1, MJML: 2}
    return sorted(dict.fromkeys(found), key=lambda one: (not one.is_error, order[one.part], one.line))


def _of_subject(subject: str) -> Iterator[Finding]:
    if not subject.strip():
        yield Finding(SUBJECT, 0, "There is no subject.", "Write one: it is what people see first.")
    if "\n" in subject.strip():
        yield Finding(SUBJECT, 2, "The subject has more than one line.", "Put it in one line.")
    if len(subject) > _LONGEST_SUBJECT:
        yield Finding(SUBJECT, 1, f"The subject is longer than {_LONGEST_SUBJECT} letters.", "Mailboxes show about 50.")
    yield from _of_tags(SUBJECT, subject)


def _of_text(text: str) -> Iterator[Finding]:
    if not text.strip():
        yield Finding(
            TEXT, 0, "There is no plain text.", "Write it: some mail programs, watches and readers show only that."
        )
        return
    yield from _of_tags(TEXT, text)
    if "unsubscribe_url" not in set(_READ.findall(text)):
        yield Finding(TEXT, 0, "Nobody can unsubscribe from it.", "Put {{ unsubscribe_url }} at its end.")


def _of_mjml(mjml: str) -> Iterator[Finding]:
    if not mjml.strip():
        yield Finding(MJML, 0, "There is no MJML.", "Write it, or restore an earlier version.")
        return
    yield from _of_tags(MJML, mjml)
    structure = [Finding(MJML, line, problem, do) for line, problem, do in mail_mjml.problems(mjml)]
    yield from structure
    whole = _opened(mjml)
    if not structure:
        try:
            mail_templates.compiled(mjml)
        except (TemplateSyntaxError, FileNotFoundError) as error:
            yield Finding(
                MJML, 0, f"It cannot be compiled: {error}", "Look for a sign < or & that is not part of a tag."
            )
    if "unsubscribe_url" not in set(_READ.findall(whole)):
        yield Finding(
            MJML, 0, "Nobody can unsubscribe from it.",
            'Include the foot (<mj-include path="foot.mjml" />) or link to {{ unsubscribe_url }}.',
        )  # fmt: skip
    for line, address in _addresses(mjml):
        if problem := _broken(address):
            yield Finding(
                MJML,
                line,
                f"The link {address!r} leads nowhere: {problem}.",
                "Write the whole address, or one of the …_url.",
            )
    for number, line_text in enumerate(mjml.splitlines(), start=1):
        for image in _IMAGE.findall(line_text):
            if not re.search(r"\balt\s*=", image):
                yield Finding(
                    MJML,
                    number,
                    "An image has no alt text.",
                    'Say what it shows, or alt="" for decoration.',
                    is_error=False,
                )
    if "prefers-color-scheme" not in whole:
        yield Finding(
            MJML, 0, "It says nothing of dark mail programs.",
            'Include the head: <mj-include path="head.mjml" />.', is_error=False,
        )  # fmt: skip


def _of_tags(part: str, source: str) -> Iterator[Finding]:
    """Variables, filters and tags that a mail cannot have."""
    try:
        template = Template(mail_fact_tags.with_facts(source), engine=_engine())
    except TemplateSyntaxError as error:
        token = getattr(error, "token", None)
        yield Finding(
            part, token.lineno if token else 0, _plain(error), "Compare it with the examples in the list of variables."
        )
        return
    yield from _of_nodes(part, template.nodelist, frozenset(mail_kinds.VARIABLES) | mail_kinds.FRAME)


def _of_nodes(part: str, nodes: Any, known: frozenset[str]) -> Iterator[Finding]:
    for node in nodes:
        line = node.token.lineno if node.token else 0
        match node:
            case base.TextNode():
                continue
            case base.VariableNode():
                yield from _of_expression(part, line, node.filter_expression, known)
            case defaulttags.IfNode():
                for condition, inner in node.conditions_nodelists:
                    for expression in _operands(condition):
                        yield from _of_expression(part, line, expression, known)
                    yield from _of_nodes(part, inner, known)
            case defaulttags.ForNode():
                yield from _of_expression(part, line, node.sequence, known)
                yield from _of_nodes(part, node.nodelist_loop, known | set(node.loopvars) | {"forloop"})
                yield from _of_nodes(part, node.nodelist_empty, known)
            case defaulttags.CommentNode():
                continue
            case _:
                name = str(node.token.contents).split()[0] if node.token else type(node).__name__
                yield Finding(
                    part,
                    line,
                    f"{{% {name} %}} cannot stand in a mail.",
                    "Use {% if … %} and {% for item in items %} only.",
                )


def _operands(condition: Any) -> Iterator[Any]:
    if condition is None:
        return
    if (value := getattr(condition, "value", None)) is not None:
        yield value
    for side in (getattr(condition, "first", None), getattr(condition, "second", None)):
        yield from _operands(side)


def _of_expression(part: str, line: int, expression: Any, known: frozenset[str]) -> Iterator[Finding]:
    variable = expression.var
    if isinstance(variable, base.Variable) and variable.lookups is not None:
        name, *more = variable.lookups
        if name not in known or (more and name not in ("facts", "forloop")):
            close = mail_kinds.nearest(name)
            do = f"Did you mean {{{{ {close} }}}}?" if close else "Choose one of the list of variables."
            yield Finding(part, line, f"{{{{ {'.'.join(variable.lookups)} }}}} is no variable of a mail.", do)
    for function, _arguments in expression.filters:
        name = getattr(function, "_filter_name", function.__name__)
        if name not in _FILTERS:
            yield Finding(
                part,
                line,
                f"The filter {name!r} cannot be used in a mail.",
                f"Use one of: {', '.join(sorted(_FILTERS))}.",
            )


def _of_facts(subject: str, text: str, mjml: str, *, locale: str) -> Iterator[Finding]:
    parts = {SUBJECT: subject, TEXT: text, MJML: mjml}
    used = {key for source in parts.values() for key in mail_fact_tags.keys_in(source)}
    said = desk_facts.values(sorted(used), locale) if used else {}
    for part, source in parts.items():
        for number, line in enumerate(source.splitlines(), start=1):
            for key in mail_fact_tags.keys_in(line):
                if key not in said and f"if fact:{key}" not in source:
                    yield Finding(
                        part, number, f"The fact {key} says nothing.",
                        f"Write it under Facts, or put the sentence into {{% if fact:{key} %}} … {{% endif %}}.",
                    )  # fmt: skip


def _of_promotion(subject: str, text: str, mjml: str, *, locale: str) -> Iterator[Finding]:
    for part, source in ((SUBJECT, subject), (TEXT, text), (MJML, mjml)):
        for number, line in enumerate(source.splitlines() or [""], start=1):
            if words := advertising(_MARKUP.sub(" ", line), locale=locale):
                yield Finding(
                    part, number, f"“{words}” advertises something.",
                    "People cannot opt out of news of their order as they can of adverts, so law and mailboxes keep "
                    "the two apart. Take it out.",
                )  # fmt: skip


def _of_needs(text: str, mjml: str, *, template: str) -> Iterator[Finding]:
    kind = mail_kinds.KINDS.get(template)
    for name in kind.needs if kind else ():
        if name in _TOLD and name not in text:
            yield _silent(TEXT, name)
        if name in _TOLD and name not in mjml:
            yield _silent(MJML, name)
    read_by_eye = set(_READ.findall(mjml)) & _TOLD
    for name in sorted(read_by_eye - set(_READ.findall(text)) - set(kind.needs if kind else ())):
        yield Finding(
            TEXT,
            0,
            f"The plain text does not say {{{{ {name} }}}}, which the MJML says.",
            "Say the same in both.",
            is_error=False,
        )


# Facts that are the news of a mail: who reads only one of the parts must read them too.
_TOLD = {"promised_by", "expected_by", "delivered_on", "told_on", "next_update_by", "why", "pickup_place"}


def _silent(part: str, name: str) -> Finding:
    says = mail_kinds.VARIABLES[name].says
    return Finding(
        part, 0, f"It does not say {says}.", f"That is what people look for: put in {{{{ {name} }}}}.", is_error=False
    )


def _of_the_whole(subject: str, text: str, mjml: str, *, template: str, locale: str) -> Iterator[Finding]:
    """Fills it with the made-up example: what only shows then."""
    kind = mail_kinds.KINDS[template]
    facts = mail_kinds.example(kind)
    context = {
        **{name: facts[name] for name in mail_kinds.VARIABLES},
        "facts": desk_facts.values,
        "parcel_data": parcel_data.script_text(parcel_data.of(facts)),
    }
    try:
        parts = mail_templates.parts_of(subject, text, mail_templates.compiled(mjml), called="the draft")
        rendered = mail_templates.fill(parts, locale, context)
    except (mail_templates.MailTemplateError, TemplateSyntaxError) as error:
        yield Finding(MJML, 0, str(error), "Correct it and save again.")
        return
    if (size := len(rendered.html.encode())) > LARGEST:
        yield Finding(
            MJML, 0, f"The mail has {size:,} bytes of HTML.", f"Mailboxes cut off what is over {LARGEST:,}. Shorten it."
        )
    if not rendered.subject:
        yield Finding(
            SUBJECT, 1, "Nothing is left of the subject when it is filled in.", "Write words beside the variables."
        )


def _addresses(mjml: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(mjml.splitlines(), start=1):
        for quoted in _HREF.findall(line):
            yield number, quoted[1:-1].strip()


def _broken(address: str) -> str:
    """Why a link cannot work; empty where nothing speaks against it."""
    if read := re.fullmatch(r"\{\{\s*(\w+)\s*\}\}", address):
        return "" if read[1] in _LINKS else "this variable is no address"
    if "{" in address:
        return ""  # put together: the check of variables looks at its pieces
    if not address or address == "#":
        return "it is empty"
    found = urlsplit(address)
    if found.scheme in ("mailto", "tel"):
        return "" if found.path else "it names nobody"
    if found.scheme not in ("http", "https"):
        return "it has no http:// or https:// before it"
    host = found.hostname or ""
    if "." not in host or host.endswith((".example", ".test", ".invalid", ".localhost")) or host.startswith("example."):
        return (
            "there is no such host" if f"{found.scheme}://{found.netloc}" != settings.SITE_URL else _no_page(found.path)
        )
    return _no_page(found.path) if f"{found.scheme}://{found.netloc}" == settings.SITE_URL else ""


def _no_page(path: str) -> str:
    try:
        resolve(path or "/")
    except Resolver404:
        return "this site has no such page"
    return ""


def _opened(mjml: str) -> str:
    try:
        return mail_templates.with_includes(mjml)
    except FileNotFoundError:
        return mjml  # told by mail_mjml, with its line


def _plain(error: TemplateSyntaxError) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()[:200]


def _engine() -> Engine:
    return Engine()
