"""The desk's list of articles: what it can be narrowed and sorted by, and what each row says."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User

from core import clock
from kb import attention, desk_list, experiments, publishing, translations, upkeep
from kb.models import Article, ArticleLink, ArticleResult, LinkState, Vote, VoteCount
from kb.publishing import Text
from tests.kb.experimenting import planned, started

pytestmark = pytest.mark.django_db
LIST = "/desk/articles/"


@pytest.fixture
def writer(browser, staff):
    client = browser()
    client.user = staff("writer")
    client.force_login(client.user)
    return client


def titles(client, query: str = "") -> list[str]:
    return [row.shown_title for row in client.get(f"{LIST}?{query}").context["articles"]]


def vote(article: Article, *, yes: int = 0, no: int = 0) -> None:
    revision = publishing.Revision.objects.get(pk=article.live_revision_id)
    for number in range(yes + no):
        Vote.objects.create(revision=revision, visitor=UUID(int=1000 + number), is_helpful=number < yes, at=clock.now())


def result(article: Article, **given) -> ArticleResult:
    now = clock.now()
    blank = {"views": 0, "readers": 0, "confirmed": 0, "linkable": 0, "contacts_after_read": 0}
    return ArticleResult.objects.create(
        article=article, **{**blank, "since": now - timedelta(days=90), "as_of": now, **given}
    )


def needs(client, article: Article) -> list[str]:
    rows = client.get(LIST).context["articles"]
    return [kind.key for row in rows if row.pk == article.pk for kind in row.reasons]


def test_words_are_found_by_their_beginning_in_texts_and_anywhere_in_titles(writer, write):
    write("Parcel is late", "We refund the postage.")
    write("Vouchers", "Ask for one.")
    assert titles(writer, "q=postag") == ["Parcel is late"]
    assert titles(writer, "q=ouch") == ["Vouchers"]
    assert titles(writer, "q=postage+parcel") == ["Parcel is late"]
    assert titles(writer, "q=postage+voucher") == []
    assert titles(writer, "q=it%27s+%5C+%3A%2A+%26") == []


def test_each_owner_has_their_articles_and_what_has_none_is_found(writer, write, staff):
    gone = staff("reviewer")
    mine, theirs, _nobodys = write("Mine"), write("Theirs"), write("Nobody's")
    upkeep.set_owner(mine, writer.user, by=None)
    upkeep.set_owner(theirs, gone, by=None)
    assert titles(writer, "owner=me") == ["Mine"]
    assert titles(writer, f"owner={gone.pk}") == ["Theirs"]
    assert titles(writer, "owner=none") == ["Nobody's"]
    User.objects.filter(pk=gone.pk).update(is_active=False)
    assert set(titles(writer, "owner=none")) == {"Nobody's", "Theirs"}, "who left looks after nothing"
    assert set(titles(writer, "needs=owner")) == {"Nobody's", "Theirs"}
    assert titles(writer, "needs=any") == [], "the row names the owner; that is no reason to press"
    gone.delete()
    theirs.refresh_from_db()
    assert theirs.owner is None


def test_what_is_due_for_review_says_so_and_is_found(writer, write):
    due, soon, later = (write(title) for title in ("Due", "Soon", "Later"))
    for article, day in ((due, 2), (soon, 20), (later, 2)):
        upkeep.set_owner(article, writer.user, by=None)
        month = 3 if article is not later else 12
        upkeep.set_date(article, date(2026, month, day), by=None)
    assert titles(writer, "review=overdue") == ["Due"]
    assert set(titles(writer, "review=soon")) == {"Due", "Soon"}
    assert titles(writer, "needs=review") == ["Due"]
    assert needs(writer, due) == ["review"]
    assert titles(writer, "sort=review")[:2] == ["Due", "Soon"]
    upkeep.set_date(due, None, by=None)
    assert titles(writer, "review=unset") == ["Due"]


def test_votes_are_counted_as_they_come_and_bad_ones_ask_for_attention(writer, write):
    good, bad, few = write("Good"), write("Bad"), write("Few")
    for article in (good, bad, few):
        upkeep.set_owner(article, writer.user, by=None)
    vote(good, yes=4, no=2)
    vote(bad, yes=2, no=4)
    vote(few, no=4)
    assert titles(writer, "needs=votes") == ["Bad"]
    assert needs(writer, bad) == ["votes"]
    assert titles(writer, "sort=-helpful") == ["Good", "Bad", "Few"]
    assert "4 of 6" in writer.get(LIST).content.decode()
    # Somebody thinks better of it; somebody's vote goes.
    Vote.objects.filter(revision=good.live_revision, is_helpful=False).first().delete()
    changed = Vote.objects.filter(revision=bad.live_revision, is_helpful=False).first()
    changed.is_helpful = True
    changed.save()
    counts = {count.revision.title: (count.yes, count.votes) for count in VoteCount.objects.select_related("revision")}
    assert counts == {"Good": (4, 5), "Bad": (3, 6), "Few": (0, 4)}


def test_votes_of_an_older_text_are_not_those_of_the_live_one(writer, write):
    article = write("Late")
    vote(article, no=6)
    publishing.save_draft(article, Text("Late", "", "Better"), version=1, by=None)
    publishing.publish(article, by=None)
    assert titles(writer, "needs=votes") == []


def test_contacts_after_reading_stand_with_their_denominator_and_sort(writer, write):
    few, many, unknown = write("Few"), write("Many"), write("Unknown")
    result(few, linkable=400, contacts_after_read=3)
    result(many, linkable=900, contacts_after_read=45)
    assert titles(writer, "sort=-contacts") == ["Many", "Few", "Unknown"]
    assert titles(writer, "sort=contacts") == ["Few", "Many", "Unknown"], "what is not known stands last both ways"
    page = writer.get(LIST).content.decode()
    assert "45 of 900" in page
    assert "As of 2 Mar 2026" in page
    assert unknown.pk


def test_an_article_under_test_says_so_and_is_found(writer, write):
    tested, planned_only = write("Tested"), write("Planned")
    running = started(tested)
    planned(planned_only)
    assert titles(writer, "state=tested") == ["Tested"]
    assert writer.get(LIST).content.decode().count("Under test</span>") == 1
    experiments.pause(running, by=None)
    assert titles(writer, "state=tested") == ["Tested"], "its text is locked all the same"
    experiments.stop(running, by=None)
    assert titles(writer, "state=tested") == []


def test_a_translation_behind_its_original_says_so(writer, write, settings):
    original = write("Late")
    translated, _new = translations.start(original, "es", by=writer.user)
    publishing.publish(translated, by=None)
    assert titles(writer, "needs=behind") == []
    publishing.save_draft(original, Text("Late", "", "More"), version=1, by=None)
    publishing.publish(original, by=None)
    assert [row.locale for row in writer.get(f"{LIST}?needs=behind").context["articles"]] == ["es"]
    publishing.catch_up(translated, 2)
    assert titles(writer, "needs=behind") == []


def test_a_translation_of_which_nobody_knows_what_it_says_is_behind(writer, write):
    original = write("Late")
    translated, _new = translations.start(original, "es", by=None)
    publishing.publish(translated, by=None)
    Article.objects.filter(pk=translated.pk).update(made_from=None)
    assert [row.locale for row in writer.get(f"{LIST}?needs=behind").context["articles"]] == ["es"]
    publishing.archive(original, by=None)
    assert titles(writer, "needs=behind") == [], "without a published original there is nothing to be behind of"


def test_an_article_without_readers_and_links_is_an_orphan(writer, write):
    now = clock.now()
    lonely, linked, read, new, unknown = (write(title) for title in ("Lonely", "Linked", "Read", "New", "Unknown"))
    old = now - timedelta(days=200)
    Article.objects.exclude(pk=new.pk).update(created_at=old)
    write("Guide", "See [that](article:linked).")
    result(lonely)
    result(linked)
    result(new)
    result(read, views=0, last_read_at=now - timedelta(days=20))
    assert titles(writer, "needs=orphan") == ["Lonely"]
    assert unknown.pk
    # The article that links to it goes: it is an orphan too.
    publishing.archive(Article.objects.get(slug="guide"), by=None)
    assert set(titles(writer, "needs=orphan")) == {"Lonely", "Linked"}


def test_an_article_on_a_shelf_without_a_name_is_an_orphan(writer, write, shelf):
    article = write("Hidden", on="attic")
    assert titles(writer, "needs=orphan") == []
    shelf("attic").texts.all().delete()
    assert titles(writer, "needs=orphan") == ["Hidden"]
    assert article.pk


def test_a_row_names_every_reason_and_a_draft_needs_nothing(writer, write):
    article = write("Late", "[x](article:nowhere)")
    upkeep.set_date(article, date(2026, 3, 1), by=None)
    assert needs(writer, article) == ["review", "links"]
    page = writer.get(f"{LIST}?needs=any").content.decode()
    for said in ("Review due", "Broken link"):
        assert said in page
    draft = write("Draft", "[x](article:nowhere)", publish=False)
    assert needs(writer, draft) == []
    assert attention.counts() == {
        "review": 1,
        "links": 1,
        "tests": 0,
        "facts": 0,
        "behind": 0,
        "votes": 0,
        "orphan": 0,
        "owner": 1,
    }


def test_every_filter_and_order_is_asked_as_often_at_any_length(writer, write, django_assert_num_queries):
    # One that each of them finds: an empty page asks less.
    first = write("One", "[x](article:nowhere)")
    publishing.save_draft(first, Text("One", "", "More"), version=1, by=None)
    upkeep.set_owner(first, writer.user, by=None)
    upkeep.set_date(first, date(2026, 3, 10), by=None)
    queries = ["", "q=one", "needs=any", "sort=-contacts", "sort=category", "state=changed", "owner=me&review=soon"]
    few = {}
    for query in queries:
        with django_assert_num_queries(8, exact=False) as asked:
            writer.get(f"{LIST}?{query}")
        few[query] = len(asked)
    for number in range(60):
        article = write(f"One more {number}", "[x](article:nowhere)")
        result(article, linkable=3, contacts_after_read=1)
        upkeep.set_owner(article, writer.user, by=None)
    for query in queries:
        with django_assert_num_queries(few[query]):
            writer.get(f"{LIST}?{query}")


def test_every_order_gives_each_article_once_over_all_pages(writer, write):
    for number in range(12):
        write("Same", slug=f"same-{number}")
    desk_list_page = desk_list.PER_PAGE
    try:
        desk_list.PER_PAGE = 5
        for sort in [*desk_list.SORTS, *(f"-{key}" for key in desk_list.SORTS)]:
            seen = [
                row.pk
                for page in (1, 2, 3)
                for row in writer.get(f"{LIST}?sort={sort}&page={page}").context["articles"]
            ]
            assert len(seen) == len(set(seen)) == 12, sort
    finally:
        desk_list.PER_PAGE = desk_list_page


def test_what_makes_no_sense_shows_the_whole_list(writer, write):
    write("One")
    for query in ("state=x", "owner=x", "category=x&needs=y", "page=-1&sort=%00", "q=%00"):
        assert titles(writer, query) == ["One"]


def test_an_analyst_sees_the_list_and_no_ticks(browser, staff, write):
    article = write("Late")
    client = browser()
    client.force_login(staff("analyst"))
    page = client.get(LIST).content.decode()
    assert 'type="checkbox"' not in page
    assert "New article" not in page
    assert f"{LIST}{article.pk}/links/" in page
    assert client.get(f"{LIST}{article.pk}/links/").status_code == 200
    assert client.post(f"{LIST}bulk/").status_code == 403


def test_the_to_do_list_counts_and_leads_to_what_it_counts(writer, write):
    article = write("Late", "[x](article:nowhere)")
    upkeep.set_owner(article, writer.user, by=None)
    page = writer.get(f"{LIST}care/").content.decode()
    assert f"{LIST}?needs=links" in page
    assert "1 of them is yours" in page
    assert "Every article was looked at in time." in page
    ArticleLink.objects.update(state=LinkState.OK)
    assert "Nothing to do." in writer.get(f"{LIST}care/").content.decode()


def test_the_to_do_list_of_an_empty_help_centre_says_what_to_do(writer):
    assert "Nothing is published yet" in writer.get(f"{LIST}care/").content.decode()
