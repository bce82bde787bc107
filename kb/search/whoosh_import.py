"""Whoosh 2.7.4, imported in one place: its plain strings hold escapes that Python warns of at each first compile.

What Whoosh itself imports only when first used is imported here too, so that no warning comes later.
"""

from __future__ import annotations

import importlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from whoosh import analysis, fields, index, reading, writing

    for _name in ("codec.whoosh3", "searching"):
        importlib.import_module(f"whoosh.{_name}")

__all__ = ["analysis", "fields", "index", "reading", "writing"]
