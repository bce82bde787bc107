"""Links in articles: found in the text, and known to lead nowhere as soon as they do."""

from __future__ import annotations

import pytest

from kb import care, publishing, rendering, translations
from kb.linking import extracting, internal
from kb.models import Article, ArticleLink, Category, CategoryText, LinkKind, LinkState
from kb.publishing import Text

EDIT = "/desk/articles/"


def found(markdown: str) -> list[tuple[str, str, str]]:
    html = rendering.render(markdown).html
    links = extracting.links(html, own_hosts={"help.example.com"})
    return [(link.kind, link.address, link.reference) for link in links]


def test_the_kinds_are_the_models_words():
    ours = {extracting.ARTICLE, extracting.CATEGORY, extracting.PAGE, extracting.EXTERNAL, extracting.PICTURE}
    assert ours == set(LinkKind.values)


@pytest.mark.parametrize(
    ("markdown", "link"),
    [
        ("[x](article:late)", ("article", "/-/a/late", "late")),
        ("[x](article:late#when)", ("article", "/-/a/late", "late")),
        ("[x](article:zendesk/12)", ("article", "/-/a/zendesk%2F12", "zendesk/12")),
        ("[x](article:où)", ("article", "/-/a/o%C3%B9", "où")),
        ("[x](/en/a/late/)", ("article", "/en/a/late/", "late")),
        ("[x](/pt-br/a/late)", ("article", "/pt-br/a/late", "late")),
        ("[x](https://help.example.com/en/a/late/?a=1#b)", ("article", "/en/a/late/?a=1", "late")),
        ("[x](/en/c/returns/)", ("category", "/en/c/returns/", "returns")),
        ("[x](/en/contact/)", ("page", "/en/contact/", "")),
        ("[x](https://help.example.com)", ("page", "/", "")),
        ("[x](https://shop.example.com/a/b)", ("external", "https://shop.example.com/a/b", "")),
        ("[x](//shop.example.com/b)", ("external", "//shop.example.com/b", "")),
        ("![x](/pictures/1.webp)", ("picture", "/pictures/1.webp", "")),
    ],
)
def test_each_kind_of_link_is_told_apart(markdown, link):
    assert found(markdown) == [link]


@pytest.mark.parametrize("markdown", ["[x](#part)", "[x](mailto:a@example.com)", "[x](tel:+44)", "x", "[x]()"])
def test_what_leads_to_no_page_is_left_out(markdown):
    assert found(markdown) == []


def test_an_address_stands_once_with_its_first_words():
    html = rendering.render("[the *late* page](article:late) and [again](article:late#x), ![a lamp](/p/l.webp)").html
    links = extracting.links(html, own_hosts=())
    assert [(link.address, link.text) for link in links] == [("/-/a/late", "the late page"), ("/p/l.webp", "a lamp")]


def test_an_address_that_no_browser_takes_is_left_out_and_breaks_nothing():
    assert extracting.links(f'<a href="https://example.com/{"x" * 3000}">x</a>', own_hosts=()) == []
    assert extracting.links('<a href="http://[::1">x</a>', own_hosts=())[0].kind == "external"


def states() -> dict[str, tuple[str, str]]:
    return {link.reference: (link.state, link.trouble) for link in ArticleLink.objects.all()}


def save(article: Article, body: str) -> None:
    draft = article.draft
    draft.refresh_from_db()
    publishing.save_draft(article, Text(draft.title, draft.summary, body), version=draft.version, by=None)


