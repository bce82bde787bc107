"""From a customer's words to the page: who answers, in which language, in which order, and what may be seen."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kb import publishing, search
from kb.models import Article, Category, Draft, Placement, PlacementKind, Synonym, Visibility
from kb.publishing import Text
from kb.search import indexing, query, tuning
from kb.search.engine import EngineUnavailable, IndexDamaged
from kb.search.whoosh import WhooshEngine

pytestmark = pytest.mark.django_db


def titles(text: str, locale: str = "en", **more) -> list[str]:
    return [result.title for result in query.find(text, locale=locale, **more).results]


def pin(text: str, article: Article, **more) -> Placement:
    return tuning.place(kind="pin", locale=article.locale, query=text, article_id=article.pk, by=None, **more)


def hide(text: str, article: Article) -> Placement:
    return tuning.place(kind="hide", locale=article.locale, query=text, article_id=article.pk, by=None)


# --- Pages, totals, visibility ---


def test_pages_follow_each_other_without_gaps_or_doubles(write):
    for number in range(25):
        write(f"Customs {number}", "Customs. " * (number + 1))
    indexing.rebuild()
    whole = titles("customs", k=25)
    assert len(set(whole)) == 25
    pages = [titles("customs", k=10, offset=offset) for offset in (0, 10, 20, 30)]
    assert [len(page) for page in pages] == [10, 10, 5, 0]
    assert [title for page in pages for title in page] == whole
    assert query.find("customs", locale="en", k=10, offset=10).total == 25


def test_an_archived_article_vanishes_at_once_and_from_the_total(write):
    gone = write("Customs duties")
    write("Customs forms")
    indexing.rebuild()
    publishing.archive(gone, by=None)
    found = query.find("customs", locale="en")
    assert [result.title for result in found.results] == ["Customs forms"]
    assert found.total == 1


def test_what_is_shown_is_the_live_text_also_before_the_index_knows_it(write):
    article = write("Customs duties", "Ten per cent.")
    indexing.rebuild()
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text("Customs duties", "", "Now twelve per cent."), version=draft.version, by=None)
    publishing.publish(article, by=None, ring=False)
    assert "twelve" in query.find("customs", locale="en").results[0].snippet_html


def test_only_staff_see_what_is_for_staff(write):
    article = write("Customs for staff")
    indexing.rebuild()
    Article.objects.filter(pk=article.pk).update(visibility=Visibility.STAFF)  # the index does not know yet
    assert titles("customs") == []
    result = query.find("customs", locale="en", is_staff=True).results[0]
    assert result.is_staff_only


def test_chosen_categories_narrow_the_answers(write):
    write("Customs duties", on="delivery")
    write("Customs refunds", on="refunds")
    indexing.rebuild()
    chosen = Category.objects.get(key="refunds").pk
    assert titles("customs", categories={chosen}) == ["Customs refunds"]


def test_one_query_to_the_database_while_nothing_was_said_or_learnt_anew(write, django_assert_num_queries):
    write("Customs duties")
    indexing.rebuild()
    with django_assert_num_queries(3):  # what editors said, what was learnt, the articles
        titles("customs", count_categories=True)
    with django_assert_num_queries(1):
        titles("customs", count_categories=True)


# --- Pins, hides, synonyms ---


def test_pins_stand_on_top_in_their_order_also_where_the_words_do_not_find_them(write):
    write("Customs duties", "Customs.")
    second, first = write("Vans"), write("Boxes")
    indexing.rebuild()
    pin("customs", second, position=2)
    pin("customs", first, position=1)
    found = query.find("customs", locale="en")
    assert [(result.title, result.is_pinned) for result in found.results] == [
        ("Boxes", True),
        ("Vans", True),
        ("Customs duties", False),
    ]
    assert found.total == 3


def test_a_pinned_article_that_is_found_too_stands_there_once(write):
    write("Customs duties", "Customs customs.")
    pinned = write("Customs forms", "A form.")
    indexing.rebuild()
    pin("customs", pinned)
    found = query.find("customs", locale="en")
    assert [result.title for result in found.results] == ["Customs forms", "Customs duties"]
    assert found.total == 2


def test_a_pin_holds_for_the_same_words_in_another_order_and_for_their_mistyped_forms(write):
    pinned = write("Vans", "Late parcels are in vans.")
    write("Parcels", "Late parcels, late parcels.")
    indexing.rebuild()
    pin("late parcels", pinned)
    assert titles("my parcel is late")[0] == "Vans"
    assert titles("late parcells")[0] == "Vans"
    assert titles("parcels")[0] == "Parcels"


@pytest.mark.parametrize("how", ["archived", "staff only"])
def test_a_pin_never_shows_what_the_reader_may_not_see(write, how):
    pinned = write("Vans")
    write("Customs duties")
    indexing.rebuild()
    pin("customs", pinned)
    if how == "archived":
        publishing.archive(pinned, by=None)
    else:
        Article.objects.filter(pk=pinned.pk).update(visibility=Visibility.STAFF)
    found = query.find("customs", locale="en")
    assert [result.title for result in found.results] == ["Customs duties"]
    assert found.total == 1


def test_a_hidden_article_is_not_among_the_answers_of_its_query_only(write):
    hidden = write("Customs duties", "Customs and vans.")
    write("Customs forms", "Customs and vans.")
    indexing.rebuild()
    hide("customs", hidden)
    assert titles("customs") == ["Customs forms"]
    assert set(titles("vans")) == {"Customs duties", "Customs forms"}


def test_an_article_may_be_hidden_from_every_query_and_pinned_to_one(write):
    hidden = write("Customs duties", "Customs and vans.")
    indexing.rebuild()
    hide("", hidden)
    assert titles("customs") == titles("vans") == []
    pin("vans", hidden)
    assert titles("vans") == ["Customs duties"]


def test_a_synonym_finds_what_the_articles_call_otherwise(write):
    write("Vouchers", "How vouchers work.")
    indexing.rebuild()
    assert titles("discount code") == []
    tuning.add_synonym(locale="en", words="discount code", means="voucher", by=None)
    assert titles("discount code") == ["Vouchers"]


def test_a_supposed_synonym_is_gone_after_the_block(write):
    write("Vouchers", "How vouchers work.")
    indexing.rebuild()
    with tuning.supposing(locale="en", words="coupon", means="voucher"):
        assert titles("coupon") == ["Vouchers"]
    assert titles("coupon") == []
    assert not Synonym.objects.exists()


@pytest.mark.parametrize(
    ("words", "means", "why"),
    [
        ("", "voucher", "both sides"),
        ("?!", "voucher", "both sides"),
        ("vouchers", "voucher", "same word"),
        ("x" * 81, "voucher", "too long"),
    ],
)
def test_a_synonym_that_says_nothing_is_refused(db, words, means, why):
    with pytest.raises(tuning.Refused, match=why):
        tuning.add_synonym(locale="en", words=words, means=means, by=None)


def test_a_synonym_is_there_once_and_who_made_it_is_kept(staff):
    editor = staff("reviewer")
    made = tuning.add_synonym(locale="en", words="coupon", means="voucher", by=editor)
    assert made.created_by == editor
    for words, means in (("coupon", "voucher"), ("voucher", "coupon")):
        with pytest.raises(tuning.Refused, match="already"):
            tuning.add_synonym(locale="en", words=words, means=means, by=editor)
    tuning.remove_synonym(made.pk)
    tuning.remove_synonym(made.pk)
    assert not Synonym.objects.exists()


def test_placements_that_make_no_sense_are_refused(write):
    spanish = write("Aduana", locale="es")
    english = write("Customs")
    for wrong in (
        {"kind": "lift", "query": "customs", "article_id": english.pk},
        {"kind": "pin", "query": "", "article_id": english.pk},
        {"kind": "pin", "query": "?!", "article_id": english.pk},
        {"kind": "pin", "query": "customs", "article_id": spanish.pk},
        {"kind": "pin", "query": "customs", "article_id": 0},
        {"kind": "pin", "query": "customs", "article_id": english.pk, "locale": "xx"},
    ):
        with pytest.raises(tuning.Refused):
            tuning.place(**{"locale": "en", "by": None, **wrong})
    assert not Placement.objects.exists()


def test_a_pin_that_becomes_a_hide_is_one_placement(write):
    article = write("Customs")
    pin("customs", article)
    hide("the customs", article)
    assert Placement.objects.get().kind == PlacementKind.HIDE


# --- Phrases ---


def test_a_phrase_in_quotes_must_stand_side_by_side(write):
    write("Gift cards", "You can use gift cards here.")
    write("Cards", "A card is not a gift.")
    write("Gifts", "Cards, and gifts for smart people.")
    indexing.rebuild()
    assert len(titles("gift cards")) == 3
    found = query.find('"gift cards"', locale="en")
    assert [result.title for result in found.results] == ["Gift cards"]
    assert found.total == 1


def test_a_phrase_is_not_found_across_title_and_text(write):
    write("Buy a gift", "Cards are elsewhere.")
    indexing.rebuild()
    assert titles('"gift cards"') == []


def test_a_phrase_is_found_however_its_words_are_bent_and_in_one_line_only(write):
    write("Vouchers", "Smart card gifts.\n\nWe sell a gift\n\nCards are elsewhere.")
    written = write("Presents", "Have you a gift-card?\n\nTwo gifts carded.")
    indexing.rebuild()
    assert [result.article_id for result in query.find('"gift cards"', locale="en").results] == [written.pk]


def test_every_phrase_must_stand_there_but_a_pin_is_shown_without(write):
    write("Gift cards", "For smart people, by post.")
    both = write("Cards as gifts", "A gift card comes by post.")
    other = write("By post", "We send it, smart people.")
    indexing.rebuild()
    assert titles('"gift cards" "comes by post"') == ["Cards as gifts"]
    pin('"gift cards" "comes by post"', other)
    assert [result.article_id for result in query.find('"gift cards" "comes by post"', locale="en").results] == [
        other.pk,
        both.pk,
    ]


def test_a_phrase_is_looked_for_in_the_revision_that_readers_see(write):
    article = write("Gift cards", "You can use gift cards here.")
    indexing.rebuild()
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text("Vouchers", "", "Use cards as a gift."), version=draft.version, by=None)
    publishing.publish(article, by=None, ring=False)
    assert titles('"gift cards"') == []


# --- Languages ---


@pytest.fixture
def bilingual(write):
    """A pair of translations, and one article that there is in Spanish only."""
    late = write("My parcel is late", "When a parcel is late, wait a day.")
    tarde = write("Mi paquete se retrasa", "Si el paquete se retrasa, espera un día.", locale="es")
    Article.objects.filter(pk=tarde.pk).update(translation_group=late.translation_group)
    canarias = write("Envíos a Canarias", "No hacemos envíos a Canarias.", locale="es")
    indexing.rebuild()
    return late, tarde, canarias


def test_a_query_in_another_language_finds_the_translation(bilingual):
    late, _tarde, _canarias = bilingual
    found = query.find("paquete retrasado", locale="en")
    assert [result.article_id for result in found.results] == [late.pk]
    assert found.results[0].locale == "en"
    assert found.results[0].url == "/en/a/my-parcel-is-late/"
    assert found.other_locale == "es"
    assert found.corrected == ""


def test_what_is_not_translated_is_shown_in_its_own_language_by_a_link_that_works(bilingual, browser):
    found = query.find("envíos canarias", locale="en")
    assert (found.results[0].locale, found.results[0].title) == ("es", "Envíos a Canarias")
    assert found.results[0].url.startswith("/es/a/")
    assert browser().get(found.results[0].url).status_code == 200
    assert "Canarias" in found.results[0].snippet_html


def test_a_reader_of_another_language_searching_in_english_is_answered_in_theirs(bilingual):
    _late, tarde, _canarias = bilingual
    found = query.find("parcel late", locale="es")
    assert [result.article_id for result in found.results] == [tarde.pk]
    assert found.other_locale == "en"


def test_a_slip_in_the_page_s_language_is_corrected_and_stays_there(bilingual):
    found = query.find("parcle late", locale="en")
    assert (found.corrected, found.other_locale) == ("parcel late", "")


def test_a_word_that_another_language_knows_is_no_slip(write):
    write("Late parcels and other things", "About a period of time.")
    write("Mi pedido", "El pedido.", locale="es")
    indexing.rebuild()
    found = query.find("late parcels pedido", locale="en")
    assert found.corrected == ""
    assert found.results[0].title == "Late parcels and other things"


# --- When engines fail ---


class Away:
    """An engine whose server is down."""

    name = "away/1"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def search(self, request):
        raise self._error

    def close(self) -> None:
        pass


@pytest.fixture
def other_engine(monkeypatch, tmp_path: Path):
    """A second real engine in the database's place, with what is published now."""

    def stand_in() -> WhooshEngine:
        engine = WhooshEngine(tmp_path / "second")
        engine.rebuild(indexing._documents(None), position=1)
        monkeypatch.setattr(search, "database", lambda: engine, raising=False)
        return engine

    return stand_in


