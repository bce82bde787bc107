"""The words that documents hold: guesses at mistyped ones, compounds and their parts."""

from __future__ import annotations

import itertools
import random

import pytest

from kb.search import arrays, lexicon, spelling
from kb.search.engine import IndexDamaged
from kb.search.lexicon import Lexicon, WordTable
from kb.search.spelling import distance

GERMAN = {
    "versand": 3, "kosten": 9, "versandkosten": 4, "lieferung": 3, "adresse": 4, "lieferungsadresse": 2,
    "rücksendung": 3, "etikett": 2, "nachnahme": 1,
}  # fmt: skip


def guesses(words: dict[str, int], mistyped: str) -> list[str]:
    return [word for word, _ in Lexicon.of(words, "en").guess(mistyped)]


@pytest.mark.parametrize(
    ("a", "b", "slips"),
    [
        ("refund", "refund", 0),
        ("refnud", "refund", 1),
        ("refun", "refund", 1),
        ("rfeudn", "refund", 2),
        ("cat", "dog", 3),
        ("abab", "ab", 2),
        ("aab", "ab", 1),
    ],
)
def test_slips_are_counted(a, b, slips):
    assert distance(a, b, limit=2) == slips


def test_words_that_no_document_has_any_more_are_not_proposed():
    alive = {"voucher", "vouch"}
    words = Lexicon.of({"voucher": 3, "vouches": 1}, "en", knows=alive.__contains__)
    assert words.guess("vouchre")[0][0] == "voucher"
    alive.remove("voucher")
    words = Lexicon.of({"voucher": 3, "vouches": 1}, "en", knows=alive.__contains__)
    assert [word for word, _ in words.guess("vouchre")] == ["vouches"]


def test_short_words_and_numbers_are_left_alone():
    assert guesses({"order": 5, "2024": 9}, "2025") == []
    assert guesses({"order": 5, "2024": 9}, "odr") == []


def test_a_word_two_slips_away_is_no_guess_beside_one_that_is_one_away():
    assert guesses({"parcel": 3, "place": 50}, "pracel") == ["parcel"]


def test_the_more_frequent_of_two_near_words_comes_first():
    assert guesses({"letter": 2, "latter": 90}, "lotter") == ["latter", "letter"]


def test_an_empty_lexicon_guesses_nothing():
    assert guesses({}, "refund") == []
    assert not Lexicon.of({}, "en").knows("refund")


def test_every_word_one_slip_away_is_found_as_if_all_were_compared():
    rng = random.Random(3)
    words = {"".join(rng.choice("aeirst") for _ in range(rng.randint(3, 12))) for _ in range(2000)}
    frequencies = dict.fromkeys(sorted(words), 1)
    table = WordTable(arrays.ArraysInMemory(lexicon.word_arrays(frequencies, "en")))
    for word in rng.sample(sorted(words), 60):
        at = rng.randrange(len(word))
        mistyped = word[:at] + rng.choice("aeirst") + word[at:]
        near = {found for found in table.near(spelling.hashes(mistyped, 1)) if distance(mistyped, found, limit=1) <= 1}
        assert near == {other for other in words if distance(mistyped, other, limit=1) <= 1}


def test_a_table_on_disk_finds_what_the_table_in_memory_finds(tmp_path, monkeypatch):
    rng = random.Random(4)
    words = {
        "".join(rng.choice("aeirstömn") for _ in range(rng.randint(4, 12))): rng.randint(1, 9) for _ in range(3000)
    }
    found = lexicon.word_arrays(words, "de")
    arrays.write(tmp_path / "words", found)
    in_memory = Lexicon([WordTable(arrays.ArraysInMemory(found))], "de", knows=lambda stem: True)
    monkeypatch.setattr(lexicon, "_WHOLE", 0)  # so that the one on disk reads bucket by bucket
    on_disk = Lexicon([WordTable(arrays.ArrayFile(tmp_path / "words"))], "de", knows=lambda stem: True)
    for word in itertools.islice(words, 200):
        mistyped = word[:2] + word[3:]
        monkeypatch.setattr(lexicon, "_WHOLE", 1 << 16)
        expected = in_memory.guess(mistyped)
        monkeypatch.setattr(lexicon, "_WHOLE", 0)
        assert on_disk.guess(mistyped) == expected
        assert expected or len(mistyped) < 4


def test_several_tables_are_one_lexicon():
    tables = [
        WordTable(arrays.ArraysInMemory(lexicon.word_arrays(words, "en")))
        for words in ({"letter": 2}, {"latter": 1, "letter": 5})
    ]
    words = Lexicon(tables, "en", knows=lambda stem: True)
    assert [word for word, _ in words.guess("lotter")] == ["letter", "latter"]


def test_compounds_of_a_word_are_found_by_their_first_part_and_by_their_head():
    german = Lexicon.of(GERMAN, "de")
    assert german.compounds("versand") == ["versandkosten"]
    assert german.compounds("kosten") == ["versandkosten"]
    assert german.compounds("adresse") == ["lieferungsadresse"]  # across the s of the joint
    assert german.compounds("nach") == []  # "nahme" is no word here


def test_an_unknown_compound_is_split_into_known_words():
    german = Lexicon.of(GERMAN, "de")
    assert german.parts("rücksendungsetikett") == ["rücksendung", "etikett"]
    assert german.parts("rücksendungskostenetikett") == ["rücksendung", "kosten", "etikett"]
    assert german.parts("rücksendungszebra") == []
    assert german.parts("kosten") == []


def test_english_words_do_not_join():
    english = Lexicon.of({"post": 1, "card": 1, "postcard": 1}, "en")
    assert english.compounds("card") == english.parts("postcard") == []


def test_a_side_file_cut_short_is_damaged_and_kills_nobody(tmp_path):
    path = tmp_path / "words"
    arrays.write(path, lexicon.word_arrays({"letter": 2, "latter": 1}, "en"))
    opened = arrays.ArrayFile(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(IndexDamaged, match="shorter"):
        opened.whole("delete_buckets")
    path.write_bytes(b"rubbish" * 20)
    with pytest.raises(IndexDamaged):
        arrays.ArrayFile(path)
    with pytest.raises(IndexDamaged):
        arrays.ArrayFile(tmp_path / "nowhere")
