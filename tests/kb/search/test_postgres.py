"""The database's own index: written by the edit that it shows, gone with what is gone, and in nobody's way."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.backends.postgresql.base import DatabaseWrapper

from kb import publishing, search
from kb.models import (
    Article,
    IndexedArticle,
    IndexStep,
    LexiconChange,
    LexiconWord,
    Posting,
    TitleWord,
    Visibility,
)
from kb.publishing import Text
from kb.search import indexing, posting_entries, postings
from kb.search.engine import EngineUnavailable, SearchRequest
from kb.search.postgres import PostgresEngine
from tests.kb.search.engines import SHOP, ask, doc

pytestmark = pytest.mark.django_db


@pytest.fixture
def engine(settings) -> PostgresEngine:
    return PostgresEngine()


def published() -> dict[int, int]:
    return dict(Article.objects.published().values_list("pk", "version"))


def lexicon(lang: str = "en") -> dict[str, int]:
    """Each word and in how many articles it is, changes folded in or not."""
    found: dict[str, int] = {}
    for rows in (
        LexiconWord.objects.filter(lang=lang).values_list("word", "documents"),
        LexiconChange.objects.filter(lang=lang).values_list("word", "change"),
    ):
        for word, count in rows:
            found[word] = found.get(word, 0) + count
    return {word: count for word, count in found.items() if count}


def rewrite(article: Article, title: str, body: str = "Some text.") -> None:
    publishing.save_draft(article, Text(title, "", body), version=article.draft.version, by=None)
    publishing.publish(article, by=None, ring=False)


# --- With each edit ---


def test_a_published_article_is_found_at_once_and_nothing_has_to_run(write, engine):
    article = write("Customs duties")
    assert ask(engine, "customs") == [article.pk]
    assert not engine.verify(published())


def test_drafts_are_not_in_the_index(write, engine):
    article = write("Customs duties")
    write("Customs drafts", publish=False)
    publishing.save_draft(article, Text("Secret", "", "x"), version=article.draft.version, by=None)
    assert ask(engine, "customs") == [article.pk]
    assert ask(engine, "secret", is_verbatim=True) == []


def test_an_archived_article_is_gone_with_all_its_words(write, engine):
    article = write("Customs duties")
    publishing.archive(article, by=None)
    assert ask(engine, "customs", is_verbatim=True) == []
    for model in (IndexedArticle, Posting, TitleWord):
        assert not model.objects.exists()
    assert lexicon() == {}
    publishing.publish(article, by=None, ring=False)
    assert ask(engine, "customs") == [article.pk]


def test_a_changed_a_reverted_and_a_moved_article_are_followed(write, shelf, engine):
    article = write("Customs duties")
    first = article.live_revision
    rewrite(article, "Import taxes")
    assert ask(engine, "customs", is_verbatim=True) == []
    assert ask(engine, "taxes") == [article.pk]
    publishing.revert(article, first, by=None)
    assert ask(engine, "customs") == [article.pk]
    other = shelf("returns")
    publishing.move(article, other, ring=False)
    assert dict(engine.search(SearchRequest("customs", "en")).counts) == {other.pk: 1}
    publishing.rename_slug(article, "other-address")
    assert not engine.verify(published())


def test_what_staff_alone_may_read_is_found_by_them_alone(write, engine):
    article = write("Customs duties", publish=False)
    Article.objects.filter(pk=article.pk).update(visibility=Visibility.STAFF)
    article.refresh_from_db()
    publishing.publish(article, by=None, ring=False)
    assert ask(engine, "customs") == []
    assert ask(engine, "customs", visibility=frozenset({"staff"})) == [article.pk]


def test_a_publish_that_is_rolled_back_leaves_nothing(write, engine):
    article = write("Customs duties", publish=False)
    before = engine.generation()
    with transaction.atomic():
        publishing.publish(article, by=None, ring=False)
        assert ask(engine, "customs") == [article.pk]
        transaction.set_rollback(True)
    assert ask(engine, "customs", is_verbatim=True) == []
    assert engine.generation() == before
    for model in (IndexedArticle, Posting, TitleWord, LexiconChange):
        assert not model.objects.exists()


def test_other_connections_see_an_edit_when_it_commits_and_not_before(transactional_db, write, engine):
    article = write("Customs duties", publish=False)
    found: list[list[int]] = []

    def look() -> None:
        found.append(ask(PostgresEngine(), "customs", is_verbatim=True))
        connection.close()

    with transaction.atomic():
        publishing.publish(article, by=None, ring=False)
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    look()
    assert found == [[], [article.pk]]


def test_edits_of_two_articles_wait_for_nothing_but_their_own_rows(transactional_db, write, engine, monkeypatch):
    """Two transactions, each with both articles' words in hand, in opposite order: with shared counters a deadlock."""
    monkeypatch.setattr(postings, "_FOLD_EVERY", 1)  # whoever comes first folds, in every edit
    one, two = write("Customs duties", publish=False), write("Customs taxes", publish=False)
    three, four = write("Customs parcels", publish=False), write("Customs offices", publish=False)
    both = threading.Barrier(2, timeout=20)
    failures: list[Exception] = []

    def edit(first: Article, second: Article) -> None:
        try:
            with transaction.atomic():
                publishing.publish(first, by=None, ring=False)
                both.wait()
                publishing.publish(second, by=None, ring=False)
                both.wait()
        except Exception as error:  # noqa: BLE001  whatever it is, the test fails
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=edit, args=pair) for pair in ((one, two), (four, three))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(ask(engine, "customs")) == 4
    assert not engine.verify(published())
    assert lexicon()["customs"] == 4


