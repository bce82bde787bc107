"""What the editor's writing surface asks the desk for: the preview, articles to link to; and the editor's page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from kb import publishing
from kb.search import indexing


@pytest.fixture
def writer(client: Client, db: None) -> Client:
    user = User.objects.create_user("wren", is_staff=True)
    user.groups.add(Group.objects.get_or_create(name="writer")[0])
    client.force_login(user)
    return client


def choices(client: Client, words: str, locale: str = "en") -> list[dict[str, str]]:
    found: list[dict[str, str]] = client.get("/desk/articles/link-choices/", {"q": words, "locale": locale}).json()[
        "choices"
    ]
    return found


def test_the_preview_is_a_page_of_ours_for_a_frame_of_ours(writer):
    answer = writer.post(
        "/desk/articles/preview/?locale=en",
        {
            "title": "<b>Title</b>",
            "summary": "Short.",
            "body": "> [!TIP]\n> Yes.\n\n<script>alert(1)</script>\n\n|a|\n|-|",
        },
    )
    html = answer.content.decode()
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "&lt;b&gt;Title" in html
    assert '<p class="callout-label">Tip</p>' in html
    assert 'class="table-scroll"' in html
    assert "<script" not in html
    assert 'data-theme="light"' in html


@pytest.mark.parametrize(("locale", "direction"), [("es", "ltr"), ("xx", "ltr"), ("../x", "ltr"), ("", "ltr")])
def test_the_preview_is_in_the_language_of_the_article(writer, locale, direction):
    html = writer.get("/desk/articles/preview/", {"locale": locale}).content.decode()
    assert f'dir="{direction}"' in html
    assert 'lang="es"' in html if locale == "es" else 'lang="en"' in html


def test_the_editor_may_frame_our_own_pages_and_has_no_more_queries(writer, write, django_assert_max_num_queries):
    article = write("Parcels")
    with django_assert_max_num_queries(12):
        answer = writer.get(f"/desk/articles/{article.pk}/")
    assert "frame-src 'self'" in answer["Content-Security-Policy"]
    assert "script-src 'self';" in answer["Content-Security-Policy"]


def test_links_are_offered_to_published_articles_and_to_drafts_by_their_title(writer, write):
    write("Returning a parcel", "Put it in its box.")
    write("Returning a lamp", "Later.", publish=False)
    shelved = write("For us: returning", "Do it.")
    publishing.move(shelved, shelved.category, visibility="staff")
    indexing.ring()
    found = {choice["insert"]: choice["note"] for choice in choices(writer, "returning")}
    assert found["article:returning-a-parcel"] == "en"
    assert "staff only" in found["article:for-us-returning"]
    assert "works once it is published" in found["article:returning-a-lamp"]
    assert choices(writer, "  ") == []
    assert choices(writer, "100%_") == []
    assert isinstance(choices(writer, "returning", "nonsense"), list)


def test_only_who_writes_may_look(client):
    for path in ("preview/", "link-choices/", "pictures/"):
        assert client.get(f"/desk/articles/{path}").status_code == 302


@pytest.mark.parametrize("body", ["one\r\n\r\ntwo\r\n", "one\rtwo\r\nthree\n", "\n\none  \n", " \n"])
def test_saving_what_was_opened_changes_no_byte_whatever_its_line_ends(writer, write, body):
    article = write("Line ends", body, publish=False)
    # As a browser sends what its field was given.
    sent = body.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    form = {"title": "Line ends", "summary": "", "category": article.category_id, "version": 1, "body": sent}
    assert writer.post(f"/desk/articles/{article.pk}/", form).status_code == 302
    article.draft.refresh_from_db()
    assert (article.draft.body, article.draft.version) == (body, 1)
