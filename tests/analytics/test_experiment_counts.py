"""Who is counted in a test and what became of them: hand-made rows against hand-counted numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from analytics import experiment_counts, exposure_rows
from analytics.experiment_counts import Cell
from analytics.exposure_rows import Exposures
from analytics.models import Identity
from tests.analytics import history
from tests.analytics.experiments import (
    START,
    called,
    epoch,
    experiment,
    exposed,
    later,
    opened_form,
    tied,
    voted,
)  # fmt: skip

pytestmark = pytest.mark.django_db
A_SECOND = timedelta(seconds=1)


def cell(made, arm="b", *, epoch=1, now=None) -> Cell:
    counts = experiment_counts.count(made, now=now or later(8))
    return next((each for each in counts.cells if (each.arm, each.epoch) == (arm, epoch)), Cell(epoch, arm))


def test_who_contacts_us_about_it_within_the_window_was_not_resolved() -> None:
    made = experiment()
    called(exposed(made, "b"), later(3))
    exposed(made, "b")
    found = cell(made)
    assert (found.exposed, found.judged, found.contacts) == (2, 2, 1)
    assert found.successes("resolution") == (1, 2)
    assert found.successes("contact") == (1, 2)


def test_the_window_begins_with_the_exposure_and_ends_before_its_last_moment() -> None:
    made = experiment()
    called(exposed(made, "b"), START - A_SECOND)
    called(exposed(made, "b"), START)
    called(exposed(made, "b"), later(7) - A_SECOND)
    called(exposed(made, "b"), later(7))
    assert cell(made).contacts == 2


def test_nobody_is_judged_before_their_window_is_over_however_early_they_failed() -> None:
    made = experiment()
    called(exposed(made, "b"), later(1))
    early = cell(made, now=later(7) - A_SECOND)
    assert (early.exposed, early.linkable, early.mature, early.judged, early.contacts) == (1, 1, 0, 0, 0)
    assert cell(made, now=later(7)).contacts == 1


def test_contacts_that_are_not_in_yet_keep_everybody_immature() -> None:
    made = experiment()
    tied(exposed(made, "b"), "anna", START)
    history.contact(later(5), person="somebody", source="gorgias", is_heard=False)
    assert cell(made, now=later(9)).mature == 0
    history.contact(later(7), person="somebody", source="gorgias", is_heard=False)
    assert cell(made, now=later(9)).judged == 1


def test_another_topic_is_only_in_the_guard_rail_and_an_uncoded_contact_is_about_it() -> None:
    made = experiment()
    called(exposed(made, "b"), later(1), topic="returns")
    called(exposed(made, "b"), later(1), topic="")
    found = cell(made)
    assert (found.contacts, found.any_contacts) == (1, 2)


def test_of_the_rows_about_a_contact_the_newest_counts() -> None:
    made = experiment()
    visitor = exposed(made, "b")
    again = called(visitor, later(1), topic="delivery")
    called(visitor, later(1), topic="returns", contact_id=again)
    found = cell(made)
    assert (found.contacts, found.any_contacts) == (0, 1)


def test_a_contact_is_everybodys_who_is_tied_to_its_person_since_whenever() -> None:
    made = experiment()
    phone, laptop = exposed(made, "b"), exposed(made, "a")
    tied(phone, "anna", later(-30))
    tied(laptop, "anna", later(30))
    called(None, later(2), person="anna", source="gorgias")
    assert (cell(made, "b").contacts, cell(made, "a").contacts) == (1, 1)


def test_two_persons_at_one_browser_are_one_visitor() -> None:
    made = experiment()
    shared = exposed(made, "b")
    for person in ("anna", "ben"):
        tied(shared, person, START)
        called(None, later(2), person=person)
    found = cell(made)
    assert (found.exposed, found.judged, found.contacts, found.any_contacts) == (1, 1, 1, 1)


def test_contacts_of_nobody_known_are_nobodys() -> None:
    made = experiment()
    exposed(made, "b")
    called(None, later(2), person="")
    assert cell(made).contacts == 0


def test_linkable_is_who_brought_the_id_back() -> None:
    made = experiment()
    called(exposed(made, "b", is_returning=False), later(1))
    found = cell(made)
    assert (found.exposed, found.linkable, found.mature, found.judged, found.contacts) == (1, 0, 1, 0, 0)


def test_where_a_help_desk_is_connected_a_tie_from_before_the_exposure_is_asked_for() -> None:
    made = experiment()
    history.contact(later(7), person="somebody", source="gorgias", is_heard=False)
    tied(exposed(made, "b"), "before", START)
    tied(exposed(made, "b"), "after", START + A_SECOND)
    exposed(made, "b")
    assert cell(made).linkable == 1


def test_before_a_help_desk_was_connected_no_tie_is_asked_for() -> None:
    made = experiment()
    exposed(made, "b")
    exposed(made, "b", later(20))
    history.contact(later(20), person="somebody", source="gorgias", is_heard=False)
    found = cell(made, now=later(20))
    assert (found.exposed, found.linkable) == (2, 1)


def test_the_last_vote_on_the_text_they_saw_counts() -> None:
    made = experiment()
    changed, stayed = exposed(made, "b"), exposed(made, "b")
    voted(made, "b", changed, later(1), is_helpful=True)
    voted(made, "b", changed, later(2), is_helpful=False)
    voted(made, "b", stayed, later(1), is_helpful=True)
    voted(made, "b", stayed, later(8), is_helpful=False)  # the window is over
    voted(made, "a", stayed, later(3), is_helpful=False)  # another text
    found = cell(made, now=later(9))
    assert (found.denied, found.confirmed, found.voted) == (1, 1, 2)
    assert found.successes("resolution") == (1, 2)
    assert found.successes("confirmed") == (1, 2)


def test_who_said_no_and_contacted_us_is_one_failure() -> None:
    made = experiment()
    visitor = exposed(made, "b")
    voted(made, "b", visitor, later(1), is_helpful=False)
    called(visitor, later(2))
    assert cell(made).successes("resolution") == (0, 1)


def test_who_said_yes_and_contacted_us_confirmed_nothing() -> None:
    made = experiment()
    visitor = exposed(made, "b", is_returning=False)
    voted(made, "b", visitor, later(1), is_helpful=True)
    assert cell(made).successes("confirmed") == (1, 1)
    called(visitor, later(2))
    assert cell(made).successes("confirmed") == (0, 1)


def test_forms_opened_and_sent() -> None:
    made = experiment()
    sent, left = exposed(made, "b"), exposed(made, "b")
    for visitor in (sent, left):
        opened_form(visitor, later(1))
        opened_form(visitor, later(2))
    called(sent, later(1), topic="returns")
    opened_form(exposed(made, "b", START), START - A_SECOND)
    found = cell(made)
    assert (found.forms_opened, found.forms_sent) == (2, 1)


def test_epochs_are_counted_apart() -> None:
    made = experiment()
    epoch(made, 2, later(1), {"a": 1, "b": 3})
    exposed(made, "b")
    called(exposed(made, "b", later(1), epoch=2), later(2))
    assert (cell(made).judged, cell(made).contacts) == (1, 0)
    assert (cell(made, epoch=2).judged, cell(made, epoch=2).contacts) == (1, 1)


def test_who_comes_after_the_deadline_does_not_count() -> None:
    made = experiment(mode="deadline", due_at=later(3))
    exposed(made, "b", later(3))
    called(exposed(made, "b", later(3) + A_SECOND), later(4))
    found = cell(made, now=later(20))
    assert (found.exposed, found.contacts) == (1, 0)


def test_another_tests_visitors_are_not_this_ones() -> None:
    made = experiment()
    other = experiment(history.article("Send it back", topic="returns"))
    called(exposed(other, "b"), later(1))
    assert cell(made).exposed == 0


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("exposed", 5), ("linkable", 4), ("unlinkable", 1), ("mature", 4), ("judged", 3), ("contacts", 1),
        ("denied", 1), ("any_contacts", 1), ("confirmed", 0), ("voted", 1), ("forms_opened", 1), ("forms_sent", 1),
        ("resolved", 1),         ("not_contacted", 2),
    ],
)  # fmt: skip
def test_each_number_opens_on_the_exposures_that_it_counts(what: str, number: int) -> None:
    made = experiment()
    caller, denier = exposed(made, "b"), exposed(made, "b")
    exposed(made, "b")
    exposed(made, "b", is_returning=False)
    exposed(made, "b", later(7))
    opened_form(caller, later(1))
    called(caller, later(1))
    voted(made, "b", denier, later(1), is_helpful=False)
    arm = made.variants.get(key="b")
    opened = Exposures(arm, at=later(8), what=what)
    assert (opened.count(), len(opened[0:50])) == (number, number)
    counted = cell(made)
    if what in Cell.NUMBERS:
        assert getattr(counted, what) == number
    other_epoch = Exposures(arm, at=later(8), what=what, epoch=2)
    assert (other_epoch.count(), other_epoch[0:50]) == (0, [])


@pytest.mark.parametrize("what", sorted(exposure_rows.WHATEVER_CAME))
def test_a_page_that_looks_up_its_own_rows_only_says_of_them_what_all_rows_say(what: str, monkeypatch) -> None:
    made = experiment()
    caller, denier, tied = exposed(made, "b"), exposed(made, "b", later(0.1)), exposed(made, "b", later(0.2))
    for hours in range(4):
        exposed(made, "b", later(0.3 + hours / 24))
    Identity.objects.create(visitor=tied, person="p1", how="link", at=later(0))
    opened_form(caller, later(1))
    called(caller, later(1))
    called(exposed(made, "b", is_returning=False), later(1))
    called(None, later(2), person="p1")
    voted(made, "b", denier, later(1), is_helpful=False)

    def pages() -> tuple[int, list[list[exposure_rows.Row]]]:
        listed = Exposures(made.variants.get(key="b"), at=later(9), what=what)
        return listed.count(), [listed[offset : offset + 3] for offset in (0, 3, 6)]

    quick = pages()
    monkeypatch.setattr(exposure_rows, "WHATEVER_CAME", set())
    assert quick == pages()
    assert any(row.has_contact for rows in quick[1] for row in rows)


def test_the_numbers_of_a_page_do_not_grow_with_its_rows(django_assert_num_queries) -> None:
    made = experiment()
    for _ in range(5):
        exposed(made, "b")
    with django_assert_num_queries(8):  # with the savepoint and the memory
        experiment_counts.count(made, now=later(8))
