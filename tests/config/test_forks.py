"""A fork must not share a connection with its parent."""

from __future__ import annotations

import os

import pytest
from django.db import connection


def backend() -> int:
    with connection.cursor() as cursor:
        cursor.execute("select pg_backend_pid()")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_forked_child_gets_connections_of_its_own_and_leaves_the_parents_alone():
    ours = backend()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.write(writer, f"{backend()}".encode())
            connection.close()
            connection.close_pool()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    theirs = os.read(reader, 100).decode()
    os.close(reader)
    assert theirs.isdigit(), "the child could not use the database"
    assert int(theirs) != ours
    assert backend() == ours
