"""What every search engine of ours must do. The engines are those of engines.py."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kb.search.engine import IndexDamaged, SearchRequest
from tests.kb.search.engines import SHOP, VERSIONS, ask, doc, synonyms

# --- Finding ---


def test_without_an_index_it_says_so_or_finds_nothing(engine):
    """Files and a server's indexes may be missing; a table is there from the first migration on."""
    assert engine.generation() == 0
    try:
        assert ask(engine, "late") == []
    except IndexDamaged:
        assert engine.name.startswith(("whoosh/", "opensearch/"))


def test_the_best_answer_comes_first(shop):
    assert ask(shop, "late parcel")[0] == 1
    assert ask(shop, "refunds")[0] == 2
    assert ask(shop, "changing my address")[0] == 3


def test_words_like_codes_stay_whole(shop):
    assert ask(shop, "5.7.134") == [4]
    assert ask(shop, "134") == []


def test_each_language_is_searched_alone(shop):
    assert ask(shop, "paquete", "es") == [5]
    assert ask(shop, "paquete", "en") == []
    assert ask(shop, "late", "fr") == []


def test_accents_may_be_left_out(shop):
    assert ask(shop, "devolucion", "es") == ask(shop, "devolución", "es") == [5]


def test_a_typo_in_an_unknown_word_is_corrected_and_told(shop):
    results = shop.search(SearchRequest("refnud", "en"))
    assert results.hits[0].id == 2
    assert results.corrected == "refund"
    assert shop.correct("late pracel", "en") == "late parcel"


def test_a_known_word_is_never_corrected(shop):
    assert shop.search(SearchRequest("refunding late", "en")).corrected == ""
    assert shop.correct("late parcel", "en") == "late parcel"


def test_what_is_meant_as_typed_is_not_corrected(shop):
    results = shop.search(SearchRequest("refnud", "en", is_verbatim=True))
    assert (results.hits, results.corrected) == ((), "")


def test_a_corrected_word_is_never_one_that_is_gone(shop):
    shop.delete([2])
    shop.index([doc(1, "My parcel is late", "A parcel.", version=2)])
    shop.commit(position=8)
    results = shop.search(SearchRequest("refnud", "en"))
    assert results.hits == ()


def test_stop_words_alone_still_find_titles(shop):
    assert 1 in ask(shop, "my")


def test_stop_words_beside_telling_ones_count_in_titles_only(engine):
    engine.rebuild([doc(1, "Lamp", "Where is it?"), doc(2, "Where is the other?", "Rug."), doc(3, "Lamp")], position=0)
    assert set(ask(engine, "where is the lamp")) == {1, 2, 3}
    scores = {hit.id: hit.score for hit in engine.search(SearchRequest("where is lamp", "en")).hits}
    assert scores[1] <= scores[3]


def test_second_guesses_are_searched_for_but_not_marked(engine):
    engine.rebuild([doc(1, "Letter"), doc(2, "Latter"), doc(3, "Litter")], position=0)
    results = engine.search(SearchRequest("lotter", "en"))
    assert len(results.hits) == 3
    assert len(results.terms) == 1


def test_pages_follow_each_other(shop):
    everything = ask(shop, "parcel refund address card")
    pages = [ask(shop, "parcel refund address card", k=1, offset=n) for n in range(len(everything))]
    assert [id for page in pages for id in page] == everything
    assert shop.search(SearchRequest("parcel refund address card", "en", k=1)).total == len(everything) == 4
    assert ask(shop, "parcel", offset=50) == []


def test_documents_of_one_score_come_in_the_order_of_their_ids(engine):
    engine.rebuild([doc(id, "Same title", "same text") for id in (9, 3, 7, 1, 5)], position=0)
    assert ask(engine, "same title") == [1, 3, 5, 7, 9]
    assert ask(engine, "same title", k=2, offset=1) == [3, 5]


def test_a_long_text_is_searched_by_its_rarest_words(shop):
    text = "Hello, I would like to ask about the parcel and the parcel and also " * 5 + "checkout"
    assert ask(shop, text, max_terms=1) == [4]


