"""The OpenSearch adapter against a real server's REST interface, and against servers that fail."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from kb.search import indexing, opensearch_queries, query, scoring
from kb.search.engine import Document, EngineUnavailable, IndexDamaged, SearchRequest
from kb.search.opensearch import OpenSearchEngine
from kb.search.understanding import STOP_IN_TITLE, Term, Understood
from tests.kb.search import osmem

osmem_server = pytest.importorskip("osmem_server")


@pytest.fixture
def server(opensearch_server) -> osmem_server.OsmemServer:
    return opensearch_server


@pytest.fixture
def engine(server) -> Iterator[OpenSearchEngine]:
    engine = OpenSearchEngine(server.url, index_prefix=osmem.new_prefix())
    yield engine
    engine.close()


def doc(id: int, title: str, body: str = "", *, version: int = 1, lang: str = "en", **more) -> Document:
    return Document(id=id, version=version, lang=lang, title=title, body=body, **more)


SHOP = [
    doc(1, "My parcel is late", "A parcel is late once the promised day has passed.", category=3),
    doc(2, "When does my refund arrive?", "Refunds take five working days to reach your bank.", category=4),
    doc(3, "Change the delivery address", "Before dispatch you can change where the parcel goes.", category=3),
    doc(4, "How we pay a late parcel", "Refund the fee.", category=4, visibility="staff"),
    doc(5, "Mi paquete se retrasa", "Un paquete llega tarde.", lang="es"),
]


@pytest.fixture
def shop(engine):
    engine.rebuild(SHOP, position=7)
    return engine


def ask(engine, text: str, lang: str = "en", **more) -> list[int]:
    return [hit.id for hit in engine.search(SearchRequest(text, lang, **more)).hits]


def indexes_of(shop, server) -> set[str]:
    return set(httpx.get(f"{server.url}/{shop._indexes.prefix}-docs-*/_settings").json())


# --- The index ---


def test_the_template_sends_stems_as_they_are_and_scores_by_our_figures(shop, server):
    index = next(name for name in indexes_of(shop, server) if "-en-" in name)
    found = httpx.get(f"{server.url}/{index}").json()[index]
    similarity = found["settings"]["index"]["similarity"]["help"]
    assert (float(similarity["k1"]), float(similarity["b"])) == (scoring.K1, scoring.B)
    assert found["mappings"]["dynamic"] == "strict"
    assert found["settings"]["index"]["refresh_interval"] == "-1"
    assert found["settings"]["index"]["gc_deletes"] == "1h"
    assert set(found["aliases"]) == {f"{shop._indexes.prefix}-en", f"{shop._indexes.prefix}-all"}


def test_weights_go_with_each_stem_and_field():
    """The scores themselves are Lucene's to make; osmem's own lengths differ from its."""
    request = SearchRequest("my parcel", "en")
    terms = {Term("parcel"): 0.5, Term("my", is_minor=True): 1.0}
    understood = Understood(terms=terms, meant=frozenset(), phrases=(), corrected="", known=1.0)
    clauses = opensearch_queries.ranked(request, understood, terms)["query"]["bool"]["should"]
    weight = (scoring.K1 + 1) * scoring.FIELD_WEIGHTS["title"]
    assert clauses == [
        {"term": {"title": {"value": "parcel", "boost": pytest.approx(0.5 * weight)}}},
        {"term": {"body": {"value": "parcel", "boost": pytest.approx(0.5 * (scoring.K1 + 1))}}},
        {"term": {"title": {"value": "my", "boost": pytest.approx(STOP_IN_TITLE * weight)}}},
    ]


def test_a_rebuild_swaps_all_languages_at_once_and_leaves_no_old_index(shop, server):
    before = indexes_of(shop, server)
    assert len(before) == 2
    assert shop.rebuild([doc(9, "Only this", lang="fr")], position=3) == 2
    after = indexes_of(shop, server)
    assert len(after) == 1
    assert not after & before
    assert ask(shop, "parcel") == ask(shop, "paquete", "es") == []
    assert ask(shop, "only", "fr") == [9]
    assert shop.stats().position == 3


def test_searches_go_on_while_it_is_rebuilt_and_find_the_old_or_the_new(shop, server):
    reader = OpenSearchEngine(server.url, index_prefix=shop._indexes.prefix)
    found, failures, done = set(), [], threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                found.add(tuple(ask(reader, "parcel")))
        except Exception as error:  # noqa: BLE001  whatever it is, the test fails
            failures.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    for version in range(2, 22):
        shop.rebuild([doc(1, "parcel", version=version), doc(8, "parcel", version=version)], position=version)
    done.set()
    thread.join()
    reader.close()
    assert not failures
    assert found <= {(1, 3), (1, 8)}


def test_an_index_that_a_dead_rebuild_left_is_no_answer(shop, server):
    httpx.put(f"{server.url}/{shop._indexes.prefix}-docs-en-dead00/_doc/77", json={"id": 77, "title": "parcel"})
    assert 77 not in ask(shop, "parcel")
    assert not shop.verify({doc.id: 1 for doc in SHOP})


def test_another_process_finds_a_commit_and_its_new_words_at_once(shop, server):
    reader = OpenSearchEngine(server.url, index_prefix=shop._indexes.prefix)
    assert ask(reader, "parcle") == [1, 3]
    shop.index([doc(6, "Parkle cleaning"), doc(7, "Gutscheine", lang="de")])
    assert shop.commit(position=9) == 2
    assert ask(reader, "parkle") == [6]
    assert ask(reader, "gutscheine", "de") == [7]
    assert reader.stats().position == 9
    reader.close()


# --- Several writers ---


def test_a_slow_writer_cannot_bring_a_deleted_article_back(shop, server):
    """Host B read article 1 as published before host A took it away, and writes it after."""
    other = OpenSearchEngine(server.url, index_prefix=shop._indexes.prefix)
    other._pending = {1: SHOP[0]}
    shop.delete([1])
    shop.commit(position=20)
    other.commit(position=10)
    assert 1 not in ask(shop, "late parcel")
    assert shop.stats().position == 20  # what A read of the outbox stays read
    other.close()


def test_a_slow_writer_cannot_overwrite_a_newer_version(shop, server):
    other = OpenSearchEngine(server.url, index_prefix=shop._indexes.prefix)
    other.index([doc(1, "Parcel, version two", version=2)])
    shop.index([doc(1, "Parcel, version three", version=3)])
    shop.commit(position=1)
    other.commit(position=1)
    assert [hit.version for hit in shop.search(SearchRequest("parcel", "en")).hits if hit.id == 1] == [3]
    other.close()


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_commit_that_meets_a_rebuild_of_another_host_is_written_again(shop, server, monkeypatch, is_killed):
    """The other host may even die after it has swapped the indexes and before it has written so down."""
    other = OpenSearchEngine(server.url, index_prefix=shop._indexes.prefix)
    bulk = shop._client.bulk
    rebuilt = []

    def bulk_then_rebuild(*args, **options):
        answer = bulk(*args, **options)
        if not rebuilt:
            rebuilt.append(True)
            with pytest.raises(SystemExit) if is_killed else contextlib.nullcontext():
                other.rebuild(SHOP, position=5)
        return answer

    def die(*_args: object, **_options: object) -> None:
        raise SystemExit

    if is_killed:
        monkeypatch.setattr(other._indexes, "put_state", die)
    monkeypatch.setattr(shop._client, "bulk", bulk_then_rebuild)
    shop.index([doc(6, "Gift vouchers")])
    shop.commit(position=9)
    assert ask(shop, "vouchers") == [6]
    assert shop.generation() == (2 if is_killed else 3)
    other.close()


# --- Questions ---


def test_filters_pins_and_counts(shop):
    results = shop.search(SearchRequest("parcel refund", "en", categories=frozenset({3})))
    assert [hit.id for hit in results.hits] == [1, 3]
    assert results.total == 2
    assert results.counts == {3: 2, 4: 1}  # category filter aside
    assert 4 in ask(shop, "late parcel", visibility=frozenset({"public", "staff"}))
    assert 1 not in ask(shop, "late parcel", excluded=frozenset({1}))


def test_a_phrase_keeps_documents_with_all_of_its_words(shop):
    results = shop.search(SearchRequest('"parcel goes" refund', "en"))
    assert [hit.id for hit in results.hits] == [3]
    assert results.phrases == (("parcel", "goe"),)


def test_explain_tells_what_each_stem_gave(shop):
    (best, *_) = shop.search(SearchRequest("my late parcel", "en", explain=True)).hits
    assert set(best.why) == {"my", "late", "parcel"}
    assert sum(best.why.values()) == pytest.approx(best.score, rel=1e-4)
    assert shop.search(SearchRequest("late parcel", "en")).hits[0].why == {}


def test_a_text_of_thousands_of_words_is_one_the_server_takes(shop):
    assert ask(shop, "refund bank " + " ".join(f"word{number}" for number in range(3000))) == [2]
    assert ask(shop, "parcel", offset=20_000) == []


def test_words_that_no_mapping_could_hold_are_taken(engine):
    engine.rebuild([doc(1, "a" * 190, "b" * 40_000 + " needle \ud800 \x00 end")], position=0)
    assert ask(engine, "needle") == [1]


# --- Servers that fail ---


def test_a_server_that_is_gone_is_told_in_plain_words():
    with osmem.running() as server:
        engine = OpenSearchEngine(server.url)
        engine.rebuild(SHOP, position=1)
        assert ask(engine, "parcel") == [1, 3]
    for call in (
        lambda: ask(engine, "parcel"),
        lambda: engine.suggest("par", "en"),
        lambda: engine.similar(1, "en"),
        lambda: engine.stats(),
        lambda: engine.generation(),
        lambda: engine.index(SHOP),
        lambda: engine.rebuild(SHOP, position=1),
    ):
        with pytest.raises(EngineUnavailable, match=r"OpenSearch at 127\.0\.0\.1 does not answer"):
            call()
    engine.close()


class Failing(BaseHTTPRequestHandler):
    """Answers every request as `answers` says, the last answer for ever; None breaks the connection."""

    answers: list[tuple[int, dict] | None] = []
    asked = 0

    def _answer(self) -> None:
        type(self).asked += 1
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            self.close_connection = True
            return
        body = json.dumps(answer[1]).encode()
        self.send_response(answer[0])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *args: object) -> None:
        return


@pytest.fixture
def failing():
    handler = type("Handler", (Failing,), {"asked": 0})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    engine = OpenSearchEngine(f"http://127.0.0.1:{server.server_port}", user="help", password="secret")
    yield engine, handler
    engine.close()
    server.shutdown()
    thread.join()
    server.server_close()


STATE = (200, {"_source": {"generation": 4, "position": 1, "languages": ["en"]}, "_seq_no": 1, "_primary_term": 1})


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (429, r"cannot answer now \(429\): too busy"),
        (500, r"cannot answer now \(500\)"),
        (503, r"cannot answer now \(503\)"),
        (401, r"refuses OPENSEARCH_USER \(401\)"),
        (400, r"did not understand us \(400\)"),
    ],
)
def test_a_server_that_refuses_is_unavailable_and_says_why(failing, status, words):
    engine, handler = failing
    handler.answers = [(status, {"error": {"type": "x", "reason": "too busy"}, "status": status})]
    with pytest.raises(EngineUnavailable, match=words) as caught:
        ask(engine, "parcel")
    assert "secret" not in str(caught.value)
    with pytest.raises(EngineUnavailable):
        engine.rebuild(SHOP, position=1)


def test_a_broken_connection_is_tried_once_more_when_reading(failing):
    engine, handler = failing
    handler.answers = [None, STATE]
    assert engine.generation() == 4
    assert handler.asked == 2
    handler.answers = [None]
    with pytest.raises(EngineUnavailable, match="does not answer"):
        engine.generation()
    assert handler.asked == 4


def test_a_write_is_never_tried_twice(failing):
    engine, handler = failing
    handler.answers = [None]
    with pytest.raises(EngineUnavailable):
        engine.rebuild(SHOP, position=1)
    assert handler.asked == 1


def test_one_refused_document_fails_the_commit_by_name(failing):
    engine, handler = failing
    refused = {"index": {"_index": "preempt-en", "_id": "6", "status": 429, "error": {"reason": "queue is full"}}}
    engine._pending = {6: doc(6, "Gift vouchers")}
    nowhere = (200, {"responses": [{"hits": {"hits": []}, "status": 200}]})
    handler.answers = [STATE, (200, {"preempt-docs-en-1": {}}), STATE, STATE, nowhere, (200, {"items": [refused]})]
    with pytest.raises(EngineUnavailable, match=r"refused to index preempt-en/6 \(429\): queue is full"):
        engine.commit(position=2)
    assert engine._pending == {}  # the outbox still has it


def test_a_search_that_fails_inside_a_batch_is_no_empty_answer(failing):
    engine, handler = failing
    words = {"aggregations": {"words": {"buckets": []}}, "hits": {"total": {"value": 1}, "hits": []}, "status": 200}
    broken = {"error": {"reason": "all shards failed"}, "status": 503}
    handler.answers = [STATE, (200, {"responses": [words]}), (200, {"responses": [STATE[1], broken]})]
    with pytest.raises(EngineUnavailable, match="all shards failed"):
        ask(engine, "parcel")


def test_what_is_no_opensearch_is_noticed(failing):
    engine, handler = failing
    handler.answers = [(404, {})]
    with pytest.raises(IndexDamaged, match="no index yet"):
        ask(engine, "parcel")


def test_an_address_without_a_scheme_is_refused_by_name():
    with pytest.raises(ValueError, match="OPENSEARCH_URL"):
        OpenSearchEngine("search.internal:9200")


# --- The whole way ---


def test_articles_reach_it_by_the_outbox_and_the_database_answers_when_it_is_gone(settings, write):
    settings.SEARCH_ENGINE, settings.OPENSEARCH_PREFIX = "opensearch", osmem.new_prefix()
    with osmem.running() as server:
        settings.OPENSEARCH_URL = server.url
        indexing.apply_changes()
        write("My parcel is late", "A parcel is late once the promised day has passed.")
        indexing.apply_changes()
        found = query.find("late pracel", locale="en")
        assert (found.engine, found.is_fallback, found.corrected) == ("opensearch/1", False, "late parcel")
        assert [result.title for result in found.results] == ["My parcel is late"]
        assert not indexing.verify()
    found = query.find("late parcel", locale="en")
    assert [result.title for result in found.results] == ["My parcel is late"]
    assert found.is_fallback
    assert not found.error
    with pytest.raises(EngineUnavailable):
        indexing.apply_changes()
