"""The facts of the desk (kb.facts) in a mail's tags: {{fact:answer-time}}, and as Django's templates can read it."""

from __future__ import annotations

import re

_TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_FACT = re.compile(r"\bfact:([a-z0-9]+(?:-[a-z0-9]+)*)")
_FACT_READ = re.compile(r"\bfacts\.([a-z0-9_]+)")


def keys_in(source: str) -> set[str]:
    """The facts of the desk that a text names."""
    return {key for tag in _TAG.findall(source) for key in _FACT.findall(tag)}


def keys_read(html: str) -> set[str]:
    """The same of a text that with_facts() has made."""
    return {key_of(name) for name in _FACT_READ.findall(html)}


def words_in(*sources: str) -> frozenset[str]:
    """Every word in the tags of these, each variable among them."""
    return frozenset(word for source in sources for tag in _TAG.findall(source) for word in re.findall(r"\w+", tag))


def variable_of(key: str) -> str:
    """What Django calls a fact."""
    return key.replace("-", "_")


def key_of(variable: str) -> str:
    """What the desk calls it."""
    return variable.replace("_", "-")


def with_facts(source: str) -> str:
    """{{fact:answer-time}} as Django's templates can read it."""
    return _TAG.sub(lambda tag: _FACT.sub(lambda found: f"facts.{variable_of(found[1])}", tag[0]), source)


def for_people(line: str) -> str:
    """A line of a template as its reader may see it: facts as {{fact:…}}, "…" for what only a mail knows, no tags."""

    def shown(tag: re.Match[str]) -> str:
        if tag[0].startswith("{%"):
            return ""
        found = _FACT.search(tag[0])
        return f"{{{{fact:{found[1]}}}}}" if found else "…"

    return " ".join(re.sub(r"<[^>]*>", " ", _TAG.sub(shown, line)).split())
