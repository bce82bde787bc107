"""docs/faults.md and guards.toml name lines and tests that there are. What a guard is worth, mutate.py finds out."""

from __future__ import annotations

import re

import pytest

from config import embedded
from tests.faults import mutate

TESTS = embedded.REPOSITORY / "tests"
PAGE = (embedded.REPOSITORY / "docs" / "faults.md").read_text()
NOT_YET = {24, 31}  # there are no incidents, and no erasure


@pytest.mark.parametrize("guard", mutate.read(), ids=lambda guard: f"{guard.fault}-{guard.what.partition(':')[0]}")
def test_a_guard_can_be_taken_out_and_its_tests_are_there(guard: mutate.Guard) -> None:
    assert mutate.missing(guard) == []


def test_every_fault_has_a_guard_that_can_be_taken_out() -> None:
    assert {guard.fault for guard in mutate.read()} == set(range(1, 36)) - NOT_YET


def test_the_page_names_only_tests_that_there_are() -> None:
    there = set(re.findall(r"def (test_\w+)\(", "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))))
    files = {path.stem for path in TESTS.rglob("test_*.py")}
    named = re.findall(r"(?<![\w/])(test_\w+)(…?)", PAGE)
    assert len(named) > 40
    wrong = [
        name
        for name, cut in named
        if name not in files and not any(one == name or (cut and one.startswith(name)) for one in there)
    ]
    assert wrong == []
