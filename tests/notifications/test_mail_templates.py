"""Every mail in every language: complete, true, safe to send, and the same in both its parts."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from core import clock
from notifications import mail_compiler, mail_templates
from notifications.mail_templates import MailTemplateError, Rendered, render, unsubscribe_headers

FULL: dict[str, Any] = {
    "customer_first_name": "Ana",
    "shop_name": "Fernhill & Co",
    "order_number": "FH-104233",
    "promised_by": date(2017, 11, 20),
    "order_url": "https://help.example.com/orders/abc?from=mail&lang=es",
    "contact_url": "https://help.example.com/contact?order=abc",
    "unsubscribe_url": "https://help.example.com/stop/abc",
    "preferences_url": "https://help.example.com/choose/abc",
    "handed_over": True,
    "last_event_text": "Arrived at the <sorting> centre & scanned",
    "last_event_at": datetime(2017, 11, 19, 14, 5, tzinfo=UTC),
}
MINIMAL = {key: FULL[key] for key in mail_templates.REQUIRED} | {"handed_over": False}

NAMES = ("delay_promise_passed", "delay_not_handed_over")
LOCALES = ("en", "es", "de", "pt-br", "ar")
DAYS = {
    "en": "Monday 20 November 2017",
    "es": "lunes 20 de noviembre de 2017",
    "de": "Montag, 20. November 2017",
    "pt-br": "segunda-feira, 20 de novembro de 2017",
    "ar": "الاثنين 20 نوفمبر 2017",
}
TODAYS = {
    "en": "Wednesday 22 November 2017",
    "es": "miércoles 22 de noviembre de 2017",
    "de": "Mittwoch, 22. November 2017",
    "pt-br": "quarta-feira, 22 de novembro de 2017",
    "ar": "الأربعاء 22 نوفمبر 2017",
}
EVENT_TIMES = {
    "en": "19 November 2017, 14:05",
    "es": "19 de noviembre de 2017, 14:05",
    "de": "19. November 2017, 14:05",
    "pt-br": "19 de novembro de 2017, 14:05",
    "ar": "19 نوفمبر 2017، 14:05",
}
LAST_REPORT = "Last report|Última noticia|Letzte Meldung|Última notícia|آخر خبر"
HELLO = "Hello,|Hola:|Guten Tag,|Olá,|مرحبًا،"
every_mail = pytest.mark.parametrize(("name", "locale"), [(name, locale) for name in NAMES for locale in LOCALES])


@pytest.fixture(autouse=True)
def on_the_22nd() -> Iterator[None]:
    with clock.frozen(datetime(2017, 11, 22, 9, 0, tzinfo=UTC)):
        yield


class _Visible(HTMLParser):
    """What a reader of the HTML part sees, and where its links go."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self._hidden = 0
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._hidden += tag in ("style", "title")
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag in ("img", "link", "script", "iframe"):
            self.loads.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def one_line(text: str) -> str:
    return " ".join(text.split())


def parts(mail: Rendered) -> tuple[str, _Visible]:
    return one_line(mail.text), _Visible(mail.html)


@every_mail
@pytest.mark.parametrize("context", [FULL, MINIMAL], ids=["full", "minimal"])
def test_each_mail_is_complete_with_much_and_with_little(name: str, locale: str, context: dict[str, Any]) -> None:
    mail = render(name, locale, context)
    assert mail.locale == locale
    assert "FH-104233" in mail.subject
    for part in (mail.subject, mail.text, mail.html):
        assert "no value for" not in part
        assert "{{" not in part
        assert "{%" not in part
        assert "None" not in part
    assert "  " not in _Visible(mail.html).text


@every_mail
def test_text_and_html_say_the_same_facts(name: str, locale: str) -> None:
    text, seen = parts(render(name, locale, FULL))
    for fact in (
        "Ana",
        "Fernhill & Co",
        "FH-104233",
        DAYS[locale],
        TODAYS[locale],
        "Arrived at the <sorting> centre & scanned",
        EVENT_TIMES[locale],
    ):
        assert fact in text, fact
        assert fact in re.sub(r" ,", ",", seen.text), fact
    urls = [FULL[key] for key in ("order_url", "contact_url", "preferences_url", "unsubscribe_url")]
    assert seen.links == urls
    assert re.findall(r"https?://\S+", text) == urls


