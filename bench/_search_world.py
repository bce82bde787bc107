"""The scratch world of bench/search.py: a folder, the made texts in it, an embedded PostgreSQL, Django on top of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from bench import _search_corpus
from bench._relevance import RelevanceSet
from bench._search_figures import say
from config import embedded

_START_SECONDS = 60.0


class World:
    """What the parts of a run share. The database is started when first asked for; all is gone at the end."""

    def __init__(self, sets: Sequence[RelevanceSet], *, keep: Path | None = None) -> None:
        """`keep`: a folder that stays, with what an earlier run left in it."""
        self.sets = sets
        self._is_kept = keep is not None
        self.folder = Path(tempfile.mkdtemp(prefix="preempt-bench-")) if keep is None else keep.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # the server's account must reach it when this runs as root
        self._has_django = False
        self._has_server = False
        self._address = ""
        self._parts = contextlib.ExitStack()

    def scratch(self, name: str) -> Path:
        """An empty folder."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(mode=0o700)
        return path

    def documents(self, size: int) -> Path:
        """A file of `size` made texts, [title, body] a line; made once."""
        path = self.folder / f"{size}.jsonl"
        if not path.exists():
            _search_corpus.write(_search_corpus.documents(self.sets, size), path)
        return path

    def database(self, name: str) -> str:
        """The URL of an embedded server's database."""
        self._has_server = True
        return embedded.ensure(self.folder / "data", database=name)

    def django(self) -> None:
        """Django with its tables, on a database of this run's own, once."""
        if self._has_django:
            return
        self._has_django = True
        os.environ.pop("DATABASE_URL", None)
        os.environ.update(
            {
                "DJANGO_SETTINGS_MODULE": "config.settings",
                "PREEMPT_DATA_DIR": str(self.folder / "data"),
                "LOG_LEVEL": "WARNING",
            }
        )
        self.database("preempt")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)

    @property
    def index_folder(self) -> Path:
        """Where the site's own index is."""
        from django.conf import settings

        return Path(settings.SEARCH_INDEX_DIR)

    def serve(self) -> str:
        """The address of the product's web server, started once, as `manage.py demo` starts it."""
        if self._address:
            return self._address
        import httpx

        from config import supervisor

        listeners = [self._parts.enter_context(listener) for listener in supervisor.listen(8750)]
        parts = self._parts.enter_context(supervisor.Supervisor(logs=self.folder / "logs", say=say))
        parts.start(supervisor.web(listeners))
        address = f"http://127.0.0.1:{listeners[0].getsockname()[1]}"
        answer = httpx.get(f"{address}/healthz", timeout=_START_SECONDS)
        if answer.status_code != 200:
            raise SystemExit(f"search: the web server is not well: {answer.text}")
        self._address = address
        return address

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parts.close()
        if self._has_django:
            from django.db import connections

            for connection in connections.all(initialized_only=True):
                connection.close()
                connection.close_pool()
        if self._is_kept:
            return  # the server goes with this process
        if self._has_server:
            embedded.remove(self.folder / "data")
        shutil.rmtree(self.folder, ignore_errors=True)
