"""The one passage that answers a query by itself, shown above the answers; mostly there is none. Pure.

Wrong in large letters is worse than nothing in large letters, so every doubt decides against it.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from kb.search import analysis
from kb.search.passages import Block, Passage, passages

# Times the second answer's score: as much as the first must have where its title has all words of the query, and so
# much more where it has none. Chosen on the demo shop's queries; tests/kb/test_featured.py holds the precision.
_LEAD = 1.4
_LEAD_WITHOUT_TITLE = 0.4
_LENGTH = 320  # characters of sentences
_LIST_LENGTH = 480  # of a list, whole: half of the steps mislead
_LIST_ITEMS = 7
_AS_THEY_ARE = ("p", "ul", "ol")


@dataclass(frozen=True)
class Answer:
    """`heading` and `anchor` are empty where the passage begins the article. `html` is a part of its frozen HTML."""

    heading: str
    anchor: str
    html: str


def answer(
    article_html: str,
    *,
    title: str,
    terms: Set[str],
    lang: str,
    score: float,
    next_score: float,
    is_pinned: bool = False,
) -> Answer | None:
    """The passage of the first answer that has every word of the query (stems: `terms`), in its heading or text.

    None unless the article is clearly ahead of the second (`next_score`, 0 where there is none), or pinned by an
    editor; and unless exactly one of its passages fits best and can be shown whole.
    """
    language = analysis.for_language(lang)
    in_title = terms & set(language.stems(title))
    if not terms or not (is_pinned or 0 < score >= _lead(in_title, terms) * next_score):
        return None
    best: list[tuple[tuple[int, int], Passage, Set[str]]] = []
    for passage in passages(article_html):
        # What stands before the first heading stands under the title.
        in_heading = terms & set(language.stems(passage.heading)) if passage.heading else in_title
        in_text = {stem for block in passage.blocks for stem in language.stems(block.text)} & terms
        # In the text itself at least one, except right under a title that asks the very question: a heading alone does
        # not show that the words below answer.
        if terms <= in_heading | in_text and (in_text or not passage.heading):
            best.append(((len(in_heading), len(in_text)), passage, in_heading))
    if not best:
        return None
    best.sort(key=lambda found: found[0], reverse=True)
    if len(best) > 1 and best[0][0] == best[1][0]:
        return None
    _fit, passage, in_heading = best[0]
    shown = _shown(passage, terms, in_heading, language)
    return Answer(passage.heading, passage.anchor, shown) if shown else None


def _lead(in_title: Set[str], terms: Set[str]) -> float:
    return _LEAD + _LEAD_WITHOUT_TITLE * (1 - len(in_title) / len(terms))


def _shown(passage: Passage, terms: Set[str], in_heading: Set[str], language: analysis.Analysis) -> str:
    """The blocks to show, from the first of the passage on; empty where they would not answer by themselves."""
    chosen: list[Block] = []
    room = _LENGTH
    for block in passage.blocks:
        if block.tag not in _AS_THEY_ARE or "<img" in block.html:
            break
        if block.tag == "p":
            if len(block.text) > room:
                break
            room -= len(block.text)
        elif len(block.text) > _LIST_LENGTH or len(block.lines) > _LIST_ITEMS:
            break
        else:
            room = 0  # a list ends the answer
        chosen.append(block)
        if not room:
            break
    if chosen and chosen[-1].tag == "p" and chosen[-1].text.endswith(":"):
        return ""  # the list that it promises is too long
    text_stems = {stem for block in chosen for stem in language.stems(block.text)}
    return "\n".join(block.html for block in chosen) if terms <= text_stems | in_heading else ""
