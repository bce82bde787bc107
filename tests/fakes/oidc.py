"""A provider of OpenID Connect on this machine: discovery, token, user info. A test says what it tells of a person."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import jwt

CLIENT, SECRET = "preempt", "only for tests, and long enough for HS256"


class Provider:
    """`person`: the claims of whoever signs in next; `is_down`: every answer is a 500; `asked`: the token requests."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.person: dict[str, Any] = {"sub": "1", "email": "nils@fernhill.example.com", "preferred_username": "nils"}
        self.is_down = False
        self.audience = CLIENT
        self.in_token: dict[str, Any] = {}  # claims that the id token has beside those of the person
        self.asked: list[dict[str, list[str]]] = []


@contextmanager
def provider() -> Iterator[Provider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/.well-known/openid-configuration":
                self._answer(
                    {
                        "issuer": fake.issuer,
                        "authorization_endpoint": f"{fake.issuer}/authorize",
                        "token_endpoint": f"{fake.issuer}/token",
                        "userinfo_endpoint": f"{fake.issuer}/userinfo",
                        "jwks_uri": f"{fake.issuer}/keys",
                        "token_endpoint_auth_methods_supported": ["client_secret_post"],
                    }
                )
            else:
                self._answer(fake.person)

        def do_POST(self) -> None:
            fake.asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            now = int(time.time())
            claims = {
                "iss": fake.issuer,
                "aud": fake.audience,
                "iat": now,
                "exp": now + 60,
                **fake.person,
                **fake.in_token,
            }
            self._answer(
                {"access_token": "a", "token_type": "Bearer", "id_token": jwt.encode(claims, SECRET, algorithm="HS256")}
            )

        def _answer(self, said: dict[str, Any]) -> None:
            body = json.dumps(said).encode()
            self.send_response(500 if fake.is_down else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake = Provider(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
