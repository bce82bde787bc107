"""Where the parts of a chart go."""

import pytest

from analytics import charts


def test_bars_stack_from_the_bottom_and_are_as_high_as_their_numbers():
    drawn = charts.stacked([{0: 3, 1: 1}, {}, {1: 4}])
    first, empty, last = drawn.bars

    assert [segment.series for segment in first.segments] == [0, 1]
    lower, upper = first.segments
    assert lower.y + lower.height == pytest.approx(drawn.bottom)
    assert upper.y + upper.height == pytest.approx(lower.y, abs=0.02)
    assert lower.height == pytest.approx(3 * upper.height, abs=0.05)
    assert last.segments[0].height == pytest.approx(4 * upper.height, abs=0.05)
    assert (first.total, empty.total, empty.segments) == (4, 0, ())
    assert drawn.left <= first.x < empty.x < last.x + last.width <= drawn.right


@pytest.mark.parametrize(("highest", "top"), [(0, 2), (1, 2), (12, 12), (13, 16), (318, 400)])
def test_the_axis_ends_at_a_round_number_not_below_the_highest_bar(highest, top):
    assert [tick.value for tick in charts.stacked([{0: highest}]).ticks] == [0, top / 2, top]