# --- Filters, phrases, synonyms ---


def test_a_category_is_searched_alone_and_the_others_still_counted(shop):
    results = shop.search(SearchRequest("parcel refund card", "en", categories=frozenset({2})))
    assert {hit.id for hit in results.hits} == {2, 4}
    assert results.total == 2
    assert dict(results.counts) == {1: 2, 2: 2}


def test_only_what_the_reader_may_see_is_found_and_counted(engine):
    engine.rebuild(
        [doc(1, "Refund rules"), doc(2, "Refund fraud", visibility="staff", category=4)],
        position=0,
    )
    assert ask(engine, "refund") == [1]
    assert dict(engine.search(SearchRequest("refund", "en")).counts) == {1: 1}
    staff = engine.search(SearchRequest("refund", "en", visibility=frozenset({"public", "staff"})))
    assert {hit.id for hit in staff.hits} == {1, 2}
    assert ask(engine, "refund", visibility=frozenset({"staff"})) == [2]
    assert [hit.id for hit in engine.suggest("ref", "en")] == [1]
    assert list(engine.similar(1, "en")) == []


def test_an_article_that_becomes_public_is_found_by_all(engine):
    engine.rebuild([doc(1, "Refund fraud", visibility="staff"), doc(2, "Parcels")], position=0)
    assert ask(engine, "refund") == []
    engine.index([doc(1, "Refund fraud", version=2)])
    engine.commit(position=1)
    assert ask(engine, "refund") == [1]


def test_excluded_articles_are_neither_found_nor_counted(shop):
    results = shop.search(SearchRequest("parcel", "en", excluded=frozenset({1, 99})))
    assert [hit.id for hit in results.hits] == [3]
    assert results.total == 1
    assert sum(results.counts.values()) == 1


def test_a_quoted_phrase_keeps_documents_that_have_all_of_its_words(shop):
    results = shop.search(SearchRequest('"parcel goes" refund', "en"))
    assert [hit.id for hit in results.hits] == [3]
    assert results.total == 1
    assert results.phrases == (("parcel", "goe"),)
    assert ask(shop, '"parcel checkout"') == []
    assert ask(shop, '"parcel zebra"') == []


def test_stop_words_of_a_phrase_may_stand_in_the_text(shop):
    assert ask(shop, '"where the parcel goes"') == [3]


def test_synonyms_find_what_was_not_said_one_way_or_both(shop):
    assert ask(shop, "package") == []
    one_way = synonyms(("package", "parcel"))
    assert set(ask(shop, "package", synonyms=one_way)) == {1, 3}
    assert set(ask(shop, "parcel", synonyms=synonyms(("package", "money")))) == {1, 3}


def test_synonyms_may_be_runs_of_words(shop):
    money_back = synonyms(("money back", "refund"))
    assert set(ask(shop, "money back please", synonyms=money_back, is_verbatim=True)) == {1, 2}
    assert ask(shop, "back money", synonyms=money_back, is_verbatim=True) == []


def test_a_synonym_weighs_less_than_the_word_itself(engine):
    engine.rebuild([doc(1, "Lamp"), doc(2, "Light")], position=0)
    assert ask(engine, "light", synonyms=synonyms(("light", "lamp"))) == [2, 1]


# --- Reasons ---


def test_reasons_sum_to_the_score(shop):
    for text in ("late parcel refund", "my refund", "refnud"):
        for hit in shop.search(SearchRequest(text, "en", explain=True)).hits:
            assert hit.why
            assert sum(hit.why.values()) == pytest.approx(hit.score, rel=1e-4)
    assert all(not hit.why for hit in shop.search(SearchRequest("late", "en")).hits)