def test_the_lexicon_counts_articles_however_often_it_is_folded(write, monkeypatch):
    monkeypatch.setattr(postings, "_FOLD_EVERY", 3)
    articles = [write(f"Customs number{n}") for n in range(7)]
    assert lexicon()["customs"] == 7
    rewrite(articles[0], "Import taxes")
    publishing.archive(articles[1], by=None)
    words = lexicon()
    assert words["customs"] == 5
    assert "number0" not in words
    assert words["import"] == 1
    assert LexiconWord.objects.filter(documents__lte=0).count() == 0


def test_the_generation_grows_by_one_an_edit_and_folding_keeps_it(write, engine, monkeypatch):
    monkeypatch.setattr(postings, "_FOLD_EVERY", 4)
    seen = []
    for number in range(9):
        write(f"Customs {number}")
        seen.append(engine.generation())
    assert seen == list(range(seen[0], seen[0] + 9))
    assert IndexStep.objects.count() <= 4


# --- Anew ---


def test_a_rebuild_mends_what_was_harmed(write, engine, settings):
    settings.SEARCH_ENGINE = "postgres"
    article, other = write("Customs duties"), write("Import taxes")
    Posting.objects.filter(article_id=article.pk).delete()
    IndexedArticle.objects.filter(article_id=other.pk).delete()
    assert indexing.verify().missing == (other.pk,)
    call_command("search_index", "rebuild")
    assert not indexing.verify()
    assert ask(engine, "customs") == [article.pk]
    assert ask(engine, "taxes") == [other.pk]


def test_an_edit_during_a_rebuild_is_not_lost(transactional_db, write, engine):
    """The rebuild has read the articles; before it swaps, one is changed, one archived, one published."""
    stays, changes, goes = write("Customs stays"), write("Customs changes"), write("Customs goes")
    comes = write("Customs comes", publish=False)

    def edit() -> None:
        rewrite(changes, "Customs changed")
        publishing.archive(goes, by=None)
        publishing.publish(comes, by=None, ring=False)
        connection.close()

    def documents():
        yield from list(indexing._documents(None))
        thread = threading.Thread(target=edit)
        thread.start()
        thread.join()

    engine.rebuild(documents(), position=indexing._oldest_open_transaction())
    assert not engine.verify(published())
    assert set(ask(engine, "customs")) == {stays.pk, changes.pk, comes.pk}
    assert ask(engine, "changed") == [changes.pk]
    assert lexicon()["customs"] == 3


_COLUMNS = {
    "posting": "lang, term, field, article_id, count",
    "titleword": "lang, word, article_id, place",
    "indexedarticle": "article_id, version, lang, category_id, visibility, title_length, body_length, words, gist, "
    "stems",
}


def all_rows() -> dict[str, list[tuple[object, ...]]]:
    found = {}
    with connection.cursor() as cursor:
        for table, columns in _COLUMNS.items():
            cursor.execute(f"SELECT {columns} FROM kb_{table} ORDER BY 1, 2, 3, 4")
            found[table] = cursor.fetchall()
    return {**found, "words": sorted(lexicon().items()), "palabras": sorted(lexicon("es").items())}


