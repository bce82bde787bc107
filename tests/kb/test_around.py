"""What stands around the articles: banners, where visitors come from, neighbours, dead and old addresses."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from core import clock
from kb import categories, notices, origins, publishing, rendering
from kb.models import Article, CategoryText, Notice, Origin, Vote
from kb.porting.facts import ImportedCategory
from kb.search import indexing
from kb.views.links import words_of
from tests.kb.conftest import NOW
from tests.kb.test_help_pages import text

pytestmark = pytest.mark.django_db

EVERYWHERE = ["/en/", "/en/search/", "/en/search/?q=late", "/en/contact/"]


# --- Banners ---


@pytest.mark.parametrize("path", EVERYWHERE)
def test_a_banner_is_seen_from_its_start_to_its_end(write, browser, path):
    write("Late")
    notices.write(
        text="The <depot> is flooded.",
        starts_at=NOW + timedelta(hours=1),
        ends_at=NOW + timedelta(hours=3),
        by=None,
    )
    for hours, is_shown in [(0, False), (1, True), (2, True), (3, False)]:
        with clock.frozen(NOW + timedelta(hours=hours)):
            assert ("The &lt;depot&gt; is flooded." in text(browser().get(path))) == is_shown


def test_a_banner_in_another_language_than_the_pages_runs_its_own_way(browser):
    notices.write(text="The depot is flooded.", by=None)
    assert "<bdi>The depot is flooded.</bdi>" in text(browser().get("/ar/"))


def test_a_banner_ends_at_once(write, browser):
    notice = notices.write(text="Flooded.", by=None)
    assert "Flooded." in text(browser().get("/en/"))
    assert notices.end(notice.pk)
    assert "Flooded." not in text(browser().get("/en/"))
    assert not notices.end(notice.pk)
    assert Notice.objects.exists()  # what customers were told stays known


def test_a_scheduled_banner_that_is_ended_never_begins(write, browser):
    notice = notices.write(text="Flooded.", starts_at=NOW + timedelta(hours=1), by=None)
    assert notices.end(notice.pk)
    with clock.frozen(NOW + timedelta(hours=2)):
        assert "Flooded." not in text(browser().get("/en/"))


def test_a_banner_is_for_its_language_and_leads_to_an_article_that_everybody_may_read(write, browser):
    article = write("Late")
    notices.write(text="Inundado.", locale="es", article=article, by=None)
    assert "Inundado." not in text(browser().get("/en/"))
    assert 'href="/es/-/a/late"' in text(browser().get("/es/"))
    publishing.archive(article, by=None)
    page = text(browser().get("/es/"))
    assert "Inundado." in page
    assert "/-/a/late" not in page


def test_articles_have_no_banner(write, browser):
    write("Late")
    notices.write(text="Flooded.", by=None)
    assert "Flooded." not in text(browser().get("/en/a/late/"))


@pytest.mark.parametrize(("role", "may"), [("ops", True), ("reviewer", True), ("writer", False), ("analyst", False)])
def test_who_may_writes_and_ends_banners_on_the_desk(client, staff, write, role, may):
    write("Late")
    client.force_login(staff(role))
    assert client.get("/desk/notices/").status_code == 200
    client.post("/desk/notices/", {"text": "Flooded.", "article": "/en/a/late/", "ends_at": "2026-03-02T18:00"})
    assert Notice.objects.count() == may
    if may:
        notice = Notice.objects.get()
        assert (notice.text, notice.article.slug, notice.starts_at) == ("Flooded.", "late", NOW)
        assert (notice.ends_at - NOW) == timedelta(hours=8)
        assert "Shown now" in text(client.get("/desk/notices/"))
        client.post(f"/desk/notices/{notice.pk}/end/")
        assert "Over" in text(client.get("/desk/notices/"))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"text": ""}, "required"),
        ({"text": "x\0"}, "Null characters"),
        ({"text": "x" * 301}, "at most 300"),
        ({"text": "x", "article": "gone"}, "No published article"),
        ({"text": "x", "starts_at": "2026-03-03T10:00", "ends_at": "2026-03-02T10:00"}, "before the start"),
        ({"text": "x", "ends_at": "9999-99-99"}, "valid date"),
        ({"text": "x", "locale": "xx"}, "valid choice"),
    ],
)
def test_a_banner_that_will_not_do_says_why_and_keeps_what_was_written(client, staff, given, why):
    client.force_login(staff("ops"))
    page = client.post("/desk/notices/", given)
    assert page.status_code == 422
    assert why in text(page)
    assert not Notice.objects.exists()


def test_the_desk_says_what_to_do_where_there_is_nothing_yet(client, staff):
    client.force_login(staff("ops"))
    assert "No banners yet" in text(client.get("/desk/notices/"))
    assert "No part of the shop yet" in text(client.get("/desk/origins/"))
    assert 'href="/desk/notices/"' in text(client.get("/desk/origins/"))


# --- Where visitors come from ---


@pytest.fixture
def two_shelves(write, shelf, settings):
    settings.SHOP_HOSTS = ["www.shop.example.com"]
    write("Parcel")
    write("Card", on="payments")
    write("Voucher", on="payments")
    helped = Article.objects.get(slug="parcel")
    Vote.objects.create(revision=helped.live_revision, visitor=uuid.uuid4(), is_helpful=True, at=NOW)
    origins.add("/checkout", shelf("payments"), by=None)
    origins.add("https://www.shop.example.com/Checkout/gift-card/?x=1", shelf("delivery"), by=None)


def popular(page) -> list[str]:
    return [card.title for card in page.context["popular"]]


@pytest.mark.parametrize(
    ("query", "referer", "expected"),
    [
        ("", "", "Parcel"),
        ("?from=/checkout", "", "Card"),
        ("?from=/checkout/step/2/", "", "Card"),
        ("?from=/CHECKOUT", "", "Card"),
        ("?from=/checkouts", "", "Parcel"),
        ("?from=/checkout/gift-card/x", "", "Parcel"),
        ("?from=https://www.shop.example.com/checkout?step=2", "", "Card"),
        ("?topic=payments", "", "Card"),
        ("?topic=nonsense&from=/checkout", "", "Card"),
        ("", "https://www.shop.example.com/checkout/2", "Card"),
        ("", "http://testserver/checkout", "Card"),
        ("", "https://evil.example.com/checkout", "Parcel"),
        ("", "http://[::1", "Parcel"),
        ("?from=/unknown", "https://www.shop.example.com/checkout", "Card"),
    ],
)
def test_the_home_page_first_offers_what_people_from_there_need(two_shelves, browser, query, referer, expected):
    page = browser(**({"referer": referer} if referer else {})).get(f"/en/{query}")
    assert popular(page)[0] == expected
    if expected == "Card":
        assert popular(page) == ["Card", "Voucher"]
        assert "Answers that helped others with Payments" in text(page)


def test_a_category_without_anything_to_read_falls_back_to_what_helped(two_shelves, shelf, browser):
    origins.add("/garden", shelf("garden"), by=None)
    assert popular(browser().get("/en/?from=/garden"))[0] == "Parcel"


@pytest.mark.parametrize(("role", "may"), [("ops", True), ("writer", True), ("analyst", False)])
def test_who_may_says_on_the_desk_where_visitors_come_from(client, staff, shelf, write, browser, role, may):
    write("Card", on="payments")
    client.force_login(staff(role))
    for path in ("/account/orders/", "/account/orders"):
        client.post("/desk/origins/", {"path": path, "category": shelf("payments").pk})
    assert Origin.objects.count() == may
    if may:
        assert "/account/orders" in text(client.get("/desk/origins/"))
        client.post(f"/desk/origins/{Origin.objects.get().pk}/remove/")
        assert not Origin.objects.exists()


@pytest.mark.parametrize("path", ["checkout", "", "/", "http://[", "/" + "x" * 300, "/x\0"])
def test_an_origin_that_is_no_path_is_refused_and_says_why(client, staff, shelf, path):
    client.force_login(staff("ops"))
    page = client.post("/desk/origins/", {"path": path, "category": shelf().pk})
    assert page.status_code == 422
    assert not Origin.objects.exists()


# --- An article's page ---


def test_an_article_leads_to_the_one_before_and_after_it_on_its_shelf(write, browser):
    for title in ("B", "A", "C"):
        write(title)
    write("Aa", on="payments")
    page = browser().get("/en/a/b/").context
    assert (page["before"].title, page["after"].title) == ("A", "C")
    first = browser().get("/en/a/a/").context
    assert (first["before"], first["after"].title) == (None, "B")
    assert browser().get("/en/a/aa/").context["after"] is None


def test_neighbours_are_those_that_the_reader_may_read_in_their_language(write, browser):
    write("A")
    hidden = write("B")
    publishing.move(hidden, hidden.category, visibility="staff", ring=False)
    english = write("C")
    write("C español", locale="es", translation_group=english.translation_group)
    write("D")
    page = browser().get("/en/a/a/").context
    assert page["after"].title == "C"
    assert browser().get("/es/a/a/").context["after"].title == "C español"


def test_a_review_is_shown_until_the_text_is_newer(write, browser, client, staff):
    article = write("Late")
    client.force_login(staff("writer"))
    with clock.frozen(NOW + timedelta(days=30)):
        assert "Reviewed today, still right" in text(client.get(f"/desk/articles/{article.pk}/"))
        client.post(f"/desk/articles/{article.pk}/reviewed/")
    assert "Reviewed on 1 April 2026" in text(browser().get("/en/a/late/"))
    with clock.frozen(NOW + timedelta(days=60)):
        publishing.save_draft(article, publishing.Text("Late", "", "New"), version=1, by=None)
        publishing.publish(article, by=None, ring=False)
    assert "Reviewed on" not in text(browser().get("/en/a/late/"))


def test_only_what_is_published_can_be_reviewed(write, client, staff):
    article = write("Late", publish=False)
    client.force_login(staff("writer"))
    client.post(f"/desk/articles/{article.pk}/reviewed/")
    article.refresh_from_db()
    assert article.reviewed_at is None


def test_headings_have_links_tables_regions_and_code_the_focus_and_search_reads_none_of_it():
    rendered = rendering.render(
        "## One & *two*\n\n| a |\n|---|\n| 1 |\n\n```\ncode\n```\n\n### Two\n\n| b |\n|---|\n| 2 |"
    )
    page = rendering.for_page(rendered.html, "en", link_label='Link "to"', table_label="Table", callout_labels={})
    assert '<a class="anchor" href="#sec-one-two" aria-label="Link &quot;to&quot;: One &amp; two">#</a>' in page
    assert page.count('role="region"') == 2
    assert 'aria-label="Table 1" tabindex="0"><table>' in page
    assert 'aria-label="Table 2"' in page
    assert '<pre tabindex="0">' in page
    assert "#" not in rendered.text
    assert [heading.text for heading in rendered.headings] == ["One & two", "Two"]


def test_html_shown_as_text_is_not_taken_for_mark_up():
    html = rendering.render('A `<h2 id="x">y</h2>` and `<pre>` and `<table></table>`.').html
    assert rendering.for_page(html, "en", link_label="Link", table_label="Table", callout_labels={}) == html


# --- Dead and old addresses ---


@pytest.mark.parametrize(
    ("dead", "words"),
    [
        ("/en/a/parcel-late-help/", "en parcel late help"),
        ("/hc/en-us/articles/360012345678-My-parcel-is-late", "en us My parcel is late"),
        ("my-parcel-is-late.html", "my parcel is late"),
        ("/help/returns/how_to_return.aspx", "returns how to return"),
        ("/mein-p%C3%A4ckchen", "mein päckchen"),
        ("/mi-paquete%2520no%2520llega", "mi paquete 20no 20llega"),
        ("/طرد-متأخر/", "طرد متأخر"),
        ("/favicon.ico", ""),
        ("/wp-content/app.js", ""),
        ("/help/", "help"),
        ("/a/", ""),
        ("/123456789", "123456789"),
        ("", ""),
        ("/%00%FF", "\N{REPLACEMENT CHARACTER}".strip("\N{REPLACEMENT CHARACTER}")),
    ],
)
def test_the_words_of_a_dead_address(dead, words):
    assert words_of(dead) == words


@pytest.mark.parametrize(
    "path",
    [
        "/en/parcel-late.html",
        "/en/old/shop/parcel%20late",
        "/en/a/parcel-late.htm/",
        "/en/c/parcel-late/",
        "/parcel-late",
    ],
)
def test_a_dead_address_offers_what_its_words_find(write, browser, path):
    write("My parcel is late")
    indexing.rebuild()
    page = browser().get(path, follow=True)
    assert page.status_code == 404
    assert 'href="/en/a/my-parcel-is-late/"' in text(page)


def test_a_dead_address_speaks_the_readers_language(write, browser):
    write("Mi paquete llega tarde", locale="es")
    indexing.rebuild()
    page = browser().get("/es/paquete-tarde")
    assert page.status_code == 404
    assert 'lang="es"' in text(page)
    assert "/es/a/mi-paquete-llega-tarde/" in text(page)


def hops(client, path: str) -> list[tuple[str, int]]:
    return client.get(path, follow=True).redirect_chain


def test_many_renames_are_one_hop(write, browser):
    article = write("Late")
    for slug in ("b", "c", "d"):
        publishing.rename_slug(article, slug)
    for old in ("late", "b", "c"):
        assert hops(browser(), f"/en/a/{old}/") == [("/en/a/d/", 301)]


def test_there_and_back_again_is_no_loop(write, browser):
    article = write("Late")
    publishing.rename_slug(article, "b")
    publishing.rename_slug(article, "late")
    assert hops(browser(), "/en/a/late/") == []
    assert hops(browser(), "/en/a/b/") == [("/en/a/late/", 301)]


def test_an_old_address_goes_on_leading_to_its_article_and_is_given_to_no_other(write, browser):
    first = write("Late")
    publishing.rename_slug(first, "moved")
    second = write("Late")
    assert second.slug == "late-2"
    with pytest.raises(publishing.SlugTaken):
        publishing.rename_slug(second, "late")
    assert hops(browser(), "/en/a/late/") == [("/en/a/moved/", 301)]
    publishing.archive(first, by=None)
    assert browser().get("/en/a/late/").status_code == 404


def test_an_old_address_in_another_language_leads_to_what_the_reader_can_read(write, browser):
    english = write("Late")
    publishing.rename_slug(english, "parcel-late")
    assert hops(browser(), "/es/a/late/") == [("/es/a/parcel-late/", 302)]  # not translated: read in English
    write("Tarde", locale="es", translation_group=english.translation_group)
    assert hops(browser(), "/es/a/late/") == [("/es/a/tarde/", 302)]


def test_an_old_address_does_not_lead_to_what_is_for_staff(write, browser):
    article = write("Late")
    publishing.rename_slug(article, "secret-plans")
    publishing.move(article, article.category, visibility="staff", ring=False)
    page = browser().get("/en/a/late/")
    assert page.status_code == 404
    assert "secret-plans" not in text(page)


def test_a_category_that_was_renamed_is_still_found(write, browser):
    write("Late")
    shelf = ImportedCategory(file="", row=1, key="delivery", topic="order_status", icon="truck", name={"en": "Parcels"})
    categories.store(shelf)
    assert hops(browser(), "/en/c/delivery/") == [("/en/c/parcels/", 301)]
    CategoryText.objects.filter(locale="en").update(slug="delivery")
    assert hops(browser(), "/en/c/delivery/") == []