@pytest.mark.parametrize("error", [IndexDamaged("manifest"), EngineUnavailable("refused")])
def test_the_database_answers_where_the_chosen_engine_cannot(write, other_engine, monkeypatch, error, caplog):
    write("Customs duties")
    other_engine()
    monkeypatch.setattr(search, "engine", lambda: Away(error))
    found = query.find("cutsoms", locale="en")
    assert [result.title for result in found.results] == ["Customs duties"]
    assert found.corrected == "customs"
    assert found.is_fallback
    assert not found.error
    assert "search engine cannot answer" in caplog.text


def test_where_nobody_can_answer_the_reason_is_said_and_nothing_raised(write, monkeypatch, caplog):
    write("Customs duties")
    for name in ("engine", "database"):
        monkeypatch.setattr(search, name, lambda: Away(EngineUnavailable("refused")), raising=False)
    found = query.find("customs", locale="en")
    assert (found.results, found.total) == ((), 0)
    assert "refused" in found.error
    assert found.text == "customs"
    assert "search failed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_an_error_not_an_exception(write):
    write("Customs duties")
    indexing.rebuild()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kb_article RENAME TO kb_gone")
    try:
        found = query.find("customs", locale="en")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE kb_gone RENAME TO kb_article")
    assert found.error
    assert not found.results


