"""What every search engine of ours must do. One suite; another engine joins by joining ENGINES."""

from __future__ import annotations

import shutil
import threading

import pytest

from kb.search import analysis, scoring
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


@pytest.mark.parametrize("harm", ["truncated", "removed"])
def test_a_damaged_index_is_noticed_and_made_anew(shop, tmp_path, harm):
    file = next((tmp_path / "engine").glob("g*/en/*.seg"))
    if harm == "truncated":
        file.write_bytes(file.read_bytes()[:100])
    else:
        file.unlink()
    reader = type(shop)(tmp_path / "engine")
    with pytest.raises(IndexDamaged):
        ask(reader, "late")
    reader.rebuild(SHOP, position=1)
    assert ask(reader, "late parcel")[0] == 1
    reader.close()


def test_not_one_altered_byte_goes_unnoticed(shop, tmp_path):
    for file in (tmp_path / "engine").glob("g*/*/*"):
        content = file.read_bytes()
        for place in range(0, len(content), max(1, len(content) // 20)):
            file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
            reader = type(shop)(tmp_path / "engine")
            with pytest.raises(IndexDamaged):
                ask(reader, "late")
        file.write_bytes(content)
    assert ask(type(shop)(tmp_path / "engine"), "late parcel")[0] == 1


def test_a_half_made_commit_of_a_dead_writer_is_cleared_away(shop, tmp_path):
    left = tmp_path / "engine" / "building-99999"
    shutil.copytree(tmp_path / "engine" / "g000001", left)
    shop.index([doc(6, "Gift vouchers")])
    shop.commit(position=9)
    assert ask(shop, "vouchers") == [6]
    assert not left.exists()


def test_two_generations_are_kept_and_no_more(shop, tmp_path):
    for version in range(2, 6):
        shop.index([doc(1, "x", version=version)])
        shop.commit(position=version)
    assert len(list((tmp_path / "engine").glob("g*"))) == 2


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000, 5000])
def test_the_best_are_exactly_the_best(size):
    import numpy as np

    rng = np.random.default_rng(size)
    scores = np.zeros(-(-size // 64) * 64, np.float32)
    scores[:size] = rng.random(size, dtype=np.float32)
    for k in (1, 10, 100):
        found = sorted(scores[scoring._best(scores, min(k, size))].tolist(), reverse=True)
        assert found == sorted(scores[:size].tolist(), reverse=True)[:k]


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
