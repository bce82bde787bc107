"""The version that two people began with, and the page that puts their changes together."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb import draft_steps, publishing
from kb.models import Draft, DraftStep
from kb.publishing import Text
from tests.kb.test_desk import form

pytestmark = pytest.mark.django_db
BODY = "# Late\n\nIt takes four days.\n\nCall us.\n\nThank you."


@pytest.fixture
def writer(browser):
    def sign_in(name: str):
        user = User.objects.create_user(name, is_staff=True)
        user.groups.add(Group.objects.get_or_create(name="writer")[0])
        client = browser()
        client.force_login(user)
        return client

    return sign_in


def save(article, title: str, body: str, *, summary: str = "") -> None:
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text(title, summary, body), version=draft.version, by=None)


def send(client, article, opened, **changed):
    return client.post(f"/desk/articles/{article.pk}/", {**opened, **changed})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.text("ab \n", max_size=6), st.text("aäb\n🙂", max_size=40)), min_size=1, max_size=8))
def test_every_version_of_a_draft_can_be_had_again(write, saves):
    article = write("Late", publish=False)
    texts = {1: Text.of(article.draft)}
    for title, body in saves:
        save(article, title or "x", body)
        draft = Draft.objects.get(article=article)
        texts[draft.version] = Text.of(draft)
    for version, text in texts.items():
        assert draft_steps.text_at(article, version) == text


def test_what_is_not_kept_is_told_apart_from_what_is(write, monkeypatch):
    monkeypatch.setattr(draft_steps, "KEPT", 2)
    article = write("Late", publish=False)
    for n in range(6):
        save(article, "Late", f"text {n}")
    assert draft_steps.text_at(article, 7) == Text("Late", "", "text 5")
    assert draft_steps.text_at(article, 4) == Text("Late", "", "text 2")
    assert draft_steps.text_at(article, 3) is None
    assert draft_steps.text_at(article, 8) is None
    DraftStep.objects.filter(version=5).delete()
    assert draft_steps.text_at(article, 4) is None, "a way with a gap leads nowhere"


def test_a_letter_typed_into_a_long_text_leaves_a_short_step(write):
    article = write("Late", "word " * 20_000, publish=False)
    body = article.draft.body
    save(article, "Late", body[:5000] + "x" + body[5000:])
    step = DraftStep.objects.get()
    assert (step.start, step.length, step.was, step.title) == (5000, 1, "", None)


def test_changes_that_do_not_touch_are_offered_together_and_saved_only_by_the_button(write, writer):
    article, bea = write("Late", BODY), writer("bea")
    opened = form(article)
    save(article, "Late", BODY.replace("Call us.", "Write to us."), summary="Theirs")
    save(article, "Late", BODY.replace("Call us.", "Write to us!"), summary="Theirs")
    page = send(bea, article, opened, title="Later", body=BODY.replace("four", "five").replace("\n", "\r\n"))
    assert page.status_code == 409
    text = page.content.decode()
    assert "Your changes and theirs do not touch." in text
    fields = page.context["form"].initial
    assert (fields["title"], fields["summary"], fields["version"]) == ("Later", "Theirs", 3)
    assert fields["body"] == BODY.replace("Call us.", "Write to us!").replace("four", "five")
    assert Draft.objects.get(article=article).body == BODY.replace("Call us.", "Write to us!"), "nothing is saved yet"

    assert send(bea, article, fields).status_code == 302
    draft = Draft.objects.get(article=article)
    assert (draft.title, draft.summary, draft.body) == ("Later", "Theirs", fields["body"])


def test_what_both_changed_is_marked_with_both_and_the_rest_is_put_together(write, writer):
    article, bea = write("Late", BODY), writer("bea")
    opened = form(article)
    save(article, "Too late", BODY.replace("four", "three").replace("Call", "Mail"))
    page = send(bea, article, opened, title="Later", body=BODY.replace("four", "five").replace("Thank you", "Thanks"))
    text = page.content.decode()
    assert "You both changed 2 places, each in another way." in text
    assert "both changed it" in text
    for side in ("It takes four days.", "It takes three days.", "It takes five days."):
        assert f'<span class="place-text">{side}</span>' in text
    fields = page.context["form"].initial
    assert fields["title"] == "Later"
    assert fields["body"] == "# Late\n\nIt takes five days.\n\nMail us.\n\nThanks."


def test_who_had_changed_nothing_is_offered_theirs(write, writer):
    article, bea = write("Late", BODY), writer("bea")
    opened = form(article)
    save(article, "Late", "theirs")
    page = send(bea, article, opened)
    assert "You had changed nothing yet" in page.content.decode()
    assert page.context["form"].initial["body"] == "theirs"


def test_a_third_who_saves_meanwhile_is_put_together_too(write, writer):
    article, bea = write("Late", BODY), writer("bea")
    opened = form(article)
    save(article, "Late", BODY.replace("Call", "Mail"))
    fields = send(bea, article, opened, body=BODY.replace("four", "five")).context["form"].initial
    save(article, "Late", BODY.replace("Call", "Mail").replace("# Late", "# Too late"))
    again = send(bea, article, fields)
    assert again.status_code == 409
    merged = again.context["form"].initial["body"]
    assert merged == BODY.replace("four", "five").replace("Call", "Mail").replace("# Late", "# Too late")


@pytest.mark.parametrize("version", ["0", "", "-3", "999", "abc"])
def test_without_the_version_both_began_with_it_says_so_and_shows_both(write, writer, version):
    article, bea = write("Late", BODY), writer("bea")
    opened = form(article)
    save(article, "Late", "theirs")
    DraftStep.objects.all().delete()
    page = send(bea, article, {**opened, "version": version}, body="mine")
    if page.status_code == 409:
        text = page.content.decode()
        assert "is not kept any more" in text
        assert "Save mine over theirs" in text
        assert page.context["form"].initial["body"] == "mine"
    assert Draft.objects.get(article=article).body == "theirs"


def test_line_ends_of_an_import_are_nobodys_change(write, writer):
    article, bea = write("Late", BODY.replace("\n", "\r\n")), writer("bea")
    opened = form(article)
    save(article, "Late", BODY.replace("Call", "Mail").replace("\n", "\r\n"))
    page = send(bea, article, opened, body=BODY.replace("four", "five").replace("\n", "\r\n"))
    assert "do not touch" in page.content.decode()
    assert page.context["form"].initial["body"] == BODY.replace("Call", "Mail").replace("four", "five")


def choose(client, article, page, **places: str):
    kept = dict(page.context["mine"])
    return client.post(
        f"/desk/articles/{article.pk}/choose/", {**kept, **{f"place-{at}": it for at, it in places.items()}}
    )


def test_what_both_changed_is_chosen_place_by_place_and_saved_only_by_the_button(write, writer):
    article, bea = write("Late", BODY), writer("bea")
    opened = form(article)
    save(article, "Too late", BODY.replace("four", "three").replace("Call us", "Mail us").replace("# Late", "# Then"))
    mine = BODY.replace("four", "five").replace("Call us", "Ring us").replace("Thank you", "Thanks")
    page = send(bea, article, opened, title="Later", body=mine)
    assert [place["field"] for place in page.context["places"]] == ["title", "0", "1"]

    chosen = choose(bea, article, page, title="theirs", **{"0": "both", "1": "theirs"})
    fields = chosen.context["form"].initial
    assert fields["title"] == "Too late"
    assert fields["body"] == "# Then\n\nIt takes three days.\nIt takes five days.\n\nMail us.\n\nThanks."
    assert [str(place["choice"]) for place in chosen.context["places"]] == ["theirs", "both", "theirs"]
    assert Draft.objects.get(article=article).title == "Too late", "nothing is saved yet"
    assert "Ring us" not in Draft.objects.get(article=article).body

    again = choose(bea, article, chosen, title="mine", **{"0": "mine", "1": "mine"})
    assert again.context["form"].initial["body"] == ("# Then\n\nIt takes five days.\n\nRing us.\n\nThanks."), (
        "one may change one's mind: the texts of both are still there"
    )
    assert send(bea, article, again.context["form"].initial).status_code == 302
    assert Draft.objects.get(article=article).title == "Later"


def test_choices_of_a_text_that_a_third_has_saved_since_are_not_taken_for_other_places(write, writer):
    article, bea = write("Late", BODY), writer("bea")
    opened = form(article)
    save(article, "Late", BODY.replace("four", "three"))
    page = send(bea, article, opened, body=BODY.replace("four", "five"))
    save(article, "Late", BODY.replace("four", "three").replace("Call", "Mail"))
    answer = choose(bea, article, page, **{"0": "theirs"})
    assert "once more just now" in answer.content.decode()
    assert answer.context["form"].initial["body"] == BODY.replace("four", "five").replace("Call", "Mail")
    assert answer.context["form"].initial["version"] == 3


def test_nonsense_in_place_of_a_choice_is_mine(write, writer):
    article, bea = write("Late", BODY), writer("bea")
    opened = form(article)
    save(article, "Late", BODY.replace("four", "three"))
    page = send(bea, article, opened, body=BODY.replace("four", "five"))
    answer = choose(bea, article, page, **{"0": "everything", "99": "theirs"})
    assert answer.context["form"].initial["body"] == BODY.replace("four", "five")
