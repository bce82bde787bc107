"""How texts of each language become stems: what customers type finds what editors wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb.search import analysis
from kb.search.stop_words import STOP_WORDS

# In each language: (what the article says, what the customer types).
SAME = {
    "en": [("refunds", "refund"), ("delivered", "delivers"), ("returning", "return"), ("café", "cafe")],
    "es": [
        ("devolución", "devolucion"),
        ("devoluciones", "devolucion"),
        ("envíos", "envio"),
        ("dirección", "direccion"),
    ],
    "de": [
        ("Lieferungen", "Lieferung"),
        ("Rücksendung", "Ruecksendung"),
        ("Größe", "groesse"),
        ("Rückgabe", "ruckgabe"),
    ],
    "fr": [
        ("l’étiquette", "etiquette"),
        ("livraisons", "livraison"),
        ("remboursée", "rembourser"),
        ("d'échange", "echange"),
    ],
    "pt": [("devolução", "devolucao"), ("devoluções", "devolucao"), ("endereços", "endereco"), ("entregas", "entrega")],
    "it": [("spedizioni", "spedizione"), ("quantità", "quantita"), ("dell'ordine", "ordine"), ("resi", "reso")],
    "nl": [("bestellingen", "bestelling"), ("pakketten", "pakket"), ("geretourneerd", "geretourneerd")],
    "pl": [("przesyłka", "przesylka"), ("paczki", "paczka"), ("zamówienia", "zamowienie"), ("zwroty", "zwrot")],
    "ar": [("الطلب", "طلب"), ("طَلَبِي", "طلبي"), ("الإرجاع", "الارجاع"), ("شحنـــة", "شحنة")],
}


@pytest.mark.parametrize(
    ("lang", "written", "typed"), [(lang, *pair) for lang, pairs in SAME.items() for pair in pairs]
)
def test_what_is_typed_and_what_is_written_have_one_stem(lang, written, typed):
    language = analysis.for_language(lang)
    assert language.stems(written) == language.stems(typed)
    assert language.stems(written)[0]


@pytest.mark.parametrize(
    ("lang", "written", "typed"),
    [
        ("ja", "返品の方法について", "返品方法"),
        ("ja", "ご注文のｷｬﾝｾﾙ", "キャンセル"),
        ("zh", "如何申请退货退款", "退款"),
        ("zh", "退貨運費", "運費"),
        ("ko", "배송이 언제 도착하나요", "배송 도착"),
        ("th", "วิธีคืนสินค้า", "คืนสินค้า"),
    ],
)
def test_writing_without_spaces_is_found_by_its_pairs(lang, written, typed):
    language = analysis.for_language(lang)
    wanted = set(language.stems(typed))
    assert len(wanted & set(language.stems(written))) >= 0.6 * len(wanted)


def test_a_mark_that_makes_another_letter_stays():
    language = analysis.for_language("ja")
    assert set(language.stems("ハック")).isdisjoint(language.stems("バッグ"))


def test_regions_do_not_matter_and_unknown_languages_are_searched_too():
    assert analysis.for_language("pt-br") is analysis.for_language("pt")
    assert analysis.for_language("xx").stems("Čeština bez") == ["cestina", "bez"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Error 5.7.134", ["error", "5.7.134"]),
        ("ERR_CONN_RESET", ["err_conn_reset"]),
        ("order PR-12345", ["order", "pr12345", "pr", "12345"]),
        ("#100482", ["100482"]),
        ("0x80070005", ["0x80070005"]),
        ("Wi-Fi", ["wifi", "wi", "fi"]),
        ("e-mail", ["email", "e", "mail"]),
        ("John’s parcel", ["john", "parcel"]),
        ("don't", ["don't"]),
        ("ﬁne ＡＢＣ１", ["fine", "abc1"]),
        ("-- ... ''", []),
    ],
)
def test_codes_stay_whole_and_words_with_a_hyphen_are_found_both_ways(text, words):
    assert analysis.for_language("en").words(text) == words


@pytest.mark.parametrize("typed", ["PR-12345", "pr12345", "PR 12345", "12345"])
def test_a_code_is_found_however_it_is_typed(typed):
    language = analysis.for_language("en")
    assert set(language.stems(typed)) & set(language.stems("Voucher PR-12345"))


def test_spans_say_where_each_word_stands():
    language = analysis.for_language("fr")
    text = "Où est l’étiquette ?"
    assert [text[start:end] for start, end, _stem in language.spans(text)] == ["Où", "est", "l’étiquette"]
    assert language.spans(text)[2][2] == language.stem("étiquette")


@pytest.mark.parametrize("lang", sorted(STOP_WORDS))
def test_stop_words_are_words_as_texts_are_read(lang):
    language = analysis.for_language(lang)
    for word in STOP_WORDS[lang].split():
        assert word in language.words(word), word


@given(st.text(max_size=300), st.sampled_from(["en", "fr", "ja", "ar", "de", "th"]))
def test_no_text_breaks_it_and_every_span_lies_in_the_text(text, lang):
    for start, end, stem in analysis.for_language(lang).spans(text):
        assert 0 <= start < end <= len(text)
        assert stem


_PIECES = st.one_of(
    st.sampled_from(["ab", "'s", "’s", "’", "'", "-", ".", "–", " ", "\n", "\r", "\x0b", "\x1c", "\x85", "\u2028"]),
    st.sampled_from(["\u00a0", "é", "ß", "漢字", "İ", "_", "1", "\u0301", "l'", "w" * 61, "Σ", "ª", "ﬁ"]),
    st.sampled_from(["⚠\ufe0f", "\u200d", "ـ", "د\u064e", "ア", "ｱ", "ก\u0e34"]),
)


@given(st.lists(_PIECES, max_size=30), st.sampled_from(["en", "fr", "de", "ja", "ar", "it"]))
def test_words_are_those_of_the_tokens_however_a_text_is_printed(pieces: list[str], lang: str) -> None:
    language, text = analysis.for_language(lang), "".join(pieces)
    assert language.words(text) == [token.word for token in language.tokens(text)]
