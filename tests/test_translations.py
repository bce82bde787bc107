"""The Spanish pages: every customer text has one, and the compiled catalogue says the same as its source."""

from __future__ import annotations

import ast
import gettext
import re

import pytest
from django.conf import settings
from django.test import Client

FOLDER = settings.BASE_DIR / "locale" / "es" / "LC_MESSAGES"
LINE = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[(\d)\])?)? ?(".*")$')


def _source() -> dict[object, str]:
    """The .po as gettext keeps it: text -> text, (text, form) -> text for plurals."""
    found: dict[object, str] = {}
    for block in (FOLDER / "django.po").read_text(encoding="utf-8").split("\n\n"):
        parts: dict[str, str] = {}
        key = ""
        for match in filter(None, map(LINE.match, block.splitlines())):
            key = (match[1] or "") or key
            parts[key] = parts.get(key, "") + ast.literal_eval(match[3])
        for name, text in parts.items():
            if name == "msgstr":
                found[parts["msgid"]] = text
            elif name.startswith("msgstr["):
                found[parts["msgid"], int(name[7])] = text
    return found


def _compiled() -> dict[object, str]:
    with (FOLDER / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]


def test_the_compiled_catalogue_says_what_its_source_says():
    assert _compiled() == _source()


def test_placeholders_are_the_same_on_both_sides():
    for key, text in _source().items():
        english = key[0] if isinstance(key, tuple) else str(key)
        if english:
            assert sorted(re.findall(r"%\(\w+\)\w", text)) == sorted(re.findall(r"%\(\w+\)\w", english)), english


def test_every_plain_text_of_the_customers_templates_is_in_spanish():
    root = settings.BASE_DIR / "templates"
    files = [root / "403.html", root / "404.html"]
    for name in ("help", "contacts", "notifications", "_partials"):
        files += [path for path in (root / name).rglob("*") if path.is_file()]
    texts = {
        match[2]
        for path in files
        for match in re.finditer(r"{% trans (['\"])(.*?)\1", path.read_text(encoding="utf-8"))
    }
    assert len(texts) > 50
    assert {text for text in texts if not _source().get(text)} == set()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "phrase"),
    [
        ("/es/", "¿En qué podemos ayudarte?"),
        ("/es/search/?q=zzzqqq", "No hemos encontrado ninguna respuesta para «zzzqqq»"),
        ("/es/contact/", "Tu correo electrónico"),
        ("/es/orders/", "Busca tu pedido"),
        ("/es/no-such-page/", "No hemos encontrado esa página"),
    ],
)
def test_a_page_speaks_spanish(client: Client, path: str, phrase: str):
    page = client.get(path).content.decode()
    assert phrase in page
    assert "Skip to the content" not in page