def test_many_articles_at_once_leave_what_one_by_one_leaves(engine):
    now = [
        doc(1, "Late parcel", "It is late, late, late."),
        doc(2, "Parcel late", "Nothing else.", category=2),
        doc(3, "", ""),
        doc(4, "Never seen", "A new one."),
        doc(5, "Older here", "Stays."),
        doc(6, "Dónde está", "Aquí.", lang="es"),
    ]
    first = [
        doc(1, "Late parcel", "It is late, on the way."),
        doc(2, "Late parcel", "Nothing else."),
        doc(3, "Words", "That go."),
        doc(5, "Newer here", "Stays."),
        doc(6, "Where is it", "Here."),
    ]
    first = [replace(one, version=9 if one.id == 5 else 1) for one in first]
    now = [replace(one, version=2) for one in now]
    engine.rebuild(first, position=0)
    for one in now:
        postings.put(one)
    wanted = all_rows()
    engine.rebuild(first, position=0)
    before = engine.generation()
    postings.put_all(now)
    assert all_rows() == wanted
    assert engine.generation() > before
    steps = engine.generation()
    postings.put_all(now)
    assert engine.generation() == steps, "they are there already"


# --- Who answers ---


def test_the_engine_is_the_one_in_the_settings(settings):
    settings.SEARCH_ENGINE = "postgres"
    assert search.engine() is search.database()
    assert search.engine().name.startswith("postgres/")
    settings.SEARCH_ENGINE = "whoosh"
    assert search.engine().name.startswith("whoosh/")
    settings.SEARCH_ENGINE = "elastic"
    with pytest.raises(ValueError, match="whoosh, postgres, opensearch"):
        search.engine()
    settings.SEARCH_ENGINE = "whoosh"


@pytest.fixture
def dead_replica(settings, monkeypatch):
    """A replica of which nothing is left but its address."""
    dead = connection.settings_dict | {"HOST": "127.0.0.1", "PORT": "1", "OPTIONS": {"connect_timeout": 1}}
    aliases = {"default": connection, "replica": DatabaseWrapper(dead, "default")}
    monkeypatch.setattr("kb.search.postgres.connections", aliases)
    settings.SEARCH_DATABASE_ALIAS = "replica"


def test_where_the_replica_does_not_answer_the_primary_does(dead_replica, engine, caplog):
    engine.rebuild(SHOP, position=0)
    assert ask(engine, "late parcel")[0] == 1
    assert ask(engine, "late parcel")[0] == 1
    assert [record.message for record in caplog.records].count("search replica did not answer; the primary does") == 1


def test_a_database_that_fails_is_told_as_such(engine, monkeypatch):
    monkeypatch.setattr("kb.search.postgres._GENERATION", "SELECT no_such_thing")
    with transaction.atomic():
        with pytest.raises(EngineUnavailable):
            ask(engine, "late")
        transaction.set_rollback(True)


# --- How it reads ---


def test_a_search_again_asks_for_nothing_but_the_generation(engine, django_assert_num_queries):
    engine.rebuild(SHOP, position=0)
    ask(engine, "late parcel")
    with django_assert_num_queries(1):
        ask(engine, "late parcel")


def test_endless_words_fit_the_index_and_are_told_apart():
    kept = {posting_entries.key("a" * length) for length in (60, 61, 200, 5000)}
    assert len(kept) == 4
    assert max(map(len, kept)) == 60
    assert posting_entries.key("refund") == "refund"


def test_new_words_are_known_at_once(engine):
    engine.rebuild(SHOP, position=0)
    assert engine.search(SearchRequest("refnud", "en")).corrected == "refund"
    engine.index([doc(9, "The refnud of the king")])
    engine.commit(position=1)
    results = engine.search(SearchRequest("refnud", "en"))
    assert results.corrected == ""
    assert results.hits[0].id == 9


def test_postings_are_read_from_the_index_alone(engine):
    engine.rebuild((doc(n, f"Title {n}", " ".join(f"word{n}x{m}" for m in range(40))) for n in range(400)), position=0)
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN SELECT array_agg(article_id), array_agg(count) FROM kb_posting "
            "WHERE lang = 'en' AND term = 'titl' AND field = 0"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "kb_posting_pkey" in plan
