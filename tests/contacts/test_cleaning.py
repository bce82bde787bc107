from hypothesis import given
from hypothesis import strategies as st

from contacts import cleaning


def test_a_line_is_one_line_without_odd_white_space():
    assert cleaning.line("  a\tb\u00a0 c\x00d ") == "a b c d"


def test_a_block_keeps_its_lines_and_its_emoji():
    family = "👩\u200d👧"
    assert cleaning.block(f"one\r\ntwo\rthree\u2028four {family}\n\n") == f"one\ntwo\nthree\nfour {family}"


def test_marks_that_turn_the_direction_of_writing_are_taken_out():
    assert cleaning.line("safe\u202egpj.exe") == "safe gpj.exe"


@given(st.text())
def test_cleaning_twice_changes_no_more(text):
    assert cleaning.line(cleaning.line(text)) == cleaning.line(text)
    assert cleaning.block(cleaning.block(text)) == cleaning.block(text)


@given(st.text())
def test_a_cleaned_line_is_one_line_that_the_database_takes(text):
    assert cleaning.is_one_line(cleaning.line(text))
    assert "\x00" not in cleaning.line(text) + cleaning.block(text)
