"""The typed readers, and settings that refuse nonsense."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import embedded, env


def test_unset_variable_gives_the_default(monkeypatch):
    monkeypatch.delenv("X_SET", raising=False)
    assert env.text("X_SET", "d") == "d"
    assert env.boolean("X_SET", True) is True
    assert env.integer("X_SET", 7) == 7
    assert env.fraction("X_SET", 0.5) == 0.5
    assert env.words("X_SET", ["a"]) == ["a"]
    assert env.choice("X_SET", "b", among=("a", "b")) == "b"


@pytest.mark.parametrize(("said", "meant"), [("1", True), ("YES", True), (" on ", True), ("0", False), ("", False)])
def test_booleans_in_the_words_people_use(monkeypatch, said, meant):
    monkeypatch.setenv("X_SET", said)
    assert env.boolean("X_SET", not meant) is meant


@pytest.mark.parametrize(
    ("reader", "said"),
    [
        (lambda: env.boolean("X_SET", False), "maybe"),
        (lambda: env.integer("X_SET", 1), "1.5"),
        (lambda: env.integer("X_SET", 1, at_least=2), "1"),
        (lambda: env.fraction("X_SET", 0.1), "10%"),
        (lambda: env.fraction("X_SET", 0.1), "1.01"),
        (lambda: env.fraction("X_SET", 0.1), "nan"),
        (lambda: env.choice("X_SET", "a", among=("a", "b")), "c"),
    ],
)
def test_nonsense_is_refused_by_the_variables_name(monkeypatch, reader, said):
    monkeypatch.setenv("X_SET", said)
    with pytest.raises(env.BadSetting, match="X_SET"):
        reader()


def test_words_drop_blanks(monkeypatch):
    monkeypatch.setenv("X_SET", " a, ,b ,")
    assert env.words("X_SET", []) == ["a", "b"]


def test_secret_is_read_from_the_file_that_a_mount_gives(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("s3cret\n")
    monkeypatch.delenv("X_SET", raising=False)
    monkeypatch.setenv("X_SET_FILE", str(tmp_path / "key"))
    assert env.text("X_SET") == "s3cret"
    monkeypatch.setenv("X_SET", "nearer")
    assert env.text("X_SET") == "nearer"


def test_secret_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.delenv("X_SET", raising=False)
    monkeypatch.setenv("X_SET_FILE", str(tmp_path / "none"))
    with pytest.raises(env.BadSetting, match="X_SET_FILE"):
        env.text("X_SET")


@given(st.text().filter(lambda s: "\0" not in s and s.isprintable()))
def test_integer_reads_a_number_or_refuses_never_guesses(said):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("X_SET", said)
        try:
            number = env.integer("X_SET", -1, at_least=0)
        except env.BadSetting:
            return
        assert number == (int(said) if said.strip() else -1)


def manage(**variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SECRET_KEY")}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=embedded.REPOSITORY,
        env={**kept, "DJANGO_SETTINGS_MODULE": "config.settings", **variables},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DATABASE_URL": "postgresql://db/x"}, "SECRET_KEY is not set"),
        ({"HOLDOUT_SHARE": "10"}, "HOLDOUT_SHARE=10.0 is not a share"),
        ({"DEBUG": "perhaps"}, "DEBUG='perhaps' is neither true nor false"),
    ],
)
def test_bad_setting_stops_the_start_in_one_line(variables, said):
    done = manage(**variables)
    assert done.returncode == 1
    assert done.stderr.startswith("preempt: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
