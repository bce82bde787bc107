"""A page that does not answer is no quick page."""

import pytest
from django.http import HttpResponse

from bench import _analytics_screens


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_page_that_answers_other_than_200_fails_the_bench(status):
    with pytest.raises(SystemExit, match=f"/desk/: answers {status}"):
        _analytics_screens._times(lambda address: HttpResponse(status=status), "/desk/")


def test_times_are_those_after_the_first():
    p95, median, first = _analytics_screens._times(lambda address: HttpResponse(), "/desk/")
    assert 0 < median <= p95
    assert first > 0
