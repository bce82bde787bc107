"""A fact is written once: in articles as they are frozen, in those that are live when it changes, in search."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from core import clock
from core.models import AuditEntry
from kb import desk_list, experiments, facts, pieces, publishing, refilling, used_in
from kb.models import Article, ArticleState, Draft, Piece, PieceUse, Revision
from kb.piece_uses import Unfillable
from kb.pieces import ChangedMeanwhile, Refused, StillUsed
from kb.publishing import Text
from kb.search import indexing, query
from tests.kb.conftest import NOW

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def fact(key: str, says: str | dict[str, str], kind: str = "duration", **more: Any) -> Piece:
    written = {"": says} if isinstance(says, str) else says
    more.setdefault("name", key.replace("-", " ").capitalize())
    return pieces.create(
        sort="fact", key=key, kind=kind, values=pieces.read_values(kind, written), by=more.pop("by", None), **more
    )


def block(key: str, says: str | dict[str, str]) -> Piece:
    written = {"": says} if isinstance(says, str) else says
    return pieces.create(
        sort="block", key=key, kind="markdown", name=key, values=pieces.read_values("markdown", written), by=None
    )


def change(piece: Piece, says: str | dict[str, str], at: datetime | None = None, by=None):
    values = pieces.read_values(piece.kind, {"": says} if isinstance(says, str) else says)
    return pieces.change(piece, values, seen=pieces.newest(piece), by=by, effective_at=at)


def live(article: Article) -> Revision:
    return Article.objects.select_related("live_revision").get(pk=article.pk).live_revision


def test_a_revision_says_the_value_and_keeps_the_placeholder(write):
    fact("return-window", "30 days")
    article = write(
        "Return within {{fact:return-window}}", "You have {{fact:return-window}}.", summary="In {{fact:return-window}}."
    )
    revision = live(article)
    assert (revision.title, revision.summary) == ("Return within 30 days", "In 30 days.")
    assert (revision.html, revision.text) == ("<p>You have 30 days.</p>", "You have 30 days.")
    assert revision.body == "You have {{fact:return-window}}."
    assert Text.of(revision) == Text.of(Draft.objects.get(article=article))
    assert article.slug == "return-within"


def test_each_language_says_it_in_its_own_words(write):
    fact("return-window", "30 days")
    fact("free-delivery", {"": "£50", "es": "€100"}, kind="money")
    english = write("A", "{{fact:return-window}}, {{fact:free-delivery}}")
    spanish = write("B", "{{fact:return-window}}, {{fact:free-delivery}}", locale="es")
    assert live(english).text == "30 days, £50"
    assert live(spanish).text == "30 días, 100 €"


def test_publishing_is_refused_where_a_placeholder_cannot_be_filled(write):
    fact("return-window", "30 days")
    article = write("Late", "One\n\n{{fact:return-window}} {{fact:no-such}}\n\nsee {{block:none}}", publish=False)
    with pytest.raises(Unfillable) as caught:
        publishing.publish(article, by=None, ring=False)
    assert "{{fact:no-such}} (line 3): there is no such fact" in str(caught.value)
    assert "{{block:none}} (line 5)" in str(caught.value)
    article.refresh_from_db()
    assert article.state == ArticleState.DRAFT
    assert not article.revisions.exists()


def test_a_fact_that_says_nothing_yet_cannot_be_published(write):
    fact("sale-ends", "2026-04-01", kind="date", effective_at=NOW + DAY)
    with pytest.raises(Unfillable, match="no value yet"):
        write("Sale", "Until {{fact:sale-ends}}.")


def test_a_title_that_its_facts_make_too_long_is_refused(write):
    fact("words", "x" * 190, kind="text")
    with pytest.raises(publishing.PublishingError, match="more than 200 characters"):
        write("A title with {{fact:words}}")


def test_a_text_without_placeholders_costs_no_query_more(write, django_assert_num_queries):
    with django_assert_num_queries(0):
        facts.fill("A title", "A summary", "A body with {{ other }} braces", locale="en")


def test_a_change_makes_one_minor_revision_of_each_live_text(write):
    window = fact("return-window", "30 days")
    first, second = write("A", "You have {{fact:return-window}}."), write("B", "No facts.")
    archived = write("C", "{{fact:return-window}}")
    publishing.archive(archived, by=None)
    change(window, "45 days")
    assert refilling.run() == refilling.Done(changed=1)
    revision = live(first)
    assert (revision.number, revision.text, revision.comment) == (
        2,
        "You have 45 days.",
        "Return window: 30 days → 45 days",
    )
    assert (revision.created_by, revision.is_major, revision.body) == (None, False, "You have {{fact:return-window}}.")
    assert live(second).number == 1
    assert archived.revisions.count() == 1
    assert first.revisions.get(number=1).text == "You have 30 days."
    assert refilling.run() == refilling.Done()
    assert first.revisions.count() == 2


def test_search_finds_the_value_and_follows_it(write):
    window = fact("return-window", "30 days")
    write("Sending back", "You have {{fact:return-window}} of time.")
    indexing.apply_changes()
    assert query.find("30 days", locale="en").total == 1
    change(window, "45 days")
    refilling.run()
    indexing.apply_changes()
    assert [row.title for row in query.find("45 days", locale="en").results] == ["Sending back"]


def test_the_public_page_follows(write, browser):
    window = fact("return-window", "30 days")
    article = write("Sending back", "You have {{fact:return-window}} of time.")
    client = browser()
    assert "30 days" in client.get(f"/en/a/{article.slug}/").content.decode()
    change(window, "45 days")
    refilling.run()
    page = client.get(f"/en/a/{article.slug}/").content.decode()
    assert "45 days" in page
    assert "30 days" not in page


def test_a_scheduled_change_takes_effect_by_itself(write):
    window = fact("return-window", "30 days")
    article = write("A", "{{fact:return-window}}")
    change(window, "45 days", at=NOW + 2 * DAY)
    assert refilling.run() == refilling.Done()
    with clock.frozen(NOW + 2 * DAY - timedelta(seconds=1)):
        assert refilling.run() == refilling.Done()
        assert facts.value("return-window", "en") == "30 days"
    with clock.frozen(NOW + 5 * DAY):  # nothing ran for three days
        assert refilling.run().changed == 1
        assert facts.value("return-window", "en") == "45 days"
        assert live(article).created_at == NOW + 5 * DAY
    assert facts.value("return-window", "en", NOW + 2 * DAY) == "45 days"


def test_a_scheduled_change_can_be_taken_back_until_its_moment(write):
    window = fact("return-window", "30 days")
    version = change(window, "45 days", at=NOW + DAY)
    pieces.withdraw(version, by=None)
    with clock.frozen(NOW + 2 * DAY):
        assert facts.value("return-window", "en") == "30 days"
        with pytest.raises(Refused):
            pieces.withdraw(window.versions.first(), by=None)


def test_a_change_of_another_language_makes_no_revision(write):
    window = fact("return-window", "30 days")
    article = write("A", "{{fact:return-window}}")
    change(window, {"": "30 days", "es": "60 days"})
    assert refilling.run() == refilling.Done(the_same=1)
    assert refilling.run() == refilling.Done()
    assert live(article).number == 1


def test_a_block_and_the_facts_in_it_reach_the_article(write):
    window = fact("return-window", "30 days")
    returns = block("returns", {"": "> In {{fact:return-window}}.", "es": "> Hasta {{fact:return-window}}."})
    english, spanish = write("A", "Text\n\n{{block:returns}}"), write("B", "{{block:returns}}", locale="es")
    assert live(english).text == "Text\nIn 30 days."
    assert live(spanish).text == "Hasta 30 días."
    change(window, "45 days")
    refilling.run()
    assert live(english).text == "Text\nIn 45 days."
    change(returns, "> Up to **{{fact:return-window}}**.")
    refilling.run()
    assert live(english).html.endswith("<p>Up to <strong>45 days</strong>.</p>\n</blockquote>")
    assert live(english).comment == "block “returns” changed"
    assert live(spanish).text == "Up to 45 días."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{block:other}}", "cannot hold another block"),
        ("{{fact:no-such}}", "no such fact"),
        ("```\ncode", "not closed"),
        ("  ", "Write what it says"),
    ],
)
def test_a_block_that_would_break_its_articles_is_refused(text, why):
    with pytest.raises(Refused, match=why):
        block("note", text)


def test_the_draft_is_left_alone_and_the_article_shows_no_unpublished_change(write):
    window = fact("return-window", "30 days")
    article = write("A", "{{fact:return-window}}")
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text("A", "", "{{fact:return-window}} and more"), version=draft.version, by=None)
    change(window, "45 days")
    refilling.run()
    assert live(article).text == "45 days"
    assert Draft.objects.get(article=article).body == "{{fact:return-window}} and more"


def test_what_was_archived_says_what_is_so_when_it_comes_back(write):
    window = fact("return-window", "30 days")
    article = write("A", "{{fact:return-window}}")
    publishing.archive(article, by=None)
    change(window, "45 days")
    publishing.publish(article, by=None)
    assert live(article).text == "45 days"


def test_an_earlier_text_comes_back_with_todays_facts(write):
    window = fact("return-window", "30 days")
    article = write("A", "Old: {{fact:return-window}}")
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text("A", "", "New"), version=draft.version, by=None)
    publishing.publish(article, by=None)
    change(window, "45 days")
    refilling.run()
    publishing.revert(article, article.revisions.get(number=1), by=None)
    assert live(article).text == "Old: 45 days"
    assert live(article).number == 3


def test_a_translation_stays_up_to_date_with_an_original_that_a_fact_changed(write):
    window = fact("return-window", "30 days")
    original = write("A", "{{fact:return-window}}")
    translation = write("B", "{{fact:return-window}}", locale="es", translation_group=original.translation_group)
    assert translation.made_from == live(original)
    change(window, "45 days")
    refilling.run()
    translation.refresh_from_db()
    assert translation.made_from == live(original)


def under_test(article: Article, other: str) -> Any:
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text(draft.title, "", other), version=draft.version, by=None)
    challenger = publishing.freeze(article, by=None)
    experiment = experiments.create(
        article,
        name="Two texts",
        control=experiments.Arm("a", live(article)),
        others=[experiments.Arm("b", challenger)],
        by=None,
    )
    experiments.start(experiment, by=None)
    return experiment


@pytest.mark.parametrize(
    ("control", "challenger", "stops"),
    [
        ("You have {{fact:return-window}}.", "No number.", True),
        ("No number.", "You have {{fact:return-window}}.", True),
        ("No number.", "None either.", False),
    ],
)
def test_a_test_whose_texts_would_be_false_is_stopped_and_that_is_written_down(write, control, challenger, stops):
    window = fact("return-window", "30 days")
    article = write("A", control)
    experiment = under_test(article, challenger)
    change(window, "45 days")
    refilling.run()
    experiment.refresh_from_db()
    assert experiment.state == ("stopped" if stops else "running")
    entries = AuditEntry.objects.filter(action="experiment.stopped")
    assert [entry.detail["why"] for entry in entries] == (["Return window: 30 days → 45 days"] if stops else [])
    assert live(article).text == control.replace("{{fact:return-window}}", "45 days")


def test_a_test_with_a_text_that_is_no_longer_true_does_not_start(write):
    window = fact("return-window", "30 days")
    article = write("A", "No number.")
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text("A", "", "{{fact:return-window}}"), version=draft.version, by=None)
    challenger = publishing.freeze(article, by=None)
    change(window, "45 days")
    refilling.run()
    arms = experiments.Arm("a", live(article)), [experiments.Arm("b", challenger)]
    experiment = experiments.create(article, name="T", control=arms[0], others=arms[1], by=None)
    with pytest.raises(experiments.ExperimentError, match="A fact"):
        experiments.start(experiment, by=None)


def test_a_live_text_whose_fact_has_no_value_any_more_shows_nothing_there_and_is_found(write):
    window = fact("return-window", "30 days", effective_at=None)
    article = write("A", "You have {{fact:return-window}} to decide.")
    window.versions.update(withdrawn_at=NOW)  # by a hand in the database; the desk does not let it come to this
    refilling.run()
    assert live(article).text == "You have to decide."
    assert PieceUse.objects.filter(version=None, revision=live(article)).exists()
    assert refilling.run() == refilling.Done()


def test_one_that_is_used_cannot_be_taken_out_of_use(write):
    window = fact("return-window", "30 days")
    block("returns", "In {{fact:return-window}}.")
    published = write("A", "{{fact:return-window}}")
    write("B", "{{ fact:return-window }}", publish=False)
    with pytest.raises(StillUsed) as caught:
        pieces.archive(window, by=None)
    uses = caught.value.uses
    assert [(use.title, use.is_live) for use in uses.articles] == [("A", True), ("B", False)]
    assert [piece.key for piece in uses.blocks] == ["returns"]
    assert uses.total >= 3
    assert Piece.objects.get(pk=window.pk).archived_at is None
    assert live(published).text == "30 days"


def test_one_that_nothing_uses_is_taken_out_and_brought_back(write):
    window = fact("return-window", "30 days")
    pieces.archive(window, by=None)
    with pytest.raises(Unfillable):
        write("A", "{{fact:return-window}}")
    pieces.bring_back(window, by=None)
    assert live(write("B", "{{fact:return-window}}")).text == "30 days"
    entries = AuditEntry.objects.filter(action__startswith="fact.").order_by("pk")
    actions = entries.values_list("action", flat=True)
    assert list(actions) == ["fact.created", "fact.archived", "fact.restored"]


def test_a_change_over_a_change_that_the_editor_did_not_see_is_refused():
    window = fact("return-window", "30 days")
    seen = pieces.newest(window)
    change(window, "45 days")
    with pytest.raises(ChangedMeanwhile):
        pieces.change(window, pieces.read_values("duration", {"": "60 days"}), seen=seen, by=None)
    assert facts.value("return-window", "en") == "45 days"


def test_a_moment_that_has_passed_is_refused():
    with pytest.raises(Refused, match="passed"):
        change(fact("return-window", "30 days"), "45 days", at=NOW - DAY)


def test_the_same_again_is_no_change(write):
    window = fact("return-window", "30 days")
    assert change(window, "30 days") is None
    assert window.versions.count() == 1


@pytest.mark.parametrize("key", ["Return window", "-x", "a--b", "", "new", "x" * 61, "ü"])
def test_a_key_that_texts_cannot_hold_is_refused(key):
    with pytest.raises(Refused) as caught:
        fact(key, "30 days", name="x")
    assert caught.value.field == "key"


def test_a_key_is_given_once_for_facts_and_once_for_blocks():
    fact("returns", "30 days")
    block("returns", "Text")
    with pytest.raises(Refused, match="already"):
        fact("returns", "31 days")


def test_who_changed_what_is_in_the_audit_log(staff):
    editor = staff("reviewer")
    window = fact("return-window", "30 days", by=editor)
    change(window, "45 days", by=editor)
    change(window, "60 days", at=NOW + DAY, by=editor)
    entries = AuditEntry.objects.filter(by=editor).order_by("pk")
    assert [entry.action for entry in entries] == ["fact.created", "fact.changed", "fact.scheduled"]
    assert entries[1].detail["change"] == "Return window: 30 days → 45 days"
    assert entries[2].detail["at"] == (NOW + DAY).isoformat()


def test_the_preview_shows_what_each_place_would_say(write):
    window = fact("return-window", "30 days")
    block("returns", "In {{fact:return-window}}.")
    direct = write("Sending back", "You have {{fact:return-window}}.\n\nBye.")
    through = write("Exchange", "{{block:returns}}")
    under_test(through, "Other words.")
    preview = used_in.preview(window, pieces.read_values("duration", {"": "45 days"}))
    assert [(effect.label, effect.lines) for effect in preview.changed] == [
        ("Sending back", [("You have 30 days.", "You have 45 days.")]),
        ("Exchange", [("In 30 days.", "In 45 days.")]),
        ("returns", [("In 30 days.", "In 45 days.")]),
    ]
    assert (preview.tests, preview.same) == (1, 0)
    assert live(direct).number == 1


def test_a_run_that_is_cut_off_is_gone_on_with(write):
    window = fact("return-window", "30 days")
    for number in range(5):
        write(f"A{number}", "{{fact:return-window}}")
    change(window, "45 days")
    first = refilling.run(seconds=0)
    assert (first.changed, first.is_all) == (1, False)
    assert used_in.progress(window) == (1, 5)
    assert refilling.run() == refilling.Done(changed=4)
    assert used_in.progress(window) == (5, 5)


def test_values_of_several_facts_cost_one_query(django_assert_num_queries):
    fact("a", "30 days")
    fact("b", "£5", kind="money")
    with django_assert_num_queries(1):
        assert facts.values(["a", "b", "none"], "en") == {"a": "30 days", "b": "£5"}


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_revision_of_each_article(write):
    window = fact("return-window", "30 days")
    articles = [write(f"A{number}", "{{fact:return-window}}") for number in range(12)]
    change(window, "45 days", at=NOW + DAY)
    start = threading.Barrier(2)
    done: list[refilling.Done] = []

    def work() -> None:
        with clock.frozen(NOW + DAY):
            start.wait()
            done.append(refilling.run())
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(each.changed for each in done) == 12
    assert [article.revisions.count() for article in articles] == [2] * 12


def test_a_fact_in_the_summary_makes_no_article_look_changed_in_the_list(write):
    values = pieces.read_values("duration", {"": "30 days"})
    pieces.create(sort="fact", key="window", kind="duration", name="Window", values=values, by=None)
    article = write("Returns", summary="Within {{fact:window}}.")
    article.refresh_from_db()
    assert article.live_revision.summary == "Within 30 days."
    [row] = desk_list.rows([article.pk])
    assert not row.is_changed


def test_one_worker_at_a_time_fills_in_and_the_next_goes_on(write):
    hours = fact("hours", "30 days")
    write("Late", "Within {{fact:hours}}.")
    values = pieces.read_values(hours.kind, {"": "45 days"})
    pieces.change(hours, values, seen=pieces.newest(hours), by=None)
    is_held, may_go = threading.Event(), threading.Event()

    def other_worker() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [refilling._LOCK])
            is_held.set()
            may_go.wait(20)
            cursor.execute("SELECT pg_advisory_unlock(%s)", [refilling._LOCK])
        connection.close()

    other = threading.Thread(target=other_worker)
    other.start()
    try:
        assert is_held.wait(20)
        assert refilling.work() is None
    finally:
        may_go.set()
        other.join()
    assert refilling.work() == refilling.Done(changed=1)
