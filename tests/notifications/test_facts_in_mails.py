"""Facts of the desk in mail templates: filled in the mail's language, asked for where they may be missing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from core import clock
from kb import facts, pieces, used_in
from kb.models import Piece
from notifications import mail_templates
from notifications.mail_templates import MailTemplateError
from tests.notifications.test_mail_templates import FULL

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _a_monday_in_march():
    with clock.frozen(NOW):
        yield


@pytest.fixture
def answer_time() -> Piece:
    values = pieces.read_values("duration", {"": "24 hours"})
    return pieces.create(
        sort="fact", key="answer-time", kind="duration", name="We answer within", values=values, by=None
    )


def mail(locale: str = "en", **more: Any) -> mail_templates.Rendered:
    return mail_templates.render("delay_promise_passed", locale, {**FULL, "facts": facts.values, **more})


def test_a_shipped_mail_says_the_fact_in_its_language(answer_time):
    english, spanish = mail(), mail("es")
    assert "We answer within 24 hours." in english.text
    assert "We answer within 24 hours." in english.html
    assert "Respondemos en 24 horas." in spanish.text
    assert "Respondemos en 24 horas." in spanish.html


def test_a_shop_without_the_fact_sends_the_mail_without_the_sentence():
    for locale in ("en", "es", "de", "pt-br", "ar"):
        rendered = mail(locale)
        assert "fact" not in rendered.text
        assert "{" not in rendered.text
    assert "We answer" not in mail().text


def test_a_change_reaches_the_next_mail(answer_time):
    values = pieces.read_values("duration", {"": "2 hours"})
    pieces.change(answer_time, values, seen=pieces.newest(answer_time), by=None)
    assert "We answer within 2 hours." in mail().text


def test_a_template_that_needs_a_fact_without_a_value_makes_no_mail(tmp_path: Path, monkeypatch, answer_time):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "subject.txt").write_text("Back within {{ fact:answer-time }}")
    (folder / "body.txt").write_text("{{fact:return-window}}")
    (folder / "body.mjml").write_text("<mjml><mj-body></mj-body></mjml>")
    monkeypatch.setattr(mail_templates, "FOLDER", tmp_path)
    monkeypatch.setattr(mail_templates, "_suffix_for", lambda name, locale: "")
    with pytest.raises(MailTemplateError, match=r"body\.txt holds the fact return-window, which says nothing"):
        mail_templates.render("odd", "en", {**FULL, "facts": facts.values})


def test_a_value_is_text_in_the_html_of_a_mail():
    values = pieces.read_values("text", {"": "<b>soon</b> & {% now %}"})
    pieces.create(sort="fact", key="answer-time", kind="text", name="x", values=values, by=None)
    assert "&lt;b&gt;soon&lt;/b&gt; &amp; {% now %}" in mail().html
    assert "<b>soon</b> & {% now %}" in mail().text


def test_the_desk_knows_which_mails_hold_a_fact_and_what_a_change_would_do(answer_time):
    uses = used_in.of(answer_time)
    assert "delay_promise_passed/body.txt" in [place.label for place in uses.places]
    preview = used_in.preview(answer_time, pieces.read_values("duration", {"": "2 hours"}))
    lines = {effect.label: effect.lines for effect in preview.changed}
    assert lines["delay_promise_passed/body.txt"] == [("We answer within 24 hours.", "We answer within 2 hours.")]
    assert lines["delay_promise_passed/body.es.txt"] == [("Respondemos en 24 horas.", "Respondemos en 2 horas.")]
    with pytest.raises(pieces.StillUsed):
        pieces.archive(answer_time, by=None)
