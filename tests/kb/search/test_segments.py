"""The Whoosh engine's files: scored by the formula, searched like a plain count, and never believed when damaged."""

from __future__ import annotations

import random
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from kb.search import impacts, scoring
from kb.search.engine import PUBLIC, Document, IndexDamaged, SearchRequest
from kb.search.whoosh import WhooshEngine
from tests.waiting import until

WORDS = [
    "parcel",
    "refund",
    "late",
    "address",
    "card",
    "voucher",
    "customs",
    "return",
    "label",
    "invoice",
    "order",
    "courier",
]


def doc(id: int, title: str, body: str = "", **more) -> Document:
    more.setdefault("version", 1)
    return Document(id=id, lang=more.pop("lang", "en"), title=title, body=body, **more)


@pytest.fixture
def engine(tmp_path):
    engine = WhooshEngine(tmp_path / "engine")
    yield engine
    engine.close()


def ask(engine, text: str, **more) -> list[int]:
    return [hit.id for hit in engine.search(SearchRequest(text, "en", **more)).hits]


def files(folder: Path) -> list[Path]:
    """Of the generation that serves."""
    generation = folder / "engine" / (folder / "engine" / "current").read_text()
    return [*sorted(generation.glob("*/*")), generation / "manifest.json"]


def test_scores_are_those_of_the_formula(engine):
    """By hand, with k1 = 2: three documents of four words each, the word in the bodies of two, once and twice."""
    engine.rebuild(
        [doc(1, "x", "lamp one two three"), doc(2, "y", "lamp lamp five six"), doc(3, "z", "a7 b7 c7 d7")], position=0
    )
    idf = 0.6931471805599453  # ln(1 + 3 / (2 + 1))
    hits = {hit.id: hit.score for hit in engine.search(SearchRequest("lamp", "en")).hits}
    assert hits[1] == pytest.approx(idf * 3.0 * 1 / (2.0 + 1), rel=1e-4)
    assert hits[2] == pytest.approx(idf * 3.0 * 2 / (2.0 + 2), rel=1e-4)