@every_mail
def test_with_little_neither_part_speaks_of_what_is_not_known(name: str, locale: str) -> None:
    text, seen = parts(render(name, locale, MINIMAL))
    for part in (text, seen.text):
        assert EVENT_TIMES[locale] not in part
        assert not re.search(LAST_REPORT, part)
        assert re.search(HELLO, part)
    assert len(seen.links) == len(re.findall(r"https?://", text)) == 3


# Sentences that must stand in both parts alike, whatever else is said.
SAME = {
    ("delay_promise_passed", "en"): ["We have no report that it has been delivered.", "so we will not guess one"],
    ("delay_promise_passed", "es"): ["No nos consta que se haya entregado.", "no queremos inventarla"],
    ("delay_promise_passed", "de"): ["keine Meldung vor, dass sie zugestellt wurde.", "wollen keinen raten"],
    ("delay_promise_passed", "pt-br"): ["registro de que ele tenha sido entregue.", "não queremos adivinhar"],
    ("delay_promise_passed", "ar"): ["وليس لدينا ما يفيد بأنه وصل.", "ولا نريد أن نخمّن"],
    ("delay_not_handed_over", "de"): ["Uns liegt keine Meldung vor, dass er sie hat.", "wann sie herausgeht"],
    ("delay_not_handed_over", "pt-br"): ["registro de que ela o tenha recebido.", "Ainda não sabemos quando"],
    ("delay_not_handed_over", "ar"): ["وليس لدينا ما يفيد بأنه لديها.", "لا نعرف بعد متى سيخرج"],
    ("delay_not_handed_over", "en"): ["We have no report that it is.", "We do not know yet when it will leave"],
    ("delay_not_handed_over", "es"): ["No nos consta que lo tenga.", "Todavía no sabemos cuándo saldrá"],
}


@every_mail
def test_both_parts_say_what_we_do_not_know(name: str, locale: str) -> None:
    text, seen = parts(render(name, locale, FULL))
    for sentence in SAME[name, locale]:
        assert sentence in text
        assert sentence in seen.text


def test_a_late_mail_counts_the_days_and_says_whether_the_carrier_has_the_parcel() -> None:
    for handed_over, said in ((True, "Handed to the carrier"), (False, "No report yet that the carrier has it")):
        text, seen = parts(render("delay_promise_passed", "en", {**FULL, "handed_over": handed_over}))
        assert said in text
        assert said in seen.text
        assert "(2 days after)" in text
        assert "(2 days after)" in seen.text
    text, _ = parts(render("delay_promise_passed", "en", {**FULL, "promised_by": date(2017, 11, 21)}))
    assert "(1 day after)" in text


def test_later_than_promised_is_only_said_before_the_promise_is_over() -> None:
    early, early_seen = parts(render("delay_not_handed_over", "en", {**FULL, "promised_by": date(2017, 11, 24)}))
    late, late_seen = parts(render("delay_not_handed_over", "en", FULL))
    for part in (early, early_seen.text):
        assert "so it may come later than promised" in part
    for part in (late, late_seen.text):
        assert "later than promised" not in part


def test_today_and_report_times_are_the_shops() -> None:
    with clock.frozen(datetime(2017, 6, 30, 23, 30, tzinfo=UTC)):  # already 1 July in London
        mail = render(
            "delay_promise_passed",
            "en",
            {**FULL, "promised_by": date(2017, 6, 30), "last_event_at": datetime(2017, 6, 30, 23, 5, tzinfo=UTC)},
        )
    assert "Saturday 1 July 2017 (1 day after)" in mail.text
    assert "1 July 2017, 00:05" in mail.text


# --- safe -------------------------------------------------------------------


@every_mail
def test_what_customers_and_carriers_write_is_text_and_not_markup(name: str, locale: str) -> None:
    mail = render(name, locale, {**FULL, "last_event_text": '<script>alert("x")</script>\n\nClick here'})
    seen = _Visible(mail.html)
    assert seen.loads == []
    assert '<script>alert("x")</script> Click here' in seen.text
    assert html.escape('<script>alert("x")</script>') in mail.html
    assert '<script>alert("x")</script> Click here' in mail.text


