"""A web process runs a search before its first customer does."""

from __future__ import annotations

import tempfile
from pathlib import Path

from kb.search import warming


def test_warming_up_leaves_nothing_behind(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    warming.warm_up()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_costs_the_warmth_and_not_the_start(tmp_path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    warming.warm_up()
    assert "search not warmed up" in caplog.text
