"""The contact form as a customer without JavaScript uses it: fields and buttons are taken from the page itself."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from django.test import Client

from tests.contacts.conftest import BROWSER

FORM = "/en/contact/"


class Page(HTMLParser):
    """What a page holds: the contact form's fields with their values, its buttons and every link."""

    def __init__(self, response) -> None:
        super().__init__()
        self.response = response
        self.text = response.content.decode()
        self.fields: dict[str, str | list[str]] = {"kept": []}
        self.buttons: list[dict[str, str | None]] = []
        self.links: list[str] = []
        self._textarea = ""
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "input" and found.get("type") == "file":
            return  # a browser never fills it in again
        if tag == "input" and found.get("name") == "kept":
            self.fields["kept"].append(found["value"])
        elif tag == "input" and found.get("name") not in (None, "csrfmiddlewaretoken", "q"):
            self.fields[found["name"]] = found.get("value") or ""
        elif tag == "textarea":
            self._textarea = found["name"]
            self.fields[self._textarea] = ""
        elif tag == "button":
            self.buttons.append(found)
        elif tag == "a":
            self.links.append(found.get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._textarea = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self.fields[self._textarea] += data.removeprefix("\n")

    @property
    def kept(self) -> list[str]:
        """The names of the files that the page says it has."""
        return [" ".join(name.split()) for name in re.findall(r'kept-name">.*?</svg>(.*?)<span', self.text, re.S)]

    @property
    def suggestions(self) -> list[str]:
        return [link for link in self.links if "/suggested/" in link]


class Customer:
    """A browser that sends what stands in the form."""

    def __init__(self, **headers: str) -> None:
        self.client = Client(headers={"User-Agent": BROWSER, **headers})

    def get(self, path: str = FORM, **query: str) -> Page:
        return Page(self.client.get(path, query))

    def press(self, page: Page, to: str = FORM, *, follow: bool = True, **typed: object) -> Page:
        return Page(self.client.post(to, {**page.fields, **typed}, follow=follow))


WRITTEN = {
    "name": "Ada Winter",
    "email": "ada@example.com",
    "subject": "Refund",
    "message": "Where is my refund?\nI sent the lamp back.",
    "order_number": "FH-104871",
}
