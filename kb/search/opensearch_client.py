"""HTTP to an OpenSearch server: time-outs, one retry, and errors in our own words. Knows nothing of articles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import httpx

from kb.search.engine import EngineUnavailable, IndexDamaged

Json = dict[str, Any]

_READ = httpx.Timeout(2.0, connect=0.5)
_WRITE = httpx.Timeout(60.0, connect=2.0)
# What a connection that the server has closed while it lay idle fails with; asking again is harmless for reads.
_BROKEN = (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)
_NOT_FOUND, _CONFLICT, _TOO_MANY, _SERVER_ERROR = 404, 409, 429, 500


class NotFound(IndexDamaged):
    """There is no such index, alias or document."""


class Conflict(EngineUnavailable):
    """Somebody else has written it meanwhile, or what is to be made is there already."""


class Client:
    """One server, or one balanced address of many. Safe to use from many threads."""

    def __init__(self, url: str, *, user: str, password: str) -> None:
        """Raises ValueError, naming the setting, for an address that no request can be made with."""
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"OPENSEARCH_URL={url!r} does not begin with http:// or https://.")
        self._client = httpx.Client(
            base_url=url,
            auth=(user, password) if user else None,
            headers={"Accept": "application/json"},
            limits=httpx.Limits(max_connections=40, max_keepalive_connections=20, keepalive_expiry=30),
        )
        self._host = httpx.URL(url).host  # never the whole address: it may hold a password

    def close(self) -> None:
        self._client.close()

    def read(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer's JSON. Raises NotFound, EngineUnavailable."""
        return self._ask(method, path, None if body is None else json.dumps(body), timeout=_READ, tries=2)

    def write(self, method: str, path: str, body: Json | None = None) -> Json:
        """The answer's JSON; never tried twice. Raises NotFound, Conflict, EngineUnavailable."""
        return self._ask(method, path, None if body is None else json.dumps(body), timeout=_WRITE, tries=1)

    def search_all(self, searches: Sequence[tuple[str, Json]]) -> list[Json]:
        """Several (index, search) in one request; the answers in their order. Raises NotFound, EngineUnavailable."""
        lines = [line for index, body in searches for line in ({"index": index}, body)]
        answers = self._ask("POST", "/_msearch", _lines(lines), timeout=_READ, tries=2)["responses"]
        for answer in answers:
            self._check(answer.get("status", 200), answer)
        return list(answers)

    def bulk(self, lines: Sequence[Json], *, require_alias: bool) -> list[Json]:
        """Many writes in one request, each answered by its own item. EngineUnavailable or NotFound where one failed.

        A version that is no newer (409) and a deletion of what is not there (404) are no failures.
        """
        if not lines:
            return []
        path = f"/_bulk?require_alias={'true' if require_alias else 'false'}"
        answer = self._ask("POST", path, _lines(lines), timeout=_WRITE, tries=1)
        items = [(action, item) for wrapped in answer["items"] for action, item in wrapped.items()]
        for action, item in items:
            status = item["status"]
            is_gone = action == "delete" and status == _NOT_FOUND and "error" not in item
            if status == _NOT_FOUND and not is_gone:
                raise NotFound(_reason(item))
            if status >= 400 and status != _CONFLICT and not is_gone:
                raise EngineUnavailable(
                    f"OpenSearch at {self._host} refused to {action} {item['_index']}/{item['_id']} "
                    f"({status}): {_reason(item)}"
                )
        return [item for _action, item in items]

    def _ask(self, method: str, path: str, content: str | None, *, timeout: httpx.Timeout, tries: int) -> Json:
        headers = {} if content is None else {"Content-Type": "application/json"}
        if content is not None and content.endswith("\n"):
            headers = {"Content-Type": "application/x-ndjson"}  # as _lines() makes it
        for left in reversed(range(tries)):
            try:
                response = self._client.request(method, path, content=content, headers=headers, timeout=timeout)
                break
            except _BROKEN as error:
                if not left:
                    raise self._silent(error) from error
            except httpx.TransportError as error:
                raise self._silent(error) from error
        try:
            answer = response.json() if response.content else {}
        except ValueError:
            answer = {"error": response.text[:200]}  # a proxy's page
            if response.is_success:
                raise EngineUnavailable(f"What answers at {self._host} is no OpenSearch: {answer['error']}") from None
        self._check(response.status_code, answer)
        return dict(answer)

    def _silent(self, error: httpx.TransportError) -> EngineUnavailable:
        return EngineUnavailable(f"OpenSearch at {self._host} does not answer ({type(error).__name__}: {error})")

    def _check(self, status: int, answer: Json) -> None:
        if status < 400:
            return
        reason = _reason(answer)
        if status == _NOT_FOUND:
            raise NotFound(reason)
        if status == _CONFLICT or "resource_already_exists" in str(answer.get("error")):
            raise Conflict(reason)
        if status in (401, 403):
            raise EngineUnavailable(f"OpenSearch at {self._host} refuses OPENSEARCH_USER ({status}): {reason}")
        if status >= _SERVER_ERROR or status == _TOO_MANY:
            raise EngineUnavailable(f"OpenSearch at {self._host} cannot answer now ({status}): {reason}")
        raise EngineUnavailable(f"OpenSearch at {self._host} did not understand us ({status}): {reason}")


def _lines(lines: Iterable[Json]) -> str:
    # Plain ASCII: a broken surrogate in a text must not stop a whole batch.
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def _reason(answer: Json) -> str:
    error = answer.get("error", "")
    return str(error.get("reason", error) if isinstance(error, dict) else error)[:200]
