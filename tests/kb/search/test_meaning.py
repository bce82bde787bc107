"""Search by meaning: with the real model, which `make test` installs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import publishing
from kb.models import ArticleVector, Category, Draft
from kb.publishing import Text
from kb.search import fusion, indexing, query, semantic, vectors
from kb.search.engine import Hit, SearchRequest


@pytest.fixture(scope="module")
def encoder() -> semantic.Encoder:
    found = semantic.encoder()
    assert found is not None, "make semantic"
    return found


def test_nobody_waits_for_the_model_to_load():
    """In a process of its own: the first answer goes by words alone, a later one by meaning too."""
    code = """
import threading
from kb.search import semantic
assert semantic.loaded() is None
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(60)
assert isinstance(semantic.loaded(), semantic.Encoder)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def meaning(settings, encoder) -> vectors.Vectors:
    settings.SEARCH_MEANING = True
    return vectors.Vectors()


def blend(meaning: vectors.Vectors, text: str, hits: list[Hit] | None = None, **request) -> list[int]:
    blended = meaning.blend(SearchRequest(text, "en", **request), hits or [], text=text)
    assert blended is not None
    return [hit.id for hit in blended]


# --- The encoder ---


def test_what_means_the_same_is_near_and_what_does_not_is_far(encoder):
    asked = encoder.query("my package has not arrived yet")
    near = float(asked @ encoder.article("Where is my order?", "How to track a parcel that is on its way."))
    far = float(asked @ encoder.article("Care of wooden tables", "Oil the wood twice a year."))
    assert near > 0.4
    assert far < 0.3


def test_a_vector_has_length_one_whatever_the_text(encoder):
    for text in ("", "?", "\x00", "🚚" * 500, "word " * 5000, "返品の方法"):
        vector = encoder.query(text)
        assert vector.shape == (semantic.SIZE,)
        assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-4)


def test_only_the_beginning_of_an_article_counts(encoder):
    start = " ".join(f"word{n}" for n in range(60))
    assert np.array_equal(encoder.article("Lamps", start), encoder.article("Lamps", f"{start} and much more after it"))


# --- Vectors of articles ---


@pytest.mark.django_db
def test_an_article_is_found_by_what_it_means(write, meaning):
    late = write("Where is my order?", "How to track a parcel that is on its way to you.")
    write("Care of wooden tables", "Oil the wood twice a year.")
    assert vectors.lacking() == 2
    assert vectors.make() == 2
    assert vectors.lacking() == 0
    assert blend(meaning, "my package has not arrived yet")[0] == late.pk


@pytest.mark.django_db
def test_a_changed_article_gets_another_vector_and_a_running_process_sees_it(write, meaning, monkeypatch):
    monkeypatch.setattr(vectors, "_LOOK_EVERY", 0.0)
    article = write("Care of wooden tables", "Oil the wood twice a year.")
    vectors.make()
    assert blend(meaning, "my package has not arrived yet") == []
    draft = Draft.objects.get(article=article)
    publishing.save_draft(article, Text("Where is my parcel?", "", "Track a package."), version=draft.version, by=None)
    publishing.publish(article, by=None, ring=False)
    assert vectors.lacking() == 1
    assert vectors.make() == 1
    assert blend(meaning, "my package has not arrived yet") == [article.pk]


@pytest.mark.django_db
def test_vectors_of_another_model_are_made_anew(write, settings):
    settings.SEARCH_MEANING = True
    article = write("Where is my order?")
    vectors.make()
    ArticleVector.objects.update(model="older")
    assert vectors.make() == 1
    assert ArticleVector.objects.get(pk=article.pk).model == semantic.MODEL


@pytest.mark.django_db
def test_meaning_respects_who_may_read_and_what_was_asked_for(write, meaning):
    write("Where is my order?", "Track a parcel.", on="delivery")
    secret = write("Where is my parcel: notes for staff", "Track a parcel.", on="delivery")
    type(secret).objects.filter(pk=secret.pk).update(visibility="staff")
    other = write("Where is my package?", "Track a parcel.", on="returns")
    vectors.make()
    asked = "where is my parcel"
    assert secret.pk not in blend(meaning, asked)
    assert secret.pk in blend(meaning, asked, visibility=frozenset({"public", "staff"}))
    returns = Category.objects.get(key="returns").pk
    assert blend(meaning, asked, categories=frozenset({returns})) == [other.pk]
    assert other.pk not in blend(meaning, asked, excluded=frozenset({other.pk}))