def test_scores_do_not_depend_on_how_the_documents_are_spread_over_segments(engine, tmp_path):
    rng = random.Random(7)
    docs = [doc(n, rng.choice(WORDS), " ".join(rng.choices(WORDS, k=20))) for n in range(1, 60)]
    engine.rebuild([doc(99, "customs", "gone soon")], position=0)
    for start in range(0, len(docs), 3):
        engine.index(docs[start : start + 3])
        engine.delete([99])
        engine.commit(position=start)
    other = WhooshEngine(tmp_path / "other")
    other.rebuild(docs, position=0)
    for text in ("late parcel", "refund", "customs invoice card", "vouchr"):
        one, two = (e.search(SearchRequest(text, "en", k=60)) for e in (engine, other))
        assert [hit.id for hit in one.hits] == [hit.id for hit in two.hits]
        assert [hit.score for hit in one.hits] == pytest.approx([hit.score for hit in two.hits], rel=1e-5)
        assert (one.total, one.corrected) == (two.total, two.corrected)
    assert engine.layout().segments < 12  # small ones were merged
    other.close()


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000, 5000])
def test_the_best_are_exactly_the_best(size):
    rng = np.random.default_rng(size)
    ids = rng.permutation(size).astype(np.int64)
    for levels in (3, 1_000_000):  # many equal scores, and hardly any
        scores = np.zeros(-(-size // 64) * 64, np.float32)
        scores[:size] = rng.integers(0, levels, size) / levels
        expected = sorted((-float(scores[n]), int(ids[n])) for n in range(size) if scores[n] > 0)
        for k in (1, 10, 100):
            found = scoring.best(scores, ids, k)
            assert [(-float(scores[n]), int(ids[n])) for n in found] == expected[:k]


def test_filters_hold_and_totals_and_counts_tell_what_passes(engine):
    docs = [doc(n, "Late parcel", category=n % 3, visibility="staff" if n % 5 == 0 else PUBLIC) for n in range(1, 31)]
    engine.rebuild(docs, position=0)
    public = [n for n in range(1, 31) if n % 5]
    results = engine.search(SearchRequest("parcel", "en", k=50))
    assert [hit.id for hit in results.hits] == public
    assert results.total == len(public)
    assert results.counts == Counter(n % 3 for n in public)
    results = engine.search(SearchRequest("parcel", "en", k=50, categories=frozenset({1}), excluded=frozenset({1, 4})))
    assert [hit.id for hit in results.hits] == [n for n in public if n % 3 == 1 and n not in (1, 4)]
    assert results.total == len(results.hits)
    assert results.counts == Counter(n % 3 for n in public if n not in (1, 4))  # of the others too, to choose from
    everybody = frozenset({PUBLIC, "staff"})
    assert engine.search(SearchRequest("parcel", "en", visibility=everybody)).total == 30
    assert engine.search(SearchRequest("parcel", "en", visibility=frozenset({"staff"}))).total == 6
    assert engine.search(SearchRequest("parcel", "en", visibility=frozenset({"nobody"}))).total == 0


def test_suggestions_and_similar_articles_are_public_ones(engine):
    docs = [doc(n, title, "refund label") for n, title in ((1, "Late parcel"), (3, "Parcel"))]
    engine.rebuild([*docs, doc(2, "Parcel rules", "refund label", visibility="staff")], position=0)
    assert [hit.id for hit in engine.suggest("parc", "en")] == [3, 1]
    assert [hit.id for hit in engine.similar(1, "en")] == [3]


def test_equal_scores_are_ordered_by_id(engine):
    engine.rebuild([doc(n, "Late parcel") for n in range(200, 0, -1)], position=0)
    assert ask(engine, "parcel", k=10) == list(range(1, 11))
    assert ask(engine, "parcel", k=10, offset=10) == list(range(11, 21))
    assert ask(engine, "late", k=200) == list(range(1, 201))


def test_a_phrase_wants_all_its_words_and_says_which(engine):
    engine.rebuild(
        [doc(1, "late parcel"), doc(2, "late"), doc(3, "parcel"), doc(4, "parcels that came late")], position=0
    )
    results = engine.search(SearchRequest('"late parcel" refund', "en"))
    assert {hit.id for hit in results.hits} == {1, 4}
    assert results.phrases == (("late", "parcel"),)
    assert ask(engine, '"late zebra" parcel') == []


def test_reasons_add_up_to_the_score(engine):
    engine.rebuild([doc(n, "late parcel", "refund " * n) for n in range(1, 40)] + [doc(50, "courier")], position=0)
    hit = engine.search(SearchRequest("late refund courier", "en", explain=True)).hits[0]
    assert sum(hit.why.values()) == pytest.approx(hit.score, rel=1e-5)
    for hit in engine.search(SearchRequest("late refund courier", "en", explain=True, k=40)).hits:
        assert sum(hit.why.values()) == pytest.approx(hit.score, rel=1e-5)
        assert ("courier" in hit.why) == (hit.id == 50)
    assert engine.search(SearchRequest("late", "en")).hits[0].why == {}


def test_a_word_whose_last_document_left_is_neither_known_nor_proposed(engine):
    engine.rebuild([doc(n, "parcel") for n in range(2, 9)] + [doc(1, "vouchers")], position=0)
    assert engine.correct("vouchres", "en") == "vouchers"
    assert engine.known("vouchers", "en") == 1.0
    engine.delete([1])
    engine.commit(position=1)
    assert engine.correct("vouchres", "en") == "vouchres"
    assert engine.known("vouchers", "en") == 0.0


def test_impacts_are_kept_within_their_bytes(tmp_path):
    engine = WhooshEngine(tmp_path / "engine")
    engine.rebuild([doc(n, f"word{n}", "late " * n) for n in range(1, 300)], position=0)
    engine._cache = impacts.ImpactCache(most_bytes=5000)
    engine.close()
    for n in range(1, 300):
        assert ask(engine, f"word{n} late")[0] == n
        assert engine._cache._bytes <= 5000
    engine.index([doc(1, "other", version=2)])
    engine.commit(position=1)
    assert ask(engine, "other") == [1]
    assert set(engine._cache._kept) == {engine._current().language("en").collection.key}
    engine.close()
    assert engine._cache._bytes == 0


@pytest.mark.parametrize("harm", ["truncated", "removed"])
def test_a_file_cut_short_or_gone_is_noticed_at_once_and_made_anew(engine, tmp_path, harm):
    docs = [doc(1, "late parcel")]
    engine.rebuild(docs, position=0)
    for number in range(len(files(tmp_path))):
        file = files(tmp_path)[number]
        content = file.read_bytes()
        file.unlink()
        if harm == "truncated":
            file.write_bytes(content[:-1])
        reader = WhooshEngine(tmp_path / "engine")
        for _ in range(2):
            with pytest.raises(IndexDamaged):
                ask(reader, "late")
        reader.rebuild(docs, position=1)
        assert ask(reader, "late parcel") == [1]
        reader.close()


def test_not_one_altered_byte_goes_unnoticed(engine, tmp_path, monkeypatch):
    engine.rebuild([doc(1, "late parcel", "refund " * 30), doc(2, "card")], position=7)
    engine.index([doc(2, "cards", version=2)])
    engine.commit(position=8)
    assert ask(engine, "late") == [1]
    for file in files(tmp_path):
        content = file.read_bytes()
        for number, place in enumerate(range(0, len(content), max(1, len(content) // 12))):
            # In turn: summed up beside the searches, and before the first.
            monkeypatch.setattr("kb.search.generations._AT_ONCE", (0, 1_000_000)[number % 2])
            file.write_bytes(content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :])
            reader = WhooshEngine(tmp_path / "engine")
            until(lambda reader=reader: is_damaged(reader), f"{file.name} is found damaged at byte {place}")
            reader.close()
        file.write_bytes(content)
    (tmp_path / "engine" / "damaged").unlink()
    assert ask(WhooshEngine(tmp_path / "engine"), "late parcel") == [1]


def is_damaged(engine: WhooshEngine) -> bool:
    """What altered bytes lead to is IndexDamaged or, until they are summed up, some answer; never another error."""
    try:
        for text in ("late parcel", "refnud card"):
            ask(engine, text, explain=True)
        engine.suggest("pa", "en")
        engine.similar(1, "en")
    except IndexDamaged:
        return True
    return False


def test_a_file_cut_short_while_it_is_read_stops_nobody_and_is_noticed(engine, tmp_path):
    engine.rebuild([doc(n, f"late{n} parcel{n}", "refund " * n) for n in range(1, 300)], position=0)
    assert ask(engine, "parcel7") == [7]
    for file in (tmp_path / "engine").glob("g*/en/*.arrays"):
        with file.open("r+b") as opened:
            opened.truncate(300)
    text = " ".join(f"parcel{n} late{n}" for n in range(1, 300))
    with pytest.raises(IndexDamaged):
        ask(engine, text)


def test_one_reader_finds_the_damage_and_all_know(engine, tmp_path):
    engine.rebuild([doc(1, "late parcel")], position=0)
    other = WhooshEngine(tmp_path / "engine")
    assert ask(other, "late") == [1]
    engine._current().found_damaged("by the test")
    until(lambda: is_damaged(other), "the other reader has heard of it")
    engine.rebuild([doc(1, "late parcel")], position=0)
    assert ask(other, "late") == ask(engine, "late") == [1]
    other.close()


def test_threads_read_while_generations_come_and_go(engine):
    """As a web server's threads do: every kind of question, all the time, through one engine object."""
    rng = random.Random(5)
    engine.rebuild([doc(n, " ".join(rng.choices(WORDS, k=4)), "twin " * 3) for n in range(1, 40)], position=0)
    failures, done = [], threading.Event()

    def read(seed: int) -> None:
        rng = random.Random(seed)
        try:
            while not done.is_set():
                results = engine.search(
                    SearchRequest(" ".join(rng.choices([*WORDS, "pracel"], k=2)), "en", explain=True)
                )
                assert len({hit.id for hit in results.hits}) == len(results.hits)
                dict(results.counts)
                engine.suggest(rng.choice(WORDS)[:3], "en")
                engine.similar(rng.randint(1, 40), "en")
                assert engine.search(SearchRequest("twin", "en", k=60)).total == 39
        except Exception as error:  # noqa: BLE001  whatever it is, the test fails
            failures.append(error)

    threads = [threading.Thread(target=read, args=[seed]) for seed in range(4)]
    for thread in threads:
        thread.start()
    writer = WhooshEngine(engine._folder)
    for version in range(2, 32):
        changed = rng.sample(range(1, 40), 5)
        writer.index([doc(n, " ".join(rng.choices(WORDS, k=4)), "twin " * 3, version=version) for n in changed])
        writer.commit(position=version)
        if version % 10 == 0:
            writer.rebuild([doc(n, "parcel late", "twin", version=version) for n in range(1, 40)], position=version)
    done.set()
    for thread in threads:
        thread.join()
    writer.close()
    assert not failures
