"""The indexes of one installation on an OpenSearch server: their names, which of them serve, and the state.

<prefix>-meta                the state: generation, position in the outbox, languages
<prefix>-docs-en-3f2a…       one language; the aliases <prefix>-en and <prefix>-all lead to what serves now
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Mapping
from typing import Any

from kb.search import opensearch_template
from kb.search.engine import EngineUnavailable, IndexDamaged
from kb.search.opensearch_client import Client, Conflict, Json, NotFound

_LEFT_OVER_SECONDS = 3600  # after which an index that nothing leads to is a dead rebuild's
TRIES = 5  # of a write, while other hosts rebuild or commit

_META: Json = {"settings": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}, "mappings": {"dynamic": False}}
STATE: Json = {"query": {"ids": {"values": ["state"]}}, "size": 1}  # the state as a search finds it


class Indexes:
    """See above. Safe to use from many threads and hosts: what is replaced must still be as it was read."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self.prefix = prefix
        self.all = f"{prefix}-all"
        self.meta = f"{prefix}-meta"

    def alias(self, lang: str) -> str:
        return f"{self.prefix}-{lang.lower()}"

    def state(self) -> Json:
        """The state's document. Raises IndexDamaged where there is none."""
        try:
            return self._client.read("GET", f"/{self.meta}/_doc/state")
        except NotFound as error:
            raise IndexDamaged("there is no index yet") from error

    def put_state(self, old: Json | None, *, position: int, is_exact: bool = False, **changes: Any) -> bool:
        """Replace the state where it still is as `old` was read; False where it is not."""
        condition = f"if_seq_no={old['_seq_no']}&if_primary_term={old['_primary_term']}" if old else "op_type=create"
        state = (old["_source"] if old else {}) | changes
        # Another host may be further; what it has read is in the index already.
        state["position"] = position if is_exact else max(position, state["position"])
        try:
            self._client.write("PUT", f"/{self.meta}/_doc/state?refresh=true&{condition}", state)
        except Conflict:
            return False
        return True

    def serving(self) -> set[str]:
        """The indexes that serve now."""
        return self._led_to(self.all)

    def add_language(self, lang: str) -> None:
        """An index for a language that has none yet; harmless where another host has just made it."""
        if not self._led_to(self.alias(lang)):
            aliases: Json = {self.alias(lang): {}, self.all: {}}
            self._client.write("PUT", f"/{self._new_name(lang)}", {"aliases": aliases})

    def prepare(self) -> None:
        """What a rebuild needs: the template as it is now, and a place for the state."""
        self._client.write("PUT", f"/_index_template/{self.prefix}-docs", opensearch_template.template(self.prefix))
        with contextlib.suppress(Conflict):  # there since the last one
            self._client.write("PUT", f"/{self.meta}", _META)

    def make(self, lang: str) -> str:
        """An empty index for this language that nothing leads to yet; its name."""
        name = self._new_name(lang)
        self._client.write("PUT", f"/{name}")
        return name

    def swap(self, new: Mapping[str, str], *, position: int) -> int:
        """Let every alias lead to these indexes ({language: name}) and to no other; the new generation.

        In one step, the old indexes deleted in it: a search finds the old or the new, never both nor neither.
        """
        for _ in range(TRIES):
            actions: list[Json] = [{"remove_index": {"index": index}} for index in sorted(self.serving())]
            actions += [
                {"add": {"index": new[lang], "alias": alias}} for lang in new for alias in (self.alias(lang), self.all)
            ]
            try:
                if actions:
                    self._client.write("POST", "/_aliases", {"actions": actions})
                break
            except NotFound:
                continue  # another host has swapped between our two requests
        for _ in range(TRIES):
            try:
                old: Json | None = self.state()
            except IndexDamaged:
                old = None
            generation = old["_source"]["generation"] + 1 if old else 1
            # The position as it was read before the documents, were it older than that of a commit meanwhile.
            if self.put_state(old, position=position, generation=generation, languages=sorted(new), is_exact=True):
                self._sweep(set(new.values()))
                return int(generation)
        raise self.contended()

    def contended(self) -> EngineUnavailable:
        return EngineUnavailable(f"Other hosts wrote to {self.prefix} {TRIES} times meanwhile; try again later")

    def _sweep(self, used: set[str]) -> None:
        """Delete what rebuilds left that died halfway."""
        found = self._client.read("GET", f"/{self.prefix}-docs-*/_settings")
        for index in found.keys() - self.serving() - used:
            made_at = int(found[index]["settings"]["index"]["creation_date"]) / 1000
            if time.time() - made_at > _LEFT_OVER_SECONDS:
                self._client.write("DELETE", f"/{index}?ignore_unavailable=true")

    def _led_to(self, alias: str) -> set[str]:
        try:
            return set(self._client.read("GET", f"/_alias/{alias}"))
        except NotFound:
            return set()

    def _new_name(self, lang: str) -> str:
        return f"{self.prefix}-docs-{lang.lower()}-{secrets.token_hex(6)}"
