"""A translation knows what it was made from; its readers are told of major changes since, its editors of all."""

from __future__ import annotations

import pytest

from kb import importing, publishing, translations
from kb.models import Draft
from kb.publishing import NotAllowed, Text

pytestmark = pytest.mark.django_db

BEHIND = "The original of this answer has changed since it was translated"


@pytest.fixture
def pair(write):
    """An English original and its German translation."""
    original = write("Late", "One.")
    german = write("Verspätet", "Eins.", locale="de", translation_group=original.translation_group)
    original.refresh_from_db()
    return original, german


def change(article, body: str, *, is_major: bool = False) -> None:
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text(draft.title, draft.summary, body), version=draft.version, by=None)
    publishing.publish(article, by=None, is_major=is_major)


def standing(article) -> tuple[int | None, int, bool]:
    article.refresh_from_db()
    found = translations.standing(article)
    return (found.made_from.number if found.made_from else None, found.behind, found.is_told)


def test_a_translation_remembers_what_it_was_made_from(pair):
    assert standing(pair[1]) == (1, 0, False)
    assert translations.standing(pair[0]) is None


def test_a_minor_change_is_told_to_editors_only(pair, browser):
    original, german = pair
    change(original, "One, put better.")
    assert standing(german) == (1, 1, False)
    assert "Das Original dieser Antwort" not in browser().get("/de/a/verspatet/").content.decode()


def test_a_major_change_is_told_to_readers_until_the_translation_catches_up(pair, browser):
    original, german = pair
    change(original, "Two.", is_major=True)
    change(original, "Two, put better.")
    assert standing(german) == (1, 2, True)
    page = browser().get("/de/a/verspatet/").content.decode()
    assert "Das Original dieser Antwort wurde seit der Übersetzung geändert" in page
    assert 'href="/en/a/late/" hreflang="en"' in page
    assert BEHIND not in browser().get("/en/a/late/").content.decode()

    publishing.catch_up(german, 3)
    assert standing(german) == (3, 0, False)
    assert "Das Original dieser Antwort" not in browser().get("/de/a/verspatet/").content.decode()


def test_a_corrected_typo_in_a_translation_does_not_make_it_up_to_date(pair):
    original, german = pair
    change(original, "Two.", is_major=True)
    change(german, "Eins!")
    assert standing(german) == (1, 1, True)


def test_a_translation_that_caught_up_with_an_older_text_is_still_behind(pair):
    original, german = pair
    change(original, "Two.", is_major=True)
    change(original, "Three.", is_major=True)
    publishing.catch_up(german, 2)
    assert standing(german) == (2, 1, True)


def test_an_original_that_went_back_takes_its_major_change_back(pair):
    original, german = pair
    first = original.live_revision
    change(original, "Two.", is_major=True)
    publishing.revert(original, first, by=None)
    assert standing(german) == (1, 0, False)


def test_a_text_that_was_frozen_for_a_test_becomes_a_major_change_when_it_is_published_as_one(pair, write):
    original, german = pair
    draft = Draft.objects.get(article=original)
    publishing.save_draft(original, Text("Late", "", "Two."), version=draft.version, by=None)
    publishing.freeze(original, by=None)
    publishing.publish(original, by=None, is_major=True)
    assert standing(german)[2] is True


def test_nobody_is_told_of_an_original_that_is_archived_or_was_never_there(pair, write):
    original, german = pair
    change(original, "Two.", is_major=True)
    publishing.archive(original, by=None)
    german.refresh_from_db()
    assert translations.standing(german) is None
    assert translations.standing(write("Allein", locale="de")) is None


def test_what_the_original_never_said_is_refused(pair):
    for number in (0, 2):
        with pytest.raises(NotAllowed):
            publishing.catch_up(pair[1], number)
    with pytest.raises(NotAllowed):
        publishing.catch_up(pair[0], 1)


def test_a_translation_that_is_imported_before_its_original_is_made_from_it(tmp_path, shelf):
    shelf()
    for locale, body in (("de", "Eins."), ("en", "One.")):
        (tmp_path / locale).mkdir()
        (tmp_path / locale / "late.md").write_text(
            f"---\nid: late\ntitle: T {locale}\ncategory: delivery\nlocale: {locale}\n---\n\n{body}\n"
        )
    importing.run(tmp_path)
    german = translations.Article.objects.get(locale="de")
    assert standing(german) == (1, 0, False)
    (tmp_path / "en" / "late.md").write_text("---\nid: late\ntitle: T\ncategory: delivery\nlocale: en\n---\n\nTwo.\n")
    importing.run(tmp_path)
    assert standing(german) == (1, 1, False)


# --- the desk ----------------------------------------------------------------------------------------------------


@pytest.fixture
def reviewer(client, staff):
    client.force_login(staff("reviewer"))
    return client


def test_the_editor_shows_how_far_a_translation_is_behind_and_takes_down_that_it_is_not(pair, reviewer):
    original, german = pair
    for body in ("Two.", "Three."):
        change(original, body, is_major=body == "Two.")
    page = reviewer.get(f"/desk/articles/{german.pk}/").content.decode()
    assert "behind by 2 revisions" in page
    assert "readers of this translation are told" in page
    assert "This translation is up to date with text 3" in page
    page = reviewer.get(f"/desk/articles/{original.pk}/").content.decode()
    assert "behind by 2 revisions" in page

    reviewer.post(f"/desk/articles/{german.pk}/catch-up/", {"says": "3"})
    assert standing(german) == (3, 0, False)
    assert "up to date" in reviewer.get(f"/desk/articles/{german.pk}/").content.decode()


def test_an_original_that_changed_while_the_editor_compared_leaves_the_translation_behind(pair, reviewer):
    original, german = pair
    change(original, "Two.")
    reviewer.get(f"/desk/articles/{german.pk}/")  # says text 2
    change(original, "Three.")
    reviewer.post(f"/desk/articles/{german.pk}/catch-up/", {"says": "2"})
    assert standing(german) == (2, 1, False)


@pytest.mark.parametrize("says", ["", "x", "99", "-1", "9" * 30])
def test_a_number_that_is_no_text_changes_nothing(pair, reviewer, says):
    original, german = pair
    change(original, "Two.")
    answer = reviewer.post(f"/desk/articles/{german.pk}/catch-up/", {"says": says}, follow=True)
    assert answer.status_code == 200
    assert standing(german) == (1, 1, False)


def test_a_writer_cannot_say_that_a_translation_is_up_to_date(pair, client, staff):
    client.force_login(staff("writer"))
    assert client.post(f"/desk/articles/{pair[1].pk}/catch-up/", {"says": "1"}).status_code == 403


def test_publishing_says_whether_the_change_is_major_and_whether_the_original_is_followed(pair, reviewer):
    original, german = pair

    def publish(article, body, **more):
        draft = Draft.objects.get(article=article)
        given = {"title": draft.title, "body": body, "category": article.category_id, "visibility": "public"}
        reviewer.post(f"/desk/articles/{article.pk}/", {**given, "version": draft.version, "action": "publish", **more})

    publish(original, "Two.", is_major="on")
    assert original.revisions.first().is_major
    publish(german, "Zwei.", says="2")
    assert standing(german) == (2, 0, False)
    publish(original, "Two!")
    assert not original.revisions.first().is_major
    publish(german, "Zwei!")
    assert standing(german) == (2, 1, False)