@pytest.mark.django_db
class TestWithinTheSite:
    def test_a_link_is_broken_until_its_article_is_published_and_again_once_it_is_archived(self, write):
        write("Guide", "[late](article:late)")
        assert states() == {"late": ("broken", "no_article")}
        late = write("Late", publish=False)
        internal.refresh()
        assert states() == {"late": ("broken", "not_published")}
        publishing.publish(late, by=None)
        assert states() == {"late": ("ok", "")}
        publishing.archive(late, by=None)
        assert states() == {"late": ("broken", "archived")}
        publishing.publish(late, by=None)
        assert states() == {"late": ("ok", "")}

    def test_a_renamed_article_is_still_found_by_its_old_name(self, write, browser):
        write("Guide", "[late](article:late)")
        late = write("Late")
        publishing.rename_slug(late, "late-parcels")
        assert states() == {"late": ("moved", "")}
        assert browser().get("/en/-/a/late").headers["Location"] == "/en/a/late-parcels/"

    def test_a_link_to_an_archived_article_that_leads_on_goes_through_a_redirect(self, write, browser):
        guide = write("Guide", "[late](article:late)")
        late, lost = write("Late"), write("Lost")
        publishing.archive(late, by=None, leads_to=lost)
        assert states() == {"late": ("moved", "led_on")}
        assert ArticleLink.objects.get(article=guide).target == lost
        assert browser().get("/en/-/a/late").headers["Location"] == "/en/a/lost/"
        publishing.archive(lost, by=None)
        assert states() == {"late": ("broken", "archived")}
        publishing.publish(lost, by=None)
        assert states() == {"late": ("moved", "led_on")}

    def test_a_link_follows_archived_articles_to_the_end_of_the_way(self, write, browser):
        guide = write("Guide", "[late](article:77)")
        late, lost, gone = write("Late", source="shop", external_id="77"), write("Lost"), write("Gone")
        publishing.archive(late, by=None, leads_to=lost)
        publishing.archive(lost, by=None, leads_to=gone)
        assert ArticleLink.objects.get(article=guide).target == gone
        assert browser().get("/en/-/a/77").headers["Location"] == "/en/a/gone/", "by its imported id too"
        publishing.archive(gone, by=None, leads_to_category=gone.category)
        assert states() == {"77": ("moved", "led_on")}
        assert browser().get("/en/-/a/77").headers["Location"] == "/en/c/delivery/"
        publishing.publish(lost, by=None)
        assert ArticleLink.objects.get(article=guide).target == lost
        publishing.archive(lost, by=None)
        assert states() == {"77": ("broken", "archived")}
        assert browser().get("/en/-/a/77").status_code == 404

    def test_a_redirect_to_what_only_staff_may_read_leads_customers_nowhere(self, write):
        write("Guide", "[late](article:late)")
        late, lost = write("Late"), write("Lost")
        publishing.archive(late, by=None, leads_to=lost)
        publishing.move(lost, lost.category, visibility="staff")
        assert states() == {"late": ("broken", "archived")}

    def test_an_article_that_only_staff_may_read_is_no_target_for_customers(self, write):
        write("Guide", "[late](article:late)")
        late = write("Late")
        publishing.move(late, late.category, visibility="staff")
        assert states() == {"late": ("broken", "staff_only")}
        publishing.move(late, late.category, visibility="public")
        assert states() == {"late": ("ok", "")}

    def test_a_link_follows_the_imported_id_and_the_readers_language(self, write):
        late = write("Late", source="shop", external_id="77")
        guide = write("Guía", "[x](article:77)", locale="es")
        assert ArticleLink.objects.get(article=guide).target == late
        translated, _new = translations.start(late, "es", by=None)
        publishing.publish(translated, by=None)
        assert ArticleLink.objects.get(article=guide).target == translated
        publishing.archive(translated, by=None)
        assert ArticleLink.objects.get(article=guide).target == late

    def test_a_link_to_a_category_is_broken_where_none_has_the_name(self, write, shelf):
        shelf("returns")
        write("Guide", "[x](/en/c/returns/) [y](/en/c/gone/)")
        assert states() == {"returns": ("ok", ""), "gone": ("broken", "no_category")}
        CategoryText.objects.filter(slug="returns").update(slug="sending-back")
        assert internal.refresh() == 1
        assert states()["returns"] == ("broken", "no_category")
        assert Category.objects.count() == 2

    def test_publishing_again_keeps_what_is_known_of_a_link_and_drops_what_is_gone(self, write):
        guide = write("Guide", "[a](https://a.example.com/) [b](https://b.example.com/)")
        ArticleLink.objects.update(state=LinkState.OK, status=200)
        save(guide, "[a](https://a.example.com/) [c](https://c.example.com/)")
        publishing.publish(guide, by=None)
        known = dict(ArticleLink.objects.values_list("address", "state"))
        assert known == {"https://a.example.com/": "ok", "https://c.example.com/": "unchecked"}
        publishing.archive(guide, by=None)
        assert not ArticleLink.objects.exists(), "nobody reads it: nothing in it is broken"

    def test_an_article_that_links_to_itself_is_known_too(self, write):
        article = write("Late", "[x](article:late)")
        assert states() == {"late": ("ok", "")}
        assert care.of(article).linked_from == 0

    def test_publishing_tells_the_editor_of_broken_links_and_does_not_stand_in_the_way(self, write, browser, staff):
        client = browser()
        client.force_login(staff("reviewer"))
        guide = write("Guide", "[x](article:late) [y](/en/c/delivery/)")
        page = client.get(f"{EDIT}{guide.pk}/").content.decode()
        assert "1 of the 2 links of the live text leads nowhere." in page
        assert guide.state == "published"

    def test_archiving_tells_how_many_articles_link_to_it(self, write, browser, staff):
        client = browser()
        client.force_login(staff("reviewer"))
        late = write("Late")
        write("Guide", "[x](article:late)")
        page = client.post(f"{EDIT}{late.pk}/archive/", {"leads": "nowhere"}, follow=True).content.decode()
        assert "1 published article still links here." in page

    def test_a_draft_is_looked_at_before_it_is_published(self, write, browser, staff):
        client = browser()
        client.force_login(staff("writer"))
        article = write("Guide")
        save(article, "[there](article:guide) [nowhere](article:gone)")
        page = client.get(f"{EDIT}{article.pk}/links/").content.decode()
        assert "nowhere → /-/a/gone: No article has this address" in page
        assert "there →" not in page
        assert not ArticleLink.objects.exists()

    def test_both_directions_are_on_the_page_of_an_article(self, write, browser, staff):
        client = browser()
        client.force_login(staff("analyst"))
        late = write("Late", "[guide](article:guide)")
        guide = write("Guide", "[about late parcels](article:late)")
        publishing.archive(write("Old", "[x](article:late)"), by=None)
        page = client.get(f"{EDIT}{late.pk}/links/", headers={"HX-Request": "true"}).content.decode()
        assert "about late parcels" in page
        assert f"{EDIT}{guide.pk}/" in page
        assert "Old" not in page
        assert "<h1>" not in page
        assert 'name="owner"' not in page, "an analyst changes nothing"

    def test_the_links_page_lists_what_is_broken_and_what_is_linked_most(self, write, browser, staff):
        client = browser()
        client.force_login(staff("writer"))
        assert "No published article has a link yet" in client.get(f"{EDIT}links/").content.decode()
        write("Late")
        write("Guide", "[x](article:late) [dead](article:gone)")
        page = client.get(f"{EDIT}links/").content.decode()
        assert "/-/a/gone" in page
        assert "No article has this address" in page
        most = list(care.most_linked())
        assert [(row["title"], row["linked_from"]) for row in most] == [("Late", 1)]

    def test_the_editors_page_asks_no_more_than_one_query_for_care(self, write, django_assert_num_queries):
        article = write("Guide", "[x](article:late)")
        with django_assert_num_queries(1):
            care.of(article)
