from __future__ import annotations

from collections.abc import Iterator

import pytest

from kb.search.engine import Engine
from kb.search.postgres import PostgresEngine
from kb.search.whoosh import WhooshEngine
from tests.kb.search.engines import ENGINES, SHOP, Open


@pytest.fixture
def open_whoosh(tmp_path) -> Open:
    return lambda: WhooshEngine(tmp_path / "engine")


@pytest.fixture
def open_postgres(db) -> Open:
    return PostgresEngine


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