def test_scores_are_those_of_the_formula(engine):
    """By hand, with k1 = 2: three documents of four words each, the word in the bodies of two, once and twice."""
    if engine.name.startswith("opensearch/"):
        pytest.skip("a server scores by Lucene's BM25, whose idf is ln(1 + (N - df + .5) / (df + .5))")
    engine.rebuild(
        [doc(1, "x", "lamp one two three"), doc(2, "y", "lamp lamp five six"), doc(3, "z", "a7 b7 c7 d7")], position=0
    )
    idf = 0.6931471805599453  # ln(1 + 3 / (2 + 1))
    hits = {hit.id: hit.score for hit in engine.search(SearchRequest("lamp", "en")).hits}
    assert hits[1] == pytest.approx(idf * 3.0 * 1 / (2.0 + 1), rel=1e-3)
    assert hits[2] == pytest.approx(idf * 3.0 * 2 / (2.0 + 2), rel=1e-3)


def test_the_share_of_known_words_is_told(shop):
    assert shop.known("late parcel", "en") == 1.0
    assert shop.known("late zebra", "en") == 0.5
    assert shop.known("where is the", "en") == 1.0
    assert shop.known("late parcel", "fr") == 0.0
    assert shop.search(SearchRequest("late pracel", "en")).known == 0.5


# --- As one types, and alike ---


def test_titles_are_suggested_by_the_beginnings_of_their_words(shop):
    assert [hit.id for hit in shop.suggest("ref", "en")] == [2]
    assert [hit.id for hit in shop.suggest("parcel la", "en")] == [1]
    assert list(shop.suggest("zzz", "en")) == []
    assert list(shop.suggest("", "en")) == []
    assert list(shop.suggest("ref", "fr")) == []


def test_a_title_that_begins_so_is_suggested_before_one_with_the_word_later(engine):
    engine.rebuild([doc(1, "All about refunds"), doc(2, "Refunds"), doc(3, "Your refund")], position=0)
    assert [hit.id for hit in engine.suggest("ref", "en")] == [2, 3, 1]
    assert [hit.id for hit in engine.suggest("ref", "en", limit=1)] == [2]


def test_similar_articles_are_others_about_the_same(shop):
    found = [hit.id for hit in shop.similar(1, "en")]
    assert 1 not in found
    assert found[0] in (2, 3)
    assert list(shop.similar(99, "en")) == []


# --- Changes ---


def test_changes_are_seen_after_the_commit_and_not_before(shop):
    shop.index([doc(6, "Gift vouchers", "Vouchers last two years."), doc(1, "My parcel is lost", version=2)])
    shop.delete([2])
    assert ask(shop, "vouchers", is_verbatim=True) == []
    assert shop.commit(position=9) == 2
    assert ask(shop, "vouchers") == [6]
    assert 2 not in ask(shop, "refund")
    assert ask(shop, "lost") == [1]
    assert shop.stats().position == 9
    assert ask(shop, "paquete", "es") == [5]


def test_an_older_version_never_overwrites_a_newer_one(shop):
    shop.index([doc(1, "Parcel, version five", version=5)])
    shop.commit(position=1)
    assert shop.index([doc(1, "Parcel, version four", version=4)]) == 0
    shop.commit(position=2)
    assert shop.search(SearchRequest("version five", "en")).hits[0].version == 5
    assert ask(shop, "four", is_verbatim=True) == []


def test_a_hundred_commits_leave_no_ghosts(shop):
    for version in range(2, 102):
        shop.index([doc(1, f"Parcel edition{version}", version=version)])
        if version % 7 == 0:
            shop.delete([3])
        elif version % 7 == 1:
            shop.index([doc(3, "Change the delivery address", version=version)])
        shop.commit(position=version)
    assert ask(shop, "edition101") == [1]
    assert ask(shop, "edition100", is_verbatim=True) == []
    assert ask(shop, "parcel").count(1) == 1
    assert shop.stats().documents == {"en": 4, "es": 1}
    assert not shop.verify({1: 101, 2: 1, 3: 99, 4: 1, 5: 1})


def test_nothing_to_do_makes_no_generation(shop):
    assert shop.commit(position=50) == shop.generation() == 1
    assert shop.stats().position == 50
    shop.delete([77])
    assert shop.commit(position=51) == 1