@pytest.mark.parametrize(
    "name",
    [
        "http://bad.example.com",
        "Ana\nhttps://bad.example.com",
        "win.example.com",
        "a@b.example",
        "x" * 41,
        "<b>Ana</b>",
    ],
)
def test_a_name_that_is_none_is_left_out(name: str) -> None:
    mail = render("delay_promise_passed", "en", {**FULL, "customer_first_name": name})
    assert "Hello," in mail.text
    assert "bad" not in mail.text + mail.html


@pytest.mark.parametrize("name", ["José María", "O’Neill", "Anne-Marie", "J. P.", "Łucja", "小明"])
def test_names_of_all_sorts_are_kept(name: str) -> None:
    mail = render("delay_promise_passed", "en", {**FULL, "customer_first_name": name})
    assert f"Hello {name}," in mail.text
    assert f"Hello {name}," in html.unescape(mail.html)


def test_a_subject_is_one_line_and_never_endless() -> None:
    mail = render("delay_promise_passed", "en", {**FULL, "order_number": "1\r\nBcc: eve@example.com" + "9" * 400})
    assert mail.subject.startswith("Your order 1 Bcc: eve@example.com")
    assert "\n" not in mail.subject
    assert "\r" not in mail.subject
    assert len(mail.subject) <= 200


@every_mail
def test_a_mail_loads_nothing_from_anywhere(name: str, locale: str) -> None:
    mail = render(name, locale, FULL)
    assert _Visible(mail.html).loads == []
    assert "@import" not in mail.html
    assert "url(" not in mail.html
    hosts = set(re.findall(r"https?://([^/\"\s<]+)", mail.html)) - {"www.w3.org"}  # the XML name space
    assert hosts == {"help.example.com"}
    assert len(mail.html) < 100_000  # where a well-known mailbox cuts a mail off


@every_mail
def test_a_mail_knows_its_language_and_the_dark(name: str, locale: str) -> None:
    mail = render(name, locale, FULL)
    assert f'<html lang="{locale}"' in mail.html
    assert f"<title>{mail.subject}</title>" in mail.html
    assert '<meta name="color-scheme" content="light dark"' in mail.html
    assert "prefers-color-scheme: dark" in mail.html


def test_the_accent_is_the_shops(settings: Any) -> None:
    settings.SHOP_ACCENT = "#7a1f5c"
    mail = render("delay_promise_passed", "en", FULL)
    assert "background:#7a1f5c" in mail.html
    assert "#1d5c42" not in mail.html
    settings.SHOP_ACCENT = "red; } body { display: none"
    with pytest.raises(MailTemplateError, match="SHOP_ACCENT"):
        render("delay_promise_passed", "en", FULL)


# --- languages and mistakes -------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "got"),
    [
        ("es", "es"),
        ("es-MX", "es"),
        ("es_419", "es"),
        ("ES", "es"),
        ("pt", "pt-br"),
        ("pt-PT", "pt-br"),
        ("ar-EG", "ar"),
        ("fr", "en"),
        ("en-GB", "en"),
        ("", "en"),
        ("../x", "en"),
    ],
)
def test_a_language_that_is_not_there_falls_back_whole(wanted: str, got: str) -> None:
    mail = render("delay_promise_passed", wanted, FULL)
    assert mail.locale == got
    assert DAYS[got] in mail.text


def test_a_shop_writes_in_the_languages_that_it_serves(settings) -> None:
    settings.LANGUAGES, settings.LANGUAGE_CODE = [("de", "German"), ("es", "Spanish")], "de"
    assert {wanted: render(NAMES[0], wanted, FULL).locale for wanted in ("es", "ar", "en", "fr")} == {
        "es": "es", "ar": "de", "en": "de", "fr": "de",
    }  # fmt: skip


def test_an_arabic_mail_runs_from_right_to_left_and_its_codes_do_not() -> None:
    mail = render(NAMES[0], "ar", FULL)
    assert '<html lang="ar" dir="rtl"' in mail.html
    assert "direction:ltr" not in mail.html
    assert set(re.findall(r"line-height:[\d.]+;text-align:(\w+)", mail.html)) == {"right"}  # each paragraph
    assert '<bdi dir="ltr">FH-104233</bdi>' in mail.html
    assert "\N{LEFT-TO-RIGHT ISOLATE}FH-104233\N{POP DIRECTIONAL ISOLATE}" in mail.subject
    # In plain text an address stands alone in its line, or after a colon: nothing can turn it round.
    assert re.findall(r"(?:^|: )(https://\S+)$", mail.text, flags=re.M) == re.findall(r"https://\S+", mail.text)
    assert 'dir="rtl"' not in render(NAMES[0], "en", FULL).html


