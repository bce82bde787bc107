"""Every language says everything that English says, with the same facts in it; pages and mails speak it."""

from __future__ import annotations

import ast
import gettext
import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import translation
from django.utils.translation import ngettext, to_locale

from config import languages
from core import clock
from kb import publishing, search
from kb.models import Category, CategoryText
from kb.search import indexing
from notifications import links
from tests import texts
from tests.kb.conftest import BROWSER, NOW
from tests.notifications import shop

TRANSLATED = [code for code in languages.BUILT_IN if code != "en"]
every_language = pytest.mark.parametrize("code", TRANSLATED)
LINE = re.compile(r'^(msgid|msgid_plural|msgstr(?:\[(\d)\])?)? ?(".*")$')
# How many forms a number can take, and the form of some (CLDR; Spanish and Portuguese without their form for millions).
FORMS = {
    "es": {0: 2, 1: 0, 2: 2, 21: 2, 1_000_000: 1},
    "de": {0: 1, 1: 0, 2: 1, 21: 1},
    "pt-br": {0: 0, 1: 0, 2: 1, 21: 1},
    "ar": {0: 0, 1: 1, 2: 2, 3: 3, 10: 3, 11: 4, 99: 4, 100: 5, 102: 5, 103: 3, 111: 4},
}
# Written from left to right wherever they stand; and what may be written either way.
CODES = {"number", "reference", "email", "order_number"}
EITHER_WAY = {"query", "corrected", "title", "shop_name", "topic"}
ISOLATED = re.compile("\N{LEFT-TO-RIGHT ISOLATE}%\\((\\w+)\\)s\N{POP DIRECTIONAL ISOLATE}")
EITHER_ISOLATED = re.compile("\N{FIRST STRONG ISOLATE}%\\((\\w+)\\)s\N{POP DIRECTIONAL ISOLATE}")


@dataclass
class Message:
    """One entry of a .po file; `forms` has one text, or one for each plural form."""

    one: str = ""
    many: str = ""
    forms: list[str] = field(default_factory=list)
    flags: str = ""

    @property
    def key(self) -> texts.Key:
        return (self.one, self.many) if self.many else self.one


def folder(code: str) -> Path:
    return settings.BASE_DIR / "locale" / to_locale(code) / "LC_MESSAGES"


def source(code: str) -> list[Message]:
    """The .po file's entries, its head first."""
    found = []
    for block in (folder(code) / "django.po").read_text(encoding="utf-8").split("\n\n"):
        message, parts, name = Message(), {}, ""
        for line in block.splitlines():
            if line.startswith("#,"):
                message.flags += line
            if match := LINE.match(line):
                name = match[1] or name
                parts[name] = parts.get(name, "") + ast.literal_eval(match[3])
        message.one, message.many = parts.pop("msgid"), parts.pop("msgid_plural", "")
        message.forms = list(parts.values())
        found.append(message)
    return found


def messages(code: str) -> list[Message]:
    return source(code)[1:]


def catalogue(code: str) -> gettext.GNUTranslations:
    with (folder(code) / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)\w", text))


@every_language
def test_every_text_of_the_code_is_in_the_catalogue_and_nothing_else_is(code):
    there, wanted = {message.key for message in messages(code)}, texts.texts()
    assert len(wanted) > 200
    assert {"missing": wanted - there, "no longer used": there - wanted} == {"missing": set(), "no longer used": set()}


@every_language
def test_every_text_is_translated(code):
    assert [m.one for m in messages(code) if not all(form.strip() for form in m.forms)] == []
    assert [m.one for m in messages(code) if "fuzzy" in m.flags] == []


@every_language
def test_the_compiled_catalogue_says_what_its_source_says(code):
    compiled = dict(catalogue(code)._catalog)  # type: ignore[attr-defined]
    del compiled[""]
    expected: dict[object, str] = {}
    for m in messages(code):
        expected |= {(m.one, form): text for form, text in enumerate(m.forms)} if m.many else {m.one: m.forms[0]}
    assert compiled == expected, "run manage.py compilemessages"