def test_an_article_that_changes_its_language_leaves_the_old_one(shop):
    shop.index([doc(1, "Mi paquete tarda", version=2, lang="es")])
    shop.commit(position=1)
    assert 1 not in ask(shop, "late parcel")
    assert 1 in ask(shop, "tarda", "es")
    assert shop.stats().documents == {"en": 3, "es": 2}


def test_an_article_that_moves_is_counted_on_its_new_shelf(shop):
    shop.index([doc(3, "Change the delivery address", version=2, category=8)])
    shop.commit(position=1)
    assert dict(shop.search(SearchRequest("address", "en")).counts) == {8: 1}


def test_verify_names_what_is_missing_stale_and_ghost(shop):
    drift = shop.verify({1: 1, 2: 9, 3: 1, 4: 1, 8: 1})
    assert (drift.missing, drift.stale, drift.ghost) == ((8,), (2,), (5,))
    assert not shop.verify(VERSIONS)


def test_a_rebuild_replaces_everything_and_goes_on_counting(shop):
    assert shop.rebuild([doc(9, "Only this")], position=3) == 2
    assert ask(shop, "parcel") == []
    assert ask(shop, "only this") == [9]
    assert shop.stats().documents == {"en": 1}
    assert not shop.verify({9: 1})


def test_another_process_sees_what_is_committed(shop, open_engine):
    other = open_engine()
    assert ask(other, "late parcel") == ask(shop, "late parcel")
    shop.index([doc(6, "Gift vouchers")])
    shop.commit(position=9)
    assert ask(other, "vouchers") == [6]
    assert other.generation() == shop.generation() == 2
    other.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by", ["commit", "rebuild"])
def test_another_reader_sees_each_change_whole(shop, open_engine, by):
    """Readers ask all the time while a writer works: no error, and what changes together is seen together."""
    from django.db import connection

    reader = open_engine()
    torn, failures, done = [], [], threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                hits = reader.search(SearchRequest("twin", "en")).hits
                seen = sorted((hit.id, hit.version) for hit in hits)
                if seen and (len(seen) != 2 or seen[0][1] != seen[1][1]):
                    torn.append(seen)
        except Exception as error:  # noqa: BLE001  whatever it is, the test fails
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for version in range(1, 20):
        twins = [doc(20, "The twin", version=version), doc(21, "Other twin", version=version)]
        if by == "rebuild":
            shop.rebuild([*SHOP, *twins], position=version)
        else:
            shop.index(twins)
            shop.commit(position=version)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert not torn
    assert {hit.version for hit in reader.search(SearchRequest("twin", "en")).hits} == {19}
    reader.close()


# --- Bad input ---

HOSTILE = [
    "", "   ", "?!", "*", "a" * 5000, "\x00", "late\x00parcel", "title:late AND (", '"', "late~ -x", "🚚", "🚚 late 🚚",
    "' OR 1=1 --", "'; DROP TABLE kb_posting; --", "%s %(lang)s {0}", "late & parcel | !refund <-> x:*", "\ud800", "\\",
    "late посылка 小包 طرد", "the of and " * 50, "word " * 2000, "x" * 9_999 + "é", "\u202elate", "ﬁle ﬀ ½",
    "-" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_breaks_it(shop, text):
    ask(shop, text)
    ask(shop, text, max_terms=8)
    shop.suggest(text, "en")
    shop.correct(text, "en")
    assert 0 <= shop.known(text, "en") <= 1
    assert ask(shop, "late parcel")[0] == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=200), lang=st.sampled_from(["en", "es", "de", "ja", "ar", "xx"]))
def test_any_text_gets_an_answer(shop, text, lang):
    results = shop.search(SearchRequest(text, lang, explain=True))
    assert results.total >= len(results.hits)
    shop.suggest(text, lang)


def test_any_text_may_be_a_document(engine):
    hostile = [doc(id, text[:200] or "x", text) for id, text in enumerate(HOSTILE, start=1)]
    engine.rebuild(hostile, position=0)
    engine.index([doc(document.id, document.title, document.body, version=2) for document in hostile])
    engine.commit(position=1)
    assert not engine.verify({document.id: 2 for document in hostile})
    assert ask(engine, "a" * 5000) == [5]
