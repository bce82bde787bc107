from __future__ import annotations

import re

import pytest
from django.test import Client

from core import crypto, visitors
from kb import events, publishing
from kb.models import Article, Draft, Vote
from kb.publishing import Text
from tests.kb.test_help_pages import start_test

pytestmark = pytest.mark.django_db

VOTE = "/en/vote/"


def token_on(page) -> str:
    return re.search(r'name="token" value="([^"]+)"', page.content.decode())[1]


class Reader:
    """A visitor without JavaScript who has opened the article."""

    def __init__(self, client, path: str = "/en/a/late/") -> None:
        self.client, self.path = client, path
        self.page = client.get(path)

    def vote(self, helpful: str, **more: str):
        """Press the button; the page that comes back."""
        self.page = self.client.post(VOTE, {"token": token_on(self.page), "helpful": helpful, **more}, follow=True)
        return self.page

    @property
    def text(self) -> str:
        return self.page.content.decode()


@pytest.fixture
def reader(write, browser):
    write("Late", "Text A")
    return Reader(browser())


def test_yes_without_javascript_leads_back_to_the_article_with_thanks(reader):
    reader.vote("yes")
    assert reader.page.redirect_chain == [("/en/a/late/?voted=yes#vote", 302)]
    assert "Glad that helped" in reader.text
    vote = Vote.objects.get()
    assert (vote.is_helpful, vote.revision.body) == (True, "Text A")
    assert str(vote.visitor) == reader.client.cookies[visitors.COOKIE].value


def test_no_asks_why_and_the_answer_is_kept(reader):
    reader.vote("no")
    assert 'name="reason" value="unclear"' in reader.text
    reader.vote("no", reason="unclear", comment="Which day?")
    assert "An editor will read this" in reader.text
    vote = Vote.objects.get()
    assert (vote.is_helpful, vote.reason, vote.comment) == (False, "unclear", "Which day?")


def test_the_latest_word_counts(reader):
    token = token_on(reader.page)
    reader.vote("no", reason="wrong", comment="It is")
    reader.client.post(VOTE, {"token": token, "helpful": "yes"})
    vote = Vote.objects.get()
    assert (vote.is_helpful, vote.reason, vote.comment) == (True, "", "")


def test_no_pressed_twice_keeps_the_reason(reader):
    token = token_on(reader.page)
    reader.vote("no", reason="wrong")
    reader.client.post(VOTE, {"token": token, "helpful": "no"})
    assert Vote.objects.get().reason == "wrong"


def test_each_visitor_has_a_vote_and_each_text(reader, browser, write):
    reader.vote("yes")
    Reader(browser()).vote("no")
    assert Vote.objects.count() == 2
    article = Vote.objects.first().revision.article
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text("Late", "", "Text, better"), version=draft.version, by=None)
    publishing.publish(article, by=None)
    reader.page = reader.client.get("/en/a/late/")
    assert "Did this answer your question?" in reader.text
    reader.vote("yes")
    assert Vote.objects.count() == 3


def test_the_vote_is_for_the_text_that_was_shown_though_another_is_live_by_now(reader):
    article_token = token_on(reader.page)
    article = Article.objects.get()
    shown = article.live_revision
    publishing.save_draft(article, Text("Late", "", "New"), version=1, by=None)
    publishing.publish(article, by=None)
    reader.client.post(VOTE, {"token": article_token, "helpful": "yes"})
    assert Vote.objects.get().revision == shown


def test_the_vote_knows_the_variant(write, browser):
    start_test(write("Late", "Text A"))
    for _ in range(60):  # both arms within 60 visitors, but for one run in 2 to the 59th
        Reader(browser()).vote("yes")
        if Vote.objects.values("variant").distinct().count() == 2:
            break
    assert all(vote.variant.revision_id == vote.revision_id for vote in Vote.objects.all())
    assert {vote.variant.key for vote in Vote.objects.all()} == {"a", "b"}


def test_with_htmx_only_the_box_comes_back(reader):
    page = reader.client.post(VOTE, {"token": token_on(reader.page), "helpful": "no"}, headers={"hx-request": "true"})
    assert page.status_code == 200
    assert page.content.decode().strip().startswith("<section")
    assert 'name="reason"' in page.content.decode()
    assert "<html" not in page.content.decode()
    assert Vote.objects.count() == 1


@pytest.mark.parametrize("token", ["", "rubbish", "1:2:3"])
def test_a_token_that_is_not_ours_stores_nothing(reader, token):
    assert reader.client.post(VOTE, {"token": token, "helpful": "yes"}).headers["Location"] == "/en/"
    assert not Vote.objects.exists()


def test_a_token_made_for_something_else_stores_nothing(reader):
    token = crypto.sign("order", [1, None])
    assert reader.client.post(VOTE, {"token": token, "helpful": "yes"}).headers["Location"] == "/en/"
    assert not Vote.objects.exists()


@pytest.mark.parametrize(
    "answer",
    [{"helpful": "perhaps"}, {}, {"helpful": "no", "reason": "because"}, {"helpful": "no", "comment": "x" * 1001}],
)
def test_an_answer_that_the_form_does_not_have_stores_nothing(reader, answer):
    page = reader.client.post(VOTE, {"token": token_on(reader.page), **answer})
    assert page.headers["Location"] == "/en/a/late/?voted=#vote"
    assert not Vote.objects.exists()


def test_who_is_not_counted_is_told_so(write, browser):
    write("Late")
    reader = Reader(browser(**{"sec-gpc": "1"}))
    reader.vote("no")
    assert "asks not to be counted" in reader.text
    assert not Vote.objects.exists()


def test_a_vote_on_a_text_that_is_gone_is_no_error(reader):
    token = token_on(reader.page)
    Article.objects.update(state="draft", live_revision=None)
    Article.objects.get().delete()
    assert reader.client.post(VOTE, {"token": token, "helpful": "yes"}).headers["Location"] == "/en/?voted=yes#vote"
    assert not Vote.objects.exists()


def test_voting_needs_a_post_with_the_sites_own_form(write, browser):
    write("Late")
    assert browser().get(VOTE).status_code == 405
    strict = Client(enforce_csrf_checks=True, headers={"user-agent": "Mozilla/5.0"})
    page = strict.get("/en/a/late/")
    assert strict.post(VOTE, {"token": token_on(page), "helpful": "yes"}).status_code == 403


def test_others_are_told_of_the_vote(reader, django_capture_on_commit_callbacks):
    heard = []

    def hear(event, **_):
        heard.append(event)

    events.voted.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        reader.vote("no", reason="incomplete")
    events.voted.disconnect(hear)
    (event,) = heard
    assert (event.is_helpful, event.reason, event.topic) == (False, "incomplete", "order_status")


def test_the_page_that_comes_back_after_a_vote_is_no_second_view(reader, django_capture_on_commit_callbacks):
    heard = []

    def hear(event, **_):
        heard.append(event)

    events.article_viewed.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        reader.vote("no")
        reader.vote("no", reason="unclear")
    events.article_viewed.disconnect(hear)
    assert heard == []
