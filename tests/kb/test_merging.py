"""Two people's changes to one text put together: nothing of either is lost, and an overlap is never decided."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from kb import merging
from kb.merging import Overlap, Source

BASE = "# Late\n\nIt takes four days.\n\nCall us.\n\nThank you."

# Few different lines, so that many are the same; and none that are.
words = st.text(alphabet="ab\n", max_size=30)
prose = st.lists(st.sampled_from(["", "one", "two", "three", "# Head", "- item"]), max_size=12).map("\n".join)
texts = st.one_of(words, prose)


def test_changes_in_different_paragraphs_are_both_there():
    found = merging.merge(
        BASE, BASE.replace("four", "five"), BASE.replace("Call us.", "Write to us.") + "\n\nYour shop"
    )
    assert found.text == "# Late\n\nIt takes five days.\n\nWrite to us.\n\nThank you.\n\nYour shop"
    assert found.overlaps == []


def test_changes_of_one_line_are_an_overlap_with_both_and_the_rest_is_put_together():
    mine = BASE.replace("four days", "five days").replace("Thank you", "Thanks")
    theirs = BASE.replace("four days", "three days").replace("Call", "Mail")
    found = merging.merge(BASE, mine, theirs)
    assert found.overlaps == [Overlap(3, "It takes four days.", "It takes five days.", "It takes three days.")]
    assert found.text == "# Late\n\nIt takes five days.\n\nMail us.\n\nThanks."


def test_lines_next_to_each_other_are_an_overlap():
    found = merging.merge("- a\n- b", "- A\n- b", "- a\n- B")
    assert [one.mine for one in found.overlaps] == ["- A\n- b"]
    assert [one.theirs for one in found.overlaps] == ["- a\n- B"]


def test_both_at_the_end_are_an_overlap():
    assert merging.merge("a", "a\n\nmine", "a\n\ntheirs").overlaps == [Overlap(2, "", "\nmine", "\ntheirs")]


def test_a_paragraph_that_one_removed_and_the_other_changed_is_an_overlap():
    found = merging.merge(BASE, BASE.replace("\n\nCall us.", ""), BASE.replace("Call us.", "Mail us."))
    assert len(found.overlaps) == 1
    assert "Mail us." in found.overlaps[0].theirs


def test_the_same_change_is_taken_once():
    found = merging.merge(BASE, BASE.replace("four", "five"), BASE.replace("four", "five"))
    assert found.text.count("five") == 1
    assert found.overlaps == []
    assert found.has(Source.ALIKE)


def test_a_title_is_taken_whole():
    assert merging.one_of("Late", "Late", "Later") == "Later"
    assert merging.one_of("Late", "Later", "Late") == "Later"
    assert merging.one_of("Late", "Later", "Later") == "Later"
    assert merging.one_of("Late", "Later", "Too late") is None


@given(texts, texts, texts)
def test_the_parts_are_the_whole_of_all_three_texts(base, mine, theirs):
    """So nothing of either side is dropped: what is not in the merged text stands in an overlap."""
    parts = merging.merge(base, mine, theirs).parts
    for side, text in (("base", base), ("mine", mine), ("theirs", theirs)):
        assert "\n".join(line for part in parts for line in getattr(part, side)) == text


@given(texts, texts, texts)
def test_a_part_is_what_it_says(base, mine, theirs):
    for part in merging.merge(base, mine, theirs).parts:
        is_mine, is_theirs = part.mine != part.base, part.theirs != part.base
        match part.source:
            case Source.NOBODY:
                assert not is_mine
                assert not is_theirs
            case Source.MINE:
                assert is_mine
                assert not is_theirs
            case Source.THEIRS:
                assert is_theirs
                assert not is_mine
            case Source.ALIKE:
                assert part.mine == part.theirs
            case Source.OVERLAP:
                assert is_mine
                assert is_theirs
                assert part.mine != part.theirs


@given(texts, texts)
def test_where_one_side_changed_nothing_the_other_is_taken_as_it_is(base, changed):
    for found in (merging.merge(base, changed, base), merging.merge(base, base, changed)):
        assert found.text == changed
        assert found.overlaps == []
    assert merging.merge(base, changed, changed).text == changed


@given(texts, texts, texts)
def test_it_does_not_matter_who_is_who(base, mine, theirs):
    one, other = merging.merge(base, mine, theirs), merging.merge(base, theirs, mine)
    assert [(each.mine, each.theirs) for each in one.overlaps] == [(each.theirs, each.mine) for each in other.overlaps]
    if not one.overlaps:
        assert one.text == other.text


@given(texts, texts, texts)
def test_an_overlap_stands_where_it_says(base, mine, theirs):
    found = merging.merge(base, mine, theirs)
    lines = found.text.split("\n")
    for one in found.overlaps:
        if one.mine or lines[one.line - 1 : one.line] == [""]:
            part = one.mine.split("\n")
            assert lines[one.line - 1 : one.line - 1 + len(part)] == part


@st.composite
def edits_apart(draw):
    """A text of different lines, and two people's edits of it, none beside another's: who, where, what instead."""
    count = draw(st.integers(3, 24))
    base = [f"line {n}" for n in range(count)]
    mine, theirs, wanted = [], [], []
    free = True  # whether an edit may be here: the line before is untouched
    for n, line in enumerate(base):
        side = draw(st.sampled_from(["mine", "theirs", None, None])) if free else None
        new = [line]
        if side:
            how = draw(st.sampled_from(["change", "remove", "grow"]))
            new = {"change": [f"{line} by {side}"], "remove": [], "grow": [line, f"more by {side}, {n}"]}[how]
        mine += new if side == "mine" else [line]
        theirs += new if side == "theirs" else [line]
        wanted += new
        free = side is None
    return "\n".join(base), "\n".join(mine), "\n".join(theirs), "\n".join(wanted)


@given(edits_apart())
@settings(max_examples=300)
def test_edits_that_do_not_touch_are_all_in_the_merged_text_and_nothing_else(edits):
    base, mine, theirs, wanted = edits
    found = merging.merge(base, mine, theirs)
    assert found.overlaps == []
    assert found.text == wanted