@every_language
def test_placeholders_and_tags_are_the_same_on_both_sides(code):
    for m in messages(code):
        for form, text in enumerate(m.forms):
            given, english = placeholders(text), placeholders(m.many or m.one)
            if m.many and given != english:
                # «جوابان» says two by itself; only a form that stands for one number may leave it out.
                stands_for = [number for number, its in FORMS[code].items() if its == form]
                assert len(stands_for) == 1, (m.one, text)
                assert set(english) - set(given) <= {"%(number)s"}, (m.one, text)
            else:
                assert given == english, (m.one, text)
            assert sorted(re.findall(r"<[^>]+>", text)) == sorted(re.findall(r"<[^>]+>", m.one)), m.one


@every_language
def test_numbers_take_the_forms_of_the_language(code):
    head = source(code)[0].forms[0]
    count = int(re.search(r"nplurals=(\d)", head)[1])  # type: ignore[index]
    assert set(FORMS[code].values()) == set(range(count))
    plural = gettext.c2py(re.search(r"plural=(.*);", head)[1])  # type: ignore[attr-defined,index]
    assert {number: plural(number) for number in FORMS[code]} == FORMS[code]
    assert all(len(m.forms) == count for m in messages(code) if m.many)


def test_arabic_has_a_word_of_its_own_for_two_and_counts_up_to_ten_otherwise_than_beyond():
    with translation.override("ar"):
        said = [ngettext("%(number)s answer", "%(number)s answers", n) % {"number": n} for n in (1, 2, 3, 11, 100)]
    assert said == ["جواب واحد", "جوابان", "3 أجوبة", "11 جوابًا", "100 جواب"]


def test_codes_and_foreign_words_cannot_turn_an_arabic_sentence_round():
    for m in messages("ar"):
        for text in m.forms:
            names = set(re.findall(r"%\((\w+)\)s", text))
            # Numbers that count something need nothing; the number of an order is a code.
            codes = names & CODES if "order" in m.one.lower() else names & (CODES - {"number"})
            assert codes <= set(ISOLATED.findall(text)), text
            in_attributes = set(re.findall(r'="%\((\w+)\)s"', text))
            assert (names & EITHER_WAY) - in_attributes <= set(EITHER_ISOLATED.findall(text)), text


@pytest.mark.parametrize("mail", ["delay_promise_passed", "delay_not_handed_over"])
@every_language
def test_every_mail_is_there_with_the_same_facts(mail, code):
    root = settings.BASE_DIR / "templates" / "emails" / mail
    for part in ("subject.txt", "body.txt", "body.mjml"):
        name, kind = part.split(".")
        english, own = (root / part).read_text("utf-8"), (root / f"{name}.{code}.{kind}").read_text("utf-8")
        facts = r"{{ (\w+)"
        assert set(re.findall(facts, english)) == set(re.findall(facts, own)), part


# --- pages -------------------------------------------------------------------------------------------------------


