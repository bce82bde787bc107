"""Is each guard of docs/faults.md really what keeps its promise? Take it out, and its tests must go red.

    python -m tests.faults.mutate [FAULT ...] [--baseline]

tests/faults/guards.toml says for each fault which text of which file to replace, by what, and which tests must notice.
Each change is made in a copy of this tree, in a temporary folder, and undone before the next: nothing here is touched.
Prints one line a guard, and ends with 1 where a guard can be taken out and no test notices, or where its text is not
there any more. --baseline runs the tests of all of them unchanged first: they must be green.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
TABLE = Path(__file__).with_name("guards.toml")
_LEFT_OUT = shutil.ignore_patterns(".git", ".data", ".venv", ".*_cache", "node_modules")
_RED = re.compile(r"^(?:FAILED|ERROR) (\S+?)(?: - (.*))?$", re.MULTILINE)
# On a machine that is too busy, what a test stands on fails before it has looked at anything.
_NO_PROOF = re.compile(r"in vain until (the worker is ready|RabbitMQ answers)|couldn't get a connection")
_LONGEST = 900.0  # seconds for the tests of one guard


@dataclass(frozen=True)
class Change:
    """In `file`, the one place where `text` stands."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True)
class Guard:
    """What is taken out, and the tests of which at least one must go red."""

    fault: int
    what: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]


def read(table: Path = TABLE) -> list[Guard]:
    """The table. `file` and `tests` may be given once; further changes of the same guard stand in [[guard.also]]."""
    with table.open("rb") as file:
        rows = tomllib.load(file)["guard"]
    return [
        Guard(
            row["fault"],
            row["what"],
            tuple(
                Change(one.get("file", row["file"]), one["text"], one["instead"]) for one in (row, *row.get("also", ()))
            ),
            tuple(row["tests"]),
        )
        for row in rows
    ]


def missing(guard: Guard, tree: Path = REPOSITORY) -> list[str]:
    """What of a guard's row is not true of the tree: a text that is not there once, a test that there is not."""
    texts = {change: (tree / change.file).read_text().count(change.text) for change in guard.changes}
    wrong = [f"{change.file} has {found} times: {change.text}" for change, found in texts.items() if found != 1]
    for test in guard.tests:
        path, _, name = test.partition("::")
        if f"def {name.partition('[')[0]}(" not in (tree / path).read_text():
            wrong.append(f"there is no test {test}")
    return wrong


@contextmanager
def taken_out(guard: Guard, tree: Path) -> Iterator[None]:
    """Within the block the tree is without the guard."""
    before = {change.file: (tree / change.file).read_text() for change in guard.changes}
    try:
        for change in guard.changes:
            path = tree / change.file
            path.write_text(path.read_text().replace(change.text, change.instead))
        yield
    finally:
        for file, text in before.items():
            (tree / file).write_text(text)


def red(tests: tuple[str, ...], tree: Path) -> dict[str, str]:
    """The tests that fail in the tree, with pytest's word for why."""
    command = [sys.executable, "-m", "pytest", *tests, "-q", "--tb=line", "-p", "no:cacheprovider", "--reuse-db"]
    # Images like to forbid what spares each run the compiling.
    changes = {"PREEMPT_DATA_DIR": str(tree.parent / "data"), "COLUMNS": "300", "PYTHONDONTWRITEBYTECODE": ""}
    environment = {**os.environ, **changes}
    ended = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, timeout=_LONGEST, check=False
    )
    if ended.returncode not in (0, 1):
        raise SystemExit(f"pytest itself failed ({ended.returncode}):\n{ended.stdout[-3000:]}{ended.stderr[-1000:]}")
    return {name: (why or "").strip() for name, why in _RED.findall(ended.stdout)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", type=int, help="only these")
    parser.add_argument("--baseline", action="store_true")
    given = parser.parse_args()
    guards = [guard for guard in read() if not given.faults or guard.fault in given.faults]
    with tempfile.TemporaryDirectory(prefix="preempt-guards-") as folder:
        Path(folder).chmod(0o755)
        tree = Path(folder) / "tree"
        shutil.copytree(REPOSITORY, tree, ignore=_LEFT_OUT, symlinks=True)
        from config import embedded

        # Kept by this process: each run of pytest finds server and tables there.
        embedded.ensure(Path(folder) / "data", options={"fsync": "off", "synchronous_commit": "off"})
        try:
            if given.baseline:
                tests = tuple(dict.fromkeys(test for guard in guards for test in guard.tests))
                for name, why in red(tests, tree).items():
                    print(f"RED BEFORE ANYTHING WAS TAKEN OUT: {name}: {why}", flush=True)
            return 1 if [guard for guard in guards if not _prove(guard, tree)] else 0
        finally:
            embedded.stop(Path(folder) / "data")


def _prove(guard: Guard, tree: Path) -> bool:
    named = f"{guard.fault:>2}  {guard.what}"
    if wrong := missing(guard, tree):
        print(f"{named}\n    CANNOT BE TAKEN OUT: {'; '.join(wrong)}", flush=True)
        return False
    with taken_out(guard, tree):
        found = red(guard.tests, tree)
    proofs = [name for name, why in found.items() if not _NO_PROOF.search(why)]
    print(named if proofs else f"{named}\n    {'NOT PROVED' if found else 'NO TEST NOTICES'}", flush=True)
    for name, why in found.items():
        word = "red" if name in proofs else "the machine was too busy"
        print(f"    {word}: {name.partition('::')[2]}: {why[:160]}", flush=True)
    return bool(proofs)


if __name__ == "__main__":
    sys.exit(main())
