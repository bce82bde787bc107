"""The engines that the conformance suite runs over. One joins by a fixture that gives an `Open` and a line in ENGINES.

Nothing may be left in the index by an earlier test.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from kb.search import analysis
from kb.search.engine import PUBLIC, Document, Engine, SearchRequest
from kb.search.understanding import Synonyms

Open = Callable[[], Engine]  # another engine object, as another process would have it, on the test's own index

# Each is the fixture `open_<name>` in conftest.py. osmem-server has wheels for some systems only.
ENGINES = ("whoosh", "postgres", *(["opensearch"] if find_spec("osmem_server") else []))


def doc(
    id: int,
    title: str,
    body: str = "",
    *,
    version: int = 1,
    lang: str = "en",
    category: int = 1,
    visibility: str = PUBLIC,
) -> Document:
    return Document(id, version, lang, title, body, category, visibility)


SHOP = [
    doc(1, "My parcel is late", "A parcel is late once the promised day has passed. We refund the fee."),
    doc(2, "When does my refund arrive?", "Refunds take five working days to reach your bank.", category=2),
    doc(3, "Change the delivery address", "Before dispatch you can change where the parcel goes."),
    doc(4, "Error 5.7.134 at the checkout", "The card was declined.", category=2),
    doc(
        5, "Mi paquete se retrasa", "Un paquete llega tarde cuando ha pasado el día. Devolución del dinero.", lang="es"
    ),
]
VERSIONS = {document.id: document.version for document in SHOP}


def ask(engine: Engine, text: str, lang: str = "en", **more: object) -> list[int]:
    """The ids found, best first."""
    return [hit.id for hit in engine.search(SearchRequest(text, lang, **more)).hits]  # type: ignore[arg-type]


def synonyms(*pairs: tuple[str, str]) -> Synonyms:
    return Synonyms(pairs, analysis.for_language("en"))
