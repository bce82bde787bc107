"""A real server that speaks OpenSearch, for tests: `osmem-server` (MIT), one process that lives in memory.

What it cannot show: it has no refresh (a write is found at once, not only after the commit), scores by lengths of its
own (so ranks otherwise than Lucene), and has no replicas, synonyms or vectors.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osmem_server import OsmemServer


@contextlib.contextmanager
def running() -> Iterator[OsmemServer]:
    """The server on a free port of this machine, stopped at the end and with us."""
    from osmem_server import OsmemServer

    server = OsmemServer.start(japanese=False)
    try:
        yield server
    finally:
        server.close()
        for pipe in (server.process.stdin, server.process.stdout):
            if pipe is not None:
                pipe.close()


def new_prefix() -> str:
    """For indexes of a test's own."""
    return f"test{secrets.token_hex(4)}"
