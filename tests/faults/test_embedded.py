"""kill -9 of every process around the embedded server: the next start finds a server, and its rows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from config import embedded
from config.embedded import place as places
from tests import embedded_users as users
from tests.waiting import until

pytestmark = pytest.mark.faults


@pytest.fixture
def data_dir(server_dir):
    url = embedded.ensure(server_dir, options=users.OPTIONS)
    users.tell(url, "create table kept as select 42 as answer")
    return server_dir


def rows_are_there(url: str) -> bool:
    return users.answers(url) and users.ask(url, "select answer from kept") == 42


def test_killed_user_lets_go_of_the_server(data_dir):
    with users.user(data_dir) as user:
        users.word(user)
        server = users.postmaster(data_dir)
        embedded.leave(data_dir, wait=0)
        user.kill()
        until(lambda: not embedded.is_kept(data_dir), "the keeper is gone")
        assert not users.lives(server)


def test_forked_child_keeps_the_server_for_its_own_life_and_no_longer(data_dir):
    with users.user(data_dir, fork=True) as parent:
        child, url = users.word(parent)
        embedded.leave(data_dir, wait=0)
        parent.kill()
        until(lambda: not users.lives(parent.pid), "the parent is gone")
        assert not embedded.leave(data_dir, wait=1.5)
        assert users.answers(url)
        users.kill(child)
        until(lambda: not embedded.is_kept(data_dir), "the keeper is gone")


def test_killed_server_is_brought_back_by_its_keeper(data_dir):
    url, killed, keeper = embedded.url(data_dir), users.postmaster(data_dir), users.keeper(data_dir)
    users.kill(killed)
    until(lambda: not users.lives(killed), "the server is gone")
    until(lambda: rows_are_there(url), "the server is back with its rows")
    assert users.postmaster(data_dir) != killed
    assert users.keeper(data_dir) == keeper


def test_killed_server_is_awaited_by_the_next_user(data_dir):
    users.kill(users.postmaster(data_dir))
    with users.user(data_dir) as user:
        assert rows_are_there(users.word(user)[1])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_killed_keeper_takes_the_server_with_it(data_dir):
    server = users.postmaster(data_dir)
    users.kill(users.keeper(data_dir))
    until(lambda: not users.lives(server), "the server is gone")
    assert rows_are_there(embedded.ensure(data_dir, options=users.OPTIONS))


def test_killed_keeper_is_replaced_at_once(data_dir):
    users.kill(users.keeper(data_dir))
    until(lambda: not embedded.is_kept(data_dir), "the keeper's lock is free")
    assert rows_are_there(embedded.ensure(data_dir, options=users.OPTIONS))


def test_server_and_keeper_killed_together(data_dir):
    keeper, server = users.keeper(data_dir), users.postmaster(data_dir)
    os.kill(keeper, signal.SIGSTOP)  # so that it does not see the server die
    users.kill(server)
    users.kill(keeper)
    until(lambda: not embedded.is_kept(data_dir), "the keeper's lock is free")
    assert rows_are_there(embedded.ensure(data_dir, options=users.OPTIONS))


def as_the_server(place: places.Place) -> dict[str, int]:
    """For Popen. PostgreSQL takes a pid of another account's for no server of its own, and would start."""
    return {} if place.account is None else {"user": place.account.pw_uid}


def leave_pid_file(place: places.Place, pid: int) -> None:
    (place.cluster / "postmaster.pid").write_text(f"{pid}\n{place.cluster}\n0\n5432\n{place.cluster}\n\n0 0\n")


def test_pid_file_that_names_another_program_is_cleared(data_dir):
    embedded.stop(data_dir)
    place = places.find(data_dir)
    with subprocess.Popen(["sleep", "600"], cwd="/", **as_the_server(place)) as other:
        (place.cluster / "postmaster.pid").write_text(
            f"{other.pid}\n{place.cluster}\n0\n5432\n{place.cluster}\n\n0 0\n"
        )
        try:
            assert rows_are_there(embedded.ensure(data_dir, options=users.OPTIONS))
            assert other.poll() is None
        finally:
            other.kill()


def test_pid_file_that_names_a_zombie_is_cleared(data_dir):
    embedded.stop(data_dir)
    place = places.find(data_dir)
    dead = subprocess.Popen(["true"], cwd="/", **as_the_server(place))
    until(lambda: not users.lives(dead.pid), "it is a zombie")
    leave_pid_file(place, dead.pid)
    assert rows_are_there(embedded.ensure(data_dir, options=users.OPTIONS))
    dead.wait()


def test_initdb_cut_off_by_a_kill_is_done_again(server_dir):
    cluster = places.find(server_dir).cluster
    with users.user(server_dir) as user:
        until(lambda: list(cluster.parent.glob(f"{cluster.name}.new-*/PG_VERSION")), "initdb is at work")
        users.kill(users.keeper(server_dir))
        user.kill()
    with users.user(server_dir) as second:
        assert users.answers(users.word(second)[1])


def test_killed_in_the_middle_of_everything_fifteen_times_over_it_still_starts(data_dir):
    """Whatever moment the kill meets, the next start works."""
    embedded.stop(data_dir)
    for step in range(15):
        with users.user(data_dir) as user:
            try:
                user.wait(step * 0.03)
            except subprocess.TimeoutExpired:
                user.kill()
            if embedded.is_kept(data_dir):
                users.kill(users.keeper(data_dir))
    assert rows_are_there(embedded.ensure(data_dir, options=users.OPTIONS))
