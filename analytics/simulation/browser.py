"""A browser small enough to simulate thousands of: it opens pages, follows links and fills in forms of our own HTML."""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from django.test.client import Client, ClientHandler

from core import visitors

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1"
DESKTOP = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


class PageError(Exception):
    """A page answered with an error, or lacks the link or form that a visitor would use."""


@dataclass
class Form:
    """A form of a page: where it goes and what is filled in already."""

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.main_links: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._in_main = False
        self._textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {name: value or "" for name, value in attrs}
        if tag == "main":
            self._in_main = True
        elif tag == "a" and "href" in a and self._in_main:
            self.main_links.append(a["href"])
        elif tag == "form":
            self._form = Form(action=a.get("action", ""), method=a.get("method", "get").lower())
            self.forms.append(self._form)
        elif tag in ("input", "textarea", "select", "button") and self._form is not None and a.get("name"):
            self._form.names.add(a["name"])
            if tag == "textarea":
                self._textarea = a["name"]
            elif tag == "input" and a.get("type") not in ("submit", "radio", "checkbox", "button"):
                self._form.values[a["name"]] = a.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "main":
            self._in_main = False
        elif tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea and self._form is not None:
            before = self._form.values.get(self._textarea, "")
            # HTML drops one line break right after <textarea>.
            self._form.values[self._textarea] = before + (data if before else data.removeprefix("\n"))


@dataclass(frozen=True)
class Page:
    """What came back, as far as a visitor would use it."""

    url: str
    status: int
    html: str

    @property
    def links(self) -> list[str]:
        """Those of the main part, in order, each once."""
        return list(dict.fromkeys(_read(self.html).main_links))

    @property
    def forms(self) -> list[Form]:
        return _read(self.html).forms

    def form_with(self, *names: str) -> Form:
        """The first form that has fields of all these names. Raises PageError where there is none."""
        for form in self.forms:
            if form.names.issuperset(names):
                return form
        raise PageError(f"{self.url} has no form with {', '.join(names)}")


@functools.lru_cache(maxsize=64)
def _read(html: str) -> _Reader:
    """Thousands of readers get the very same page: it is taken apart once."""
    reader = _Reader()
    reader.feed(html)
    return reader


@functools.cache
def _handler() -> ClientHandler:
    """One stack of middleware for all browsers of this process: to load it costs more than a page."""
    # A line a request tells nothing about thousands of invented ones.
    logging.getLogger("preempt.request").setLevel(logging.WARNING)
    return ClientHandler(enforce_csrf_checks=False)


class Browser:
    """One visitor's browser. Raises PageError on any 5xx, and on a 4xx that the visitor did nothing to earn."""

    def __init__(self, *, agent: str = DESKTOP, address: str = "127.0.0.1", consents: bool = True) -> None:
        headers = {"user-agent": agent} | ({} if consents else {"sec-gpc": "1"})
        self._client = Client(
            headers=headers, REMOTE_ADDR=address, SERVER_NAME="localhost", raise_request_exception=False
        )
        self._client.handler = _handler()
        self.page: Page | None = None

    def open(self, url: str) -> Page:
        return self._took(url, self._client.get(self._local(url), follow=True))

    def submit(self, form: Form, **values: str) -> Page:
        """Send `form` with `values` over what is filled in."""
        if self.page is None:
            raise PageError("no page is open, so there is no form to send")
        url = self._local(urljoin(self.page.url, form.action or self.page.url))
        data: dict[str, Any] = form.values | values
        send = self._client.post if form.method == "post" else self._client.get
        return self._took(url, send(url, data, follow=True))

    def _took(self, url: str, response: Any) -> Page:
        for step, _status in getattr(response, "redirect_chain", []):
            url = urljoin(url, step)
        if response.status_code >= 400:
            # Without what may be a secret of the link, and so that like failures count together.
            place = "/".join(part if len(part) < 40 else "…" for part in urlsplit(url).path.split("/"))
            raise PageError(f"{place} answered {response.status_code}")
        self.page = Page(url=url, status=response.status_code, html=response.content.decode())
        return self.page

    @staticmethod
    def _local(url: str) -> str:
        parts = urlsplit(url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    @property
    def visitor_id(self) -> str:
        """The id that the site gave this browser; empty where it gave none."""
        cookie = self._client.cookies.get(visitors.COOKIE)
        return cookie.value if cookie else ""