@pytest.mark.django_db
def test_only_languages_that_the_model_knows_have_vectors(write, meaning):
    write("¿Dónde está mi pedido?", locale="es")
    assert vectors.lacking() == 0
    assert meaning.blend(SearchRequest("pedido", "es"), [], text="pedido") is None


@pytest.mark.django_db
def test_without_vectors_or_switched_off_the_words_stand_alone(write, meaning, settings):
    write("Where is my order?")
    assert meaning.blend(SearchRequest("order", "en"), [], text="order") is None
    vectors.make()
    settings.SEARCH_MEANING = False
    assert meaning.blend(SearchRequest("order", "en"), [], text="order") is None
    assert vectors.make() == 0


@pytest.mark.django_db
def test_a_page_of_answers_goes_by_meaning_too_and_says_so(write, settings, encoder, monkeypatch):
    settings.SEARCH_MEANING = True
    monkeypatch.setattr(vectors, "vectors", vectors.Vectors())
    late = write("Where is my order?", "How to track a parcel that is on its way to you.")
    tables = write("Care of wooden tables", "Oil the wood twice a year.")
    indexing.rebuild()
    assert query.find("package has not shown up", locale="en").results == ()
    vectors.make()
    monkeypatch.setattr(vectors, "vectors", vectors.Vectors())
    found = query.find("package has not shown up", locale="en", explain=True)
    assert [result.article_id for result in found.results] == [late.pk]
    assert found.engine.endswith("+meaning")
    assert found.total == 1
    assert fusion.MEANING in found.results[0].why
    # Quotation marks ask for these words.
    assert query.find('"package has not shown up"', locale="en").total == 0
    publishing.archive(late, by=None)
    assert query.find("package has not shown up", locale="en").total == 0
    assert [result.article_id for result in query.find("wooden tables", locale="en").results] == [tables.pk]


# --- Fusion ---


def test_the_sum_is_that_of_the_formula():
    hits = [Hit(1, 1, 10.0), Hit(2, 1, 5.0)]
    fused = fusion.fuse(hits, {1: 0.2, 2: 0.9}, near={}, terms=8)
    share = 0.4 * 2.5 / 8
    assert [hit.id for hit in fused] == [2, 1]
    assert fused[0].score == pytest.approx(share * 0.5 + (1 - share) * 0.9)
    assert fused[1].score == pytest.approx(share * 1.0 + (1 - share) * 0.2)


def test_reasons_add_up_to_the_score():
    hits = [Hit(1, 1, 10.0, {"refund": 7.0, "late": 3.0})]
    fused = fusion.fuse(hits, {1: 0.6, 9: 0.8}, near={9: 4}, terms=2, explain=True)
    assert {hit.id for hit in fused} == {1, 9}
    for hit in fused:
        assert sum(hit.why.values()) == pytest.approx(hit.score)


def test_what_is_only_a_little_near_is_no_answer():
    assert fusion.fuse([], {7: fusion.NEAR - 0.01}, near={7: 1}, terms=3) == []
    assert [hit.id for hit in fusion.fuse([], {7: fusion.NEAR}, near={7: 1}, terms=3)] == [7]


def test_an_article_without_a_vector_keeps_its_place():
    fused = fusion.fuse([Hit(1, 1, 9.0), Hit(2, 1, 8.0), Hit(3, 1, 1.0)], {1: 0.7, 3: 0.1}, near={}, terms=2)
    assert [hit.id for hit in fused] == [1, 2, 3]


@given(
    st.lists(st.tuples(st.integers(1, 30), st.floats(0.01, 50)), unique_by=lambda hit: hit[0], max_size=12),
    st.dictionaries(st.integers(1, 30), st.floats(-1, 1), max_size=20),
    st.integers(0, 40),
)
def test_every_hit_stays_and_each_comes_once(hits, cosines, terms):
    near = dict.fromkeys(cosines, 1)
    fused = fusion.fuse([Hit(id, 1, score) for id, score in hits], cosines, near=near, terms=terms)
    ids = [hit.id for hit in fused]
    assert len(ids) == len(set(ids))
    assert {id for id, _score in hits} <= set(ids)
    assert [hit.score for hit in fused] == sorted((hit.score for hit in fused), reverse=True)
