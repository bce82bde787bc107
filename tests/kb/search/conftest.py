from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from kb.search.engine import Engine
from kb.search.opensearch import OpenSearchEngine
from kb.search.postgres import PostgresEngine
from kb.search.whoosh import WhooshEngine
from tests.kb.search import osmem
from tests.kb.search.engines import ENGINES, SHOP, Open

if TYPE_CHECKING:
    from osmem_server import OsmemServer


@pytest.fixture
def open_whoosh(tmp_path) -> Open:
    return lambda: WhooshEngine(tmp_path / "engine")


@pytest.fixture
def open_postgres(db) -> Open:
    return PostgresEngine


@pytest.fixture(scope="session")
def opensearch_server() -> Iterator[OsmemServer]:
    with osmem.running() as server:
        yield server


@pytest.fixture
def open_opensearch(opensearch_server) -> Open:
    prefix = osmem.new_prefix()
    return lambda: OpenSearchEngine(opensearch_server.url, index_prefix=prefix)


@pytest.fixture(params=ENGINES)
def open_engine(request) -> Open:
    return request.getfixturevalue(f"open_{request.param}")


@pytest.fixture
def engine(open_engine) -> Iterator[Engine]:
    engine = open_engine()
    yield engine
    engine.close()


@pytest.fixture
def shop(engine) -> Engine:
    engine.rebuild(SHOP, position=7)
    return engine