def test_a_version_of_a_template_is_compiled_once() -> None:
    render("delay_promise_passed", "en", FULL)
    before = mail_compiler.html_of.cache_info().misses
    render("delay_promise_passed", "en", MINIMAL)
    assert mail_compiler.html_of.cache_info().misses == before


@pytest.fixture
def own_folder(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop's templates: `plain` in English and half of a Spanish one."""
    settings.BASE_DIR = tmp_path
    folder = tmp_path / "templates" / "emails" / "plain"
    folder.mkdir(parents=True)
    monkeypatch.setattr(mail_templates, "FOLDER", folder.parent)
    (folder / "subject.txt").write_text("Order {{ order_number }}")
    (folder / "body.txt").write_text("Order {{ order_number }}")
    (folder / "body.mjml").write_text(mjml("Order {{ order_number }}"))
    return folder


def mjml(text: str) -> str:
    return f"<mjml><mj-body><mj-section><mj-column><mj-text>{text}</mj-text></mj-column></mj-section></mj-body></mjml>"


def test_an_edited_template_is_used_at_once(own_folder: Path) -> None:
    assert "Order FH-104233" in _Visible(render("plain", "en", FULL).html).text
    (own_folder / "body.mjml").write_text(mjml("Parcel of {{ order_number }}"))
    assert "Parcel of FH-104233" in _Visible(render("plain", "en", FULL).html).text


def test_a_half_made_translation_fails_alone_and_names_what_is_missing(own_folder: Path) -> None:
    (own_folder / "subject.es.txt").write_text("Pedido {{ order_number }}")
    with pytest.raises(MailTemplateError, match=r"templates/emails/plain/body\.es\.txt is not there"):
        render("plain", "es", FULL)
    assert render("plain", "en", FULL).subject == "Order FH-104233"


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("body.txt", "Hello {{ customer_frist_name }}", "customer_frist_name"),
        ("body.txt", "{% if order_number %}", r"body\.txt cannot be read"),
        ("body.mjml", "<mjml><mj-body>", "bad MJML"),
        ("body.mjml", mjml("{{ order.number }}"), r"order\.number"),
        ("body.mjml", '<mjml><mj-head><mj-include path="gone.mjml" /></mj-head></mjml>', r"gone\.mjml is not there"),
    ],
)
def test_a_broken_template_is_never_sent_and_says_where(own_folder: Path, file: str, content: str, words: str) -> None:
    (own_folder / file).write_text(content)
    with pytest.raises(MailTemplateError, match=words) as caught:
        render("plain", "en", FULL)
    assert f"templates/emails/plain/{file}" in str(caught.value)
    assert str(own_folder) not in str(caught.value)


@pytest.mark.parametrize("name", ["no_such_mail", "../emails/delay_promise_passed", "_partials", ""])
def test_an_unknown_mail_is_named(name: str) -> None:
    with pytest.raises(MailTemplateError, match="no mail template"):
        render(name, "en", FULL)


def test_missing_facts_are_named() -> None:
    with pytest.raises(MailTemplateError, match="without contact_url, promised_by"):
        render("delay_promise_passed", "en", {k: v for k, v in FULL.items() if k not in ("promised_by", "contact_url")})
    with pytest.raises(MailTemplateError, match="promised_by as a date, not datetime"):
        render("delay_promise_passed", "en", {**FULL, "promised_by": datetime(2017, 11, 20, tzinfo=UTC)})


# --- one-click unsubscribe --------------------------------------------------


def test_unsubscribe_headers_are_those_of_rfc_8058() -> None:
    assert unsubscribe_headers("https://help.example.com/stop/abc?x=1") == {
        "List-Unsubscribe": "<https://help.example.com/stop/abc?x=1>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@pytest.mark.parametrize(
    "url", ["", "mailto:x@example.com", "https://a b", "https://a\r\nBcc: x", "https://a>,<b", "https://ñ"]
)
def test_an_address_that_would_break_the_header_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="List-Unsubscribe"):
        unsubscribe_headers(url)
