"""What the Whoosh engine leaves on disk, commit after commit."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import shutil
from pathlib import Path

import pytest

from kb.search import whoosh_import
from kb.search.engine import Document, SearchRequest
from kb.search.whoosh import WhooshEngine


def doc(id: int, title: str, body: str = "", *, version: int = 1, lang: str = "en") -> Document:
    return Document(id=id, version=version, lang=lang, title=title, body=body)


SHOP = [doc(1, "My parcel is late"), doc(2, "Refunds", "five days"), doc(3, "Mi paquete", lang="es")]


@pytest.fixture
def engine(tmp_path):
    engine = WhooshEngine(tmp_path / "engine")
    engine.rebuild(SHOP, position=7)
    yield engine
    engine.close()


def ask(engine, text: str, lang: str = "en") -> list[int]:
    return [hit.id for hit in engine.search(SearchRequest(text, lang)).hits]


@pytest.mark.parametrize("kind", ["commit", "rebuild"])
def test_what_a_dead_writer_left_half_made_is_cleared_away(engine, tmp_path, kind):
    left = tmp_path / "engine" / f"{kind}-99999"
    shutil.copytree(tmp_path / "engine" / "g000001", left)
    engine.index([doc(6, "Gift vouchers")])
    engine.commit(position=9)
    engine.rebuild([*SHOP, doc(6, "Gift vouchers")], position=9)
    assert ask(engine, "vouchers") == [6]
    assert not left.exists()


def test_three_generations_are_kept_and_no_more(engine, tmp_path):
    for version in range(2, 8):
        engine.index([doc(1, "x", version=version)])
        engine.commit(position=version)
    assert len(list((tmp_path / "engine").glob("g*"))) == 3
    assert not list((tmp_path / "engine").glob("commit-*"))


def test_what_a_commit_does_not_alter_it_shares_with_the_generation_before(engine, tmp_path):
    engine.index([doc(1, "My parcel is lost", version=2)])
    engine.commit(position=8)
    before = {path.name: path.stat().st_ino for path in (tmp_path / "engine" / "g000001").glob("*/*")}
    after = {path.name: path.stat().st_ino for path in (tmp_path / "engine" / "g000002").glob("*/*")}
    shared = [name for name in before if before[name] == after.get(name)]
    assert sum(name.endswith(".arrays") for name in shared) == 2  # one of each language
    assert sum(name.endswith(".seg") for name in shared) == 2


def test_what_is_not_in_the_index_can_be_deleted_for_free(engine):
    engine.delete([77])
    assert engine.commit(position=50) == 1
    assert engine.stats().position == 50


def test_hundreds_of_small_commits_make_few_segments(engine):
    for version in range(2, 120):
        engine.index([doc(100 + version, f"Article {version}")])
        engine.commit(position=version)
    assert engine.layout().segments < 20
    assert len(ask(engine, "article")) == 10
    assert engine.stats().documents == {"en": 120, "es": 1}


def test_whoosh_itself_can_read_what_is_written(engine, tmp_path):
    engine.index([doc(2, "Refund of refunds", "six days", version=2)])
    engine.commit(position=8)
    opened = whoosh_import.index.open_dir(str(tmp_path / "engine" / "g000002" / "en"))
    with contextlib.closing(opened.reader()) as reader:
        assert sorted(stored["id"] for _, stored in reader.iter_docs()) == [1, 2]
        assert reader.postings("title", b"refund").all_ids is not None
        found = [reader.stored_fields(number)["version"] for number in reader.postings("title", b"refund").all_ids()]
    assert found == [2]
    opened.close()


def test_a_rebuild_beside_catches_up_before_it_serves(engine):
    @contextlib.contextmanager
    def catch_up(building):
        assert building.version(1) == 1
        building.apply([doc(1, "My parcel is lost", version=2), doc(8, "Customs")], [2])
        yield 12

    assert engine.rebuild(SHOP, position=3, catch_up=catch_up) == 2
    assert ask(engine, "lost") == [1]
    assert ask(engine, "customs") == [8]
    assert ask(engine, "refunds") == []
    assert engine.stats().position == 12


@contextlib.contextmanager
def full_disk():
    """No file of this process may grow beyond two kilobytes: what is written fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# Whoosh leaves the files that it could not write to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_full_disk_leaves_the_old_generation_serving(engine, tmp_path):
    engine.index([doc(n, f"Vouchers {n}", "gift " * 9) for n in range(10, 200)])
    with full_disk(), pytest.raises(OSError, match="too large"):
        engine.commit(position=9)
    gc.collect()
    assert ask(engine, "late") == [1]
    assert engine.generation() == 1
    assert not list((tmp_path / "engine").glob("commit-*"))
    engine.index([doc(10, "Vouchers")])
    engine.commit(position=9)
    assert ask(engine, "vouchers") == [10]
    assert open_files(tmp_path) < 40


def open_files(folder: Path) -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            count += str(folder) in os.readlink(link)
    return count


def test_generations_that_serve_no_more_are_closed(engine, tmp_path):
    for version in range(2, 60):
        engine.index([doc(1, f"late{version}", version=version)])
        engine.commit(position=version)
        assert ask(engine, f"late{version}") == [1]
    assert open_files(tmp_path) < 25