class Words(HTMLParser):
    """What a reader of a page sees or hears that is not marked as another language's or as a code."""

    _VOID = {"meta", "link", "input", "br", "img", "use", "hr"}

    def __init__(self, page: str, *, locale: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._locale = locale
        self._hidden: list[bool] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        foreign = said.get("lang", self._locale) != self._locale or said.get("dir") == "ltr"
        hidden = tag in ("script", "style", "code") or foreign or bool(self._hidden and self._hidden[-1])
        if tag not in self._VOID:
            self._hidden.append(hidden)
        names = ("aria-label", "placeholder", "title", "alt", "data-suggest-label", "data-status")
        self.found += [said[name] or "" for name in names if name in said and not hidden and tag != "link"]
        if tag == "meta" and said.get("name") == "description":
            self.found.append(said.get("content") or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self._VOID:
            self._hidden.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in self._VOID:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        if not (self._hidden and self._hidden[-1]):
            self.found.append(data)


@pytest.fixture
def arabic_shop(settings, tmp_path):
    """A help centre whose own words are all Arabic, and the addresses of its public pages."""
    settings.SEARCH_INDEX_DIR, settings.SHOP_NAME = tmp_path / "index", "متجر السرخس"
    with clock.frozen(NOW):
        shelf = Category.objects.create(key="delivery", topic="order_status", icon="truck")
        CategoryText.objects.create(category=shelf, locale="en", slug="delivery", name="التوصيل")
        CategoryText.objects.create(category=shelf, locale="ar", slug="delivery", name="التوصيل", description="كل شيء.")
        for number in range(3):
            body = "## أولًا\n\nنص عن الطرد.\n\n## ثانيًا\n\nنص.\n\n## ثالثًا\n\nاكتب `12/34`."
            made = publishing.create_article(
                locale="ar", category=shelf, title=f"طردي متأخر {number}", body=body, slug=f"late-{number}", by=None
            )
            publishing.publish(made, by=None, ring=False)
        indexing.rebuild()
        order = shop.parcel(placed_at=NOW - 2 * shop.DAY, now=NOW).order
        gone = links.unsubscribe_url(order.customer.person, scope="promise_passed", locale="ar")
        yield [
            "/ar/",
            "/ar/c/delivery/",
            "/ar/a/late-0/",
            "/ar/search/",
            "/ar/search/?q=طرد",
            "/ar/search/?q=زرافة",
            "/ar/contact/",
            "/ar/orders/",
            "/ar/orders/not-a-token/",
            "/" + links.order_url(order, locale="ar").split("/", 3)[3],
            "/" + gone.split("/", 3)[3],
            "/u/cut-off/?lang=ar",
            "/ar/a/لا-يوجد/",
        ]
    search.engine().close()


@pytest.mark.django_db
def test_no_english_word_is_left_on_an_arabic_page(arabic_shop):
    # An English word in plain sight is one that nobody marked for translation.
    client = Client(headers={"user-agent": BROWSER, "accept-language": "ar"})
    for address in arabic_shop:
        page = client.get(address)
        text = " ".join(Words(page.content.decode(), locale="ar").found)
        facts = {
            "Acme",
            "Larkpost",
            "Parcel Post",
            "Desk lamp",
            "Fernhill & Co",
            *re.findall(r"[A-Z]+-?\d[\w-]*|\b[A-Z0-9]{6,}\b", text),
        }
        words = set(re.findall(r"[A-Za-z]{3,}", html.unescape(text)))
        left = {word for word in words if not any(word in fact for fact in facts)}
        assert left == set(), address


@pytest.mark.django_db
def test_every_public_page_in_arabic_runs_from_right_to_left(arabic_shop):
    client = Client(headers={"user-agent": BROWSER, "accept-language": "ar"})
    for address in arabic_shop:
        assert '<html lang="ar" dir="rtl"' in client.get(address).content.decode(), address


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "phrase"),
    [
        ("/es/", "¿En qué podemos ayudarte?"),
        ("/es/search/?q=zzzqqq", "No hemos encontrado ninguna respuesta para «zzzqqq»"),
        ("/es/contact/", "Tu correo electrónico"),
        ("/es/no-such-page/", "No hemos encontrado esa página"),
        ("/de/", "Wie können wir helfen?"),
        ("/de/search/?q=zzzqqq", "Zu „zzzqqq“ haben wir keine Antwort gefunden"),
        ("/de/contact/", "Ihre E-Mail-Adresse"),
        ("/de/orders/", "Ihre Bestellung finden"),
        ("/pt-br/", "Como podemos ajudar?"),
        ("/pt-br/contact/", "Seu e-mail"),
        ("/pt-br/orders/", "Encontre seu pedido"),
        ("/ar/", "كيف يمكننا مساعدتك؟"),
        ("/ar/orders/", "ابحث عن طلبك"),
    ],
)
def test_a_page_speaks_its_language(client: Client, path: str, phrase: str):
    page = client.get(path, headers={"user-agent": BROWSER}).content.decode()
    assert phrase in page
    assert "Skip to the content" not in page
