"""Shops' pages on an origin of their own, served as strictly as a shop can, for the tests of the widget."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

# The strictest policy that the widget works under: nothing but what docs/widget.md tells a shop to allow.
POLICY = "default-src 'none'; script-src 'self' {help}; frame-src {help}; style-src 'self'"

HOSTILE_CSS = """
* { all: unset !important; display: inline !important; visibility: hidden !important }
* { pointer-events: none !important }
div { position: static !important; transform: scale(0) !important; z-index: -1 !important; opacity: 0 !important }
#cover { visibility: visible !important; display: block !important; position: fixed !important; inset: 0 !important;
  z-index: 2147483647 !important; opacity: 1 !important; transform: none !important; background: pink !important;
  pointer-events: auto !important }
"""
HOSTILE_JS = """
for (const name of ["order", "topic", "article", "query", "page", "preempt", "q", "isReady", "capture", "once",
  "passive", "signal", "delegatesFocus", "targetOrigin", "get", "set"]) Object.prototype[name] = "polluted";
Object.defineProperty(Object.prototype, "locale", { value: "xx", writable: true, configurable: true });
"""


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    def log_message(self, *said: object) -> None:
        pass


@contextlib.contextmanager
def serving(application: Callable, *, host: str = "localhost") -> Iterator[str]:
    """The origin of a server of this WSGI application. `host` 127.0.0.1 makes another site of it than localhost."""
    server = make_server("127.0.0.1", 0, application, server_class=_Threads, handler_class=_Silent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def page(help_centre: str, *, tags: int = 1, attributes: str = "", body: str = "", head: str = "") -> Callable:
    """An application whose every page carries the widget's tag `tags` times."""
    tag = f'<script src="{help_centre}/widget.js" async {attributes}></script>'
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">{head}{tag * tags}</head>'
        f'<body><h1>A shop</h1><button id="before">Before</button>{body}</body></html>'
    )
    files = {
        "/hostile.css": ("text/css", HOSTILE_CSS),
        "/hostile.js": ("text/javascript", HOSTILE_JS),
    }

    def application(environ: dict, start_response: Callable) -> list[bytes]:
        kind, text = files.get(environ["PATH_INFO"], ("text/html; charset=utf-8", html))
        if environ["PATH_INFO"] == "/favicon.ico":
            start_response("204 No Content", [])
            return []
        start_response("200 OK", [("Content-Type", kind), ("Content-Security-Policy", POLICY.format(help=help_centre))])
        return [text.encode()]

    return application
