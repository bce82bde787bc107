"""Text made up to size for the speed of search, from the real sets; and texts that nobody should send."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench._relevance import Query, RelevanceSet

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_OWN = 0.5  # of a made document's sentences are its model's; the others come from its model's set
_LONGEST_TITLE = 200  # as the product's own


def documents(sets: Sequence[RelevanceSet], size: int, *, seed: int = 1) -> list[tuple[str, str]]:
    """`size` pairs of title and body: the real ones shuffled, then mixtures of whole sentences of one set each.

    A mixture has as many sentences as a real document (its model), half of them the model's own, so that lengths and
    the words' frequencies stay those of the sets. Its title is the first half of the model's and the second of another.
    """
    rng = random.Random(seed)
    order = _order(sets, seed)
    real = [(sets[at].name, sets[at].texts[number]) for at, number in order]
    made = [(text.title[:_LONGEST_TITLE], text.body) for _, text in real[:size]]
    sentences = [[part for part in _SENTENCE.split(text.body) if part.strip()] or [text.title] for _, text in real]
    pool: dict[str, list[str]] = {}
    titles: dict[str, list[str]] = {}
    for (name, text), parts in zip(real, sentences, strict=True):
        pool.setdefault(name, []).extend(parts)
        titles.setdefault(name, []).append(text.title)
    while len(made) < size:
        number = rng.randrange(len(real))
        name, model = real[number]
        body = [
            rng.choice(sentences[number]) if rng.random() < _OWN else rng.choice(pool[name]) for _ in sentences[number]
        ]
        first, second = model.title.split(), rng.choice(titles[name]).split()
        title = " ".join(first[: (len(first) + 1) // 2] + second[len(second) // 2 :])
        made.append((title[:_LONGEST_TITLE], "\n".join(body)))
    return made


def real(sets: Sequence[RelevanceSet]) -> int:
    """How many of documents() are real; with fewer than these some queries have no right answer."""
    return sum(len(set.texts) for set in sets)


def _order(sets: Sequence[RelevanceSet], seed: int) -> list[tuple[int, int]]:
    """Where each real document of documents() is from: place of its set, place in its set."""
    order = [(at, number) for at, set in enumerate(sets) for number in range(len(set.texts))]
    random.Random(f"order {seed}").shuffle(order)
    return order


def write(made: Sequence[tuple[str, str]], path: Path) -> Path:
    """One JSON array [title, body] a line, as the benches' other processes read it."""
    with path.open("w", encoding="utf-8") as file:
        for pair in made:
            file.write(json.dumps(pair) + "\n")
    return path


def queries(sets: Sequence[RelevanceSet], count: int, *, seed: int = 1) -> list[Query]:
    """`count` of all sets' queries, each as likely; their grades are of the places in documents()."""
    place = {origin: n for n, origin in enumerate(_order(sets, seed=1))}
    asked = [(at, query) for at, set in enumerate(sets) for query in set.queries]
    return [
        replace(query, grades={place[at, number]: grade for number, grade in query.grades.items()})
        for at, query in random.Random(seed).sample(asked, min(count, len(asked)))
    ]


def texts(asked: Sequence[Query]) -> list[str]:
    return [query.text for query in asked]


def prefixes(asked: Sequence[str], *, seed: int = 1) -> list[str]:
    """For each query three of its beginnings, of 2 to 24 letters: what stands in the box while one types."""
    rng = random.Random(seed)
    return [text[: rng.randint(2, min(24, max(2, len(text))))] for text in asked for _ in range(3)]


def nasty(asked: Sequence[str], *, seed: int = 1, count: int = 200) -> list[str]:
    """`count` texts to break a search with: huge, empty of meaning, operators, scripts, NULs, SQL; always the same."""
    rng = random.Random(seed)
    words = " ".join(asked).split()
    rtl, joiner, bell = "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{ZERO WIDTH JOINER}", "\a"
    fixed = [
        "", " ", "\0", "\0" * 200, "a\0b refund", "a" * 10_000, "a " * 5_000, "'" * 10_000, "(" * 10_000, "é" * 10_000,
        "the", "the a of and to", "how do i", "? ! . , ; :", "…", "-", "--", "___", "''''", '"', '""', '" "', '"""""',
        "*", "?*", "ref*", "*fund", "r?fund", "~", "refund~2", "refund^9999", "+refund -refund", "NOT", "AND OR NOT",
        "refund AND", "title:refund", "body:*", "[a TO z]", "{* TO *}", "/re.*fund/", "refund:", "\\", "\\\\\"", "$^",
        "' OR 1=1 --", "'; DROP TABLE kb_article; --", "%", "%%%s%(x)s", "_", "\x1b[31m", bell, "\r\n\r\n", "\t",
        "<script>alert(1)</script>", "{{ 7*7 }}", "${jndi:x}", "../../etc/passwd", "%00", "&amp;", "😀", "😀" * 3_000,
        "👩" + joiner + "👩" + joiner + "👧", "🏳️‍🌈 refund", rtl + "refund", "ｒｅｆｕｎｄ", "réfûnd", "İstanbul",
        "Привет refund 返金 환불 استرداد", "返品したい", "退款" * 4_000, "ไม่ได้รับสินค้า", "a\u0301" * 3_000, "\ufeffref",
        "1" * 10_000, "5.7.134", "0x80004005", "-1", "1e999", "NaN", "null", "undefined", "<>", "|||", "&&", "!!", "()",
        "refund " * 1_400, "\U0010ffff", "\u2028", "x" * 64 + "." + "y" * 64, "www." * 2_500, "@" * 10_000, "#refund",
    ]  # fmt: skip
    found = fixed[:count]
    while len(found) < count:
        kind = rng.randrange(4)
        if kind == 0:  # a whole letter of real words, far longer than a query
            found.append(" ".join(rng.choice(words) for _ in range(1_700))[:10_000])
        elif kind == 1:  # words that no collection knows, each a case for the speller
            found.append(" ".join("".join(rng.sample("abcdefghijklmnopqrstuvwxyz", 9)) for _ in range(1_000)))
        elif kind == 2:  # letters of every script
            found.append(
                "".join(
                    chr(rng.choice((rng.randrange(32, 0xD7FF), rng.randrange(0xE000, 0x1FFFF))))
                    for _ in range(rng.randrange(1, 10_000))
                )
            )
        else:  # real words with operators in between
            found.append("".join(rng.choice(words) + rng.choice('"*?~^:()[]{}+-!|&\\/') for _ in range(60)))
    return found
