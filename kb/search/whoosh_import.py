"""Whoosh 2.7.4, imported in one place: its plain strings hold escapes that Python warns of at each first compile.

What Whoosh itself imports only when first used is imported here too, so that no warning comes later.
"""

from __future__ import annotations

import importlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from whoosh import analysis, fields, index, reading, writing
    from whoosh.codec.whoosh3 import W3Codec
    from whoosh.system import pack_uint

    for _name in ("searching",):
        importlib.import_module(f"whoosh.{_name}")

__all__ = ["W3Codec", "analysis", "fields", "index", "pack_uint", "reading", "writing"]
