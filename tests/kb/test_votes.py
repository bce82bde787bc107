from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client

from core import clock, crypto, visitors
from kb import events, publishing
from kb.models import Article, Draft, Vote
from kb.publishing import Text
from tests.kb.conftest import NOW
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
    assert reader.client.post(VOTE, {"token": token, "helpful": "yes"}).status_code == 410
    assert not Vote.objects.exists()


def test_a_token_made_for_something_else_stores_nothing(reader):
    token = crypto.sign("order", [1, None])
    assert reader.client.post(VOTE, {"token": token, "helpful": "yes"}).status_code == 410
    assert not Vote.objects.exists()


@pytest.mark.parametrize(
    "answer",
    [{"helpful": "perhaps"}, {}, {"helpful": "no", "reason": "because"}],
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
    assert browser().get(VOTE)["Location"] == "/en/", "nothing to see there"
    strict = Client(enforce_csrf_checks=True, headers={"user-agent": "Mozilla/5.0"})
    given = {"token": token_on(strict.get("/en/a/late/")), "helpful": "yes"}
    for foreign in (
        {"sec-fetch-site": "cross-site", "origin": "https://evil.example.com"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example.com"},
        {"origin": "null"},
    ):
        assert strict.post(VOTE, given, headers=foreign).status_code == 403
    assert not Vote.objects.exists()
    assert strict.post(VOTE, given, headers={"origin": "http://testserver"}).status_code == 302
    assert Vote.objects.count() == 1


def test_a_no_leads_on_to_contact_with_the_article(reader):
    article = Article.objects.get()
    for more in ({}, {"reason": "unclear"}):
        reader.vote("no", **more)
        assert f'href="/en/contact/?article={article.pk}"' in reader.text
        page = reader.client.post(
            VOTE, {"token": token_of(article), "helpful": "no", **more}, headers={"hx-request": "true"}
        )
        assert f'href="/en/contact/?article={article.pk}"' in page.content.decode()


def token_of(article: Article) -> str:
    return crypto.sign("vote", [article.live_revision_id, None, article.pk])


def test_a_page_opened_before_this_release_may_still_vote(reader):
    article = Article.objects.get()
    reader.client.post(VOTE, {"token": crypto.sign("vote", [article.live_revision_id, None]), "helpful": "yes"})
    assert Vote.objects.get().revision_id == article.live_revision_id


def test_who_votes_without_end_is_asked_to_wait_and_loses_no_word(reader):
    given = {"token": token_on(reader.page), "helpful": "no", "reason": "unclear", "comment": "Which day?"}
    statuses = [reader.client.post(VOTE, given).status_code for _ in range(31)]
    assert statuses == [302] * 30 + [429]
    page = reader.client.post(VOTE, given)
    assert page.headers["Retry-After"] == "600"
    assert "That was a lot of answers at once" in page.content.decode()
    for name in ("token", "comment", "reason"):
        assert f'name="{name}" value="{given[name]}"' in page.content.decode()
    swapped = reader.client.post(VOTE, given, headers={"hx-request": "true"})
    assert (swapped.status_code, "Try again" in swapped.content.decode()) == (200, True)
    with clock.frozen(NOW + timedelta(minutes=11)):
        assert reader.client.post(VOTE, given).status_code == 302
    assert Vote.objects.count() == 1


def test_a_network_has_a_limit_too_and_other_networks_have_their_own(write, browser):
    article = write("Late")
    given = {"token": token_of(article), "helpful": "yes"}
    statuses = [browser().post(VOTE, given, REMOTE_ADDR="192.0.2.1").status_code for _ in range(302)]
    assert statuses.count(429) == 2
    assert browser().post(VOTE, given, REMOTE_ADDR="192.0.2.2").status_code == 302


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


def test_as_many_lines_as_the_box_allows_are_kept(reader):
    """A browser counts a line's end as one character and sends it as two."""
    reader.vote("no")
    written = "\r\n".join(["123456789"] * 100)
    reader.vote("no", comment=written)
    assert Vote.objects.get().comment == written.replace("\r\n", "\n")
    assert "An editor will read this" in reader.text


def test_no_comment_costs_the_answer(reader):
    reader.vote("no", reason="wrong", comment="\0Since\x1b May\x07" + "x" * 2000)
    vote = Vote.objects.get()
    assert (vote.reason, vote.comment[:12], len(vote.comment)) == ("wrong", "Since Mayxxx", 1000)


@pytest.mark.parametrize("is_htmx", [False, True])
def test_a_page_that_was_open_for_a_month_says_so_in_place_of_the_buttons(reader, monkeypatch, is_htmx):
    token = token_on(reader.page)
    later = crypto.signing.time.time() + 31 * 86_400
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    headers = {"HX-Request": "true"} if is_htmx else {}
    answer = reader.client.post(VOTE, {"token": token, "helpful": "yes"}, headers=headers)
    assert answer.status_code == (200 if is_htmx else 410), "htmx swaps in nothing else"
    said = answer.content.decode()
    assert "open for too long" in said
    assert 'href="/en/a/late/"' in said, "the way back to the article"
    assert ("<html" in said) is not is_htmx
    assert not Vote.objects.exists()
