"""What every search engine of ours must do. One suite; another engine joins by joining ENGINES."""

from __future__ import annotations

import threading

import pytest

from kb.search import analysis
from kb.search.engine import Document, IndexDamaged, SearchRequest
from kb.search.snippets import snippet
from kb.search.whoosh import WhooshEngine

ENGINES = {"whoosh": WhooshEngine}


@pytest.fixture(params=ENGINES)
def engine(request, tmp_path):
    engine = ENGINES[request.param](tmp_path / "engine")
    yield engine
    engine.close()


def doc(id: int, title: str, body: str = "", *, version: int = 1, lang: str = "en") -> Document:
    return Document(id=id, version=version, lang=lang, title=title, body=body)


SHOP = [
    doc(1, "My parcel is late", "A parcel is late once the promised day has passed. We refund the fee."),
    doc(2, "When does my refund arrive?", "Refunds take five working days to reach your bank."),
    doc(3, "Change the delivery address", "Before dispatch you can change where the parcel goes."),
    doc(4, "Error 5.7.134 at the checkout", "The card was declined."),
    doc(
        5, "Mi paquete se retrasa", "Un paquete llega tarde cuando ha pasado el día. Devolución del dinero.", lang="es"
    ),
]


@pytest.fixture
def shop(engine):
    engine.rebuild(SHOP, position=7)
    return engine


def ask(engine, text: str, lang: str = "en", **more) -> list[int]:
    return [hit.id for hit in engine.search(SearchRequest(text, lang, **more)).hits]


def test_without_an_index_it_says_so(engine):
    assert engine.generation() == 0
    with pytest.raises(IndexDamaged):
        ask(engine, "late")


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


def test_stop_words_alone_still_find_titles(shop):
    assert ask(shop, "my") != []


@pytest.mark.parametrize("text", ["", "   ", "?!", "*", "a" * 5000, "\x00", "title:late AND (", '"', "late~ -x", "🚚"])
def test_no_text_breaks_it(shop, text):
    ask(shop, text)


def test_pages_follow_each_other(shop):
    everything = ask(shop, "parcel refund address card")
    pages = [ask(shop, "parcel refund address card", k=1, offset=n) for n in range(len(everything))]
    assert [id for page in pages for id in page] == everything
    assert shop.search(SearchRequest("parcel refund address card", "en", k=1)).total == len(everything) == 4


def test_a_long_text_is_searched_by_its_rarest_words(shop):
    text = "Hello, I would like to ask about the parcel and the parcel and also " * 5 + "checkout"
    assert ask(shop, text, max_terms=1) == [4]


def test_changes_are_seen_after_the_commit_and_not_before(shop):
    shop.index([doc(6, "Gift vouchers", "Vouchers last two years."), doc(1, "My parcel is lost", version=2)])
    shop.delete([2])
    assert ask(shop, "vouchers") == []
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
    assert shop.search(SearchRequest("five", "en")).hits[0].version == 5
    assert ask(shop, "four") == []


def test_a_hundred_commits_leave_no_ghosts(shop):
    for version in range(2, 102):
        shop.index([doc(1, f"Parcel edition{version}", version=version)])
        if version % 7 == 0:
            shop.delete([3])
        elif version % 7 == 1:
            shop.index([doc(3, "Change the delivery address", version=version)])
        shop.commit(position=version)
    assert ask(shop, "edition101") == [1]
    assert ask(shop, "edition100") == []
    assert ask(shop, "parcel").count(1) == 1
    assert shop.stats().documents == {"en": 4, "es": 1}
    assert not shop.verify({1: 101, 2: 1, 3: 99, 4: 1, 5: 1})


def test_nothing_to_do_makes_no_generation(shop):
    assert shop.commit(position=50) == shop.generation() == 1
    assert shop.stats().position == 50


def test_an_article_that_changes_its_language_leaves_the_old_one(shop):
    shop.index([doc(1, "Mi paquete tarda", version=2, lang="es")])
    shop.commit(position=1)
    assert ask(shop, "late parcel") != [1]
    assert 1 in ask(shop, "tarda", "es")


def test_verify_names_what_is_missing_stale_and_ghost(shop):
    drift = shop.verify({1: 1, 2: 9, 3: 1, 4: 1, 8: 1})
    assert (drift.missing, drift.stale, drift.ghost) == ((8,), (2,), (5,))
    assert not shop.verify({1: 1, 2: 1, 3: 1, 4: 1, 5: 1})


def test_a_rebuild_replaces_everything_and_goes_on_counting(shop):
    assert shop.rebuild([doc(9, "Only this")], position=3) == 2
    assert ask(shop, "parcel") == []
    assert ask(shop, "only this") == [9]


def test_similar_articles_are_others_about_the_same(shop):
    found = [hit.id for hit in shop.similar(1, "en")]
    assert 1 not in found
    assert found[0] in (2, 3)
    assert list(shop.similar(99, "en")) == []


def test_titles_are_suggested_by_the_beginnings_of_their_words(shop):
    assert [hit.id for hit in shop.suggest("ref", "en")] == [2]
    assert [hit.id for hit in shop.suggest("parcel la", "en")] == [1]
    assert list(shop.suggest("zzz", "en")) == []


def test_another_reader_sees_each_commit_whole(shop, tmp_path):
    """Readers ask all the time while a writer commits: no error, and the two halves of a commit always together."""
    reader = type(shop)(tmp_path / "engine")
    torn, failures, done = [], [], threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                results = reader.search(SearchRequest("twin", "en"))
                versions = {hit.version for hit in results.hits}
                if len(versions) > 1:
                    torn.append(versions)
        except Exception as error:  # noqa: BLE001  whatever it is, the test fails
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for version in range(1, 30):
        shop.index([doc(20, "The twin", version=version), doc(21, "Other twin", version=version)])
        shop.commit(position=version)
    done.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert not torn
    assert {hit.version for hit in reader.search(SearchRequest("twin", "en")).hits} == {29}
    reader.close()


TEXT = "Delivery\nWe ship on weekdays. A refund for <b>late</b> parcels comes within five days. Ask us.\nOther things."


def test_a_snippet_quotes_the_sentence_that_answers_and_marks_its_words():
    stem = analysis.for_language("en").stem
    html = snippet(TEXT, {stem("refunds"), stem("late")}, lang="en", length=80)
    assert html.startswith("A <mark>refund</mark> for &lt;b&gt;<mark>late</mark>&lt;/b&gt; parcels")


def test_a_snippet_without_any_of_the_words_is_the_beginning():
    assert snippet(TEXT, {"zebra"}, lang="en", length=40) == "Delivery · We ship on weekdays."


def test_one_endless_sentence_is_cut_around_the_word():
    html = snippet("word " * 200 + "needle " + "word " * 200, {analysis.for_language("en").stem("needle")}, lang="en")
    assert "<mark>needle</mark>" in html
    assert html.startswith("… ")
    assert html.endswith(" …")
    assert len(html) < 260


def test_an_empty_text_has_no_snippet():
    assert snippet("", {"x"}, lang="en") == ""


def test_second_guesses_are_searched_for_but_not_marked(engine):
    engine.rebuild([doc(1, "Letter"), doc(2, "Latter"), doc(3, "Litter")], position=0)
    results = engine.search(SearchRequest("lotter", "en"))
    assert len(results.hits) == 3
    assert len(results.terms) == 1