# --- Whatever people type ---

AWKWARD = [
    "\0",
    "customs\0 duties",
    "\ud800",
    "the of and",
    "?!… ---",
    "📦📦 парсел 包裹 طرد",
    '* AND (customs OR "unclosed',
    "'; DROP TABLE kb_article; --",
    "customs " * 1250,
    "x" * 10_000,
    '"' * 500,
    '"customs" "duties" ""',
    "customs~2^5 [a TO z] {1,2} /re.*/ \\",
    "%s %(name)s {} {{ }}",
]


@pytest.mark.parametrize("text", AWKWARD, ids=range(len(AWKWARD)))
def test_awkward_texts_find_something_or_nothing(write, text):
    write("Customs duties")
    indexing.rebuild()
    found = query.find(text, locale="en", count_categories=True, explain=True, visitor="v")
    assert not found.error
    assert found.total >= len(found.results)


@hypothesis_settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=300) | st.lists(st.sampled_from(["customs", "duty", '"', "aduana", "-", "\n"])).map(" ".join)
)
def test_no_text_raises(published_world, text):
    for locale in ("en", "es"):
        found = query.find(text, locale=locale, k=3, is_staff=True, count_categories=True)
        assert not found.error
        assert len(found.results) <= 3


@pytest.fixture
def published_world(write):
    write("Customs duties", "You pay duty.\n\n## How\n\n1. Pay.\n2. Wait.")
    write("Aduana", "Se paga la aduana.", locale="es")
    indexing.rebuild()
