"""A template in pieces says byte for byte what Django's engine says of it, whatever the facts are."""

from __future__ import annotations

import functools
from datetime import UTC, date, datetime
from typing import Any

from django.template import Context, Engine, Template
from django.utils import timezone, translation
from django.utils.safestring import mark_safe
from hypothesis import example, given
from hypothesis import strategies as st

from notifications import mail_days, mail_fixed, mail_forms, mail_templates

LOCALES = ("", ".es", ".de", ".pt-br", ".ar")
TEXTS = st.text(alphabet="aé<>&\"'[]{}% \n", max_size=12)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": TEXTS | TEXTS.map(mark_safe),
    "odd": st.none() | st.booleans() | st.integers(-2000, 2000) | st.floats(allow_nan=False),
    "day": st.dates(date(2025, 1, 1), date(2028, 1, 1)) | st.none() | TEXTS,
    "moment": st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)) | st.just(""),  # noqa: DTZ001
    "many": st.lists(TEXTS, max_size=3),
    "facts": st.dictionaries(st.sampled_from(["hours", "items"]), TEXTS, max_size=2),
    "call": st.just(lambda: "<called>"),
}
NODES = st.sampled_from((
    "words & <b>", "{{ text }}", "{{ odd }}", "{{ day }}", "{{ moment }}", "{{ many }}", "{{ call }}", "{{ nobody }}",
    "{{ facts.hours }}", "{{ facts.items }}", "{{ text.upper }}", "{{ many.0 }}", "{{ text|upper }}", "{{ 'literal' }}",
    "{{ odd|pluralize }}", '{{ day|date:"l j F Y" }}', '{{ moment|date:"j F Y, H:i" }}', "{{ moment|date }}",
    '{{ moment|date:"c" }}', '{{ moment|date:"H:i T" }}', '{{ text|date:"j" }}', '{{ nobody|date:"j F" }}',
    '{{ moment|date:"j \\\\d\\\\e F" }}', "{{ odd|default:text }}", "{{ text|safe }}",
    "{% for one in many %}{{ one }},{% endfor %}",
    "{% if text %}T{{ text }}{% else %}none{% endif %}", "{% if nobody %}N{% elif day %}{{ day }}{% endif %}",
    "{% if facts.hours %}in {{ facts.hours }}{% endif %}", "{% if facts.items %}items{% endif %}",
    "{% if odd == 3 or not many %}or{% endif %}", "{% if call %}call{% endif %}",
    "{% if text|length > 3 %}long{% endif %}",
    "{% if many %}{% if odd %}{{ odd }}{% else %}{{ text }}{% endif %}{% endif %}",
    "{% with x=text %}{{ x }}{% endwith %}",
))  # fmt: skip


@functools.cache
def engine() -> Engine:
    return Engine(string_if_invalid="[[no value for %s]]", builtins=[mail_days.__name__])


@given(st.lists(NODES, max_size=8), st.fixed_dictionaries(VALUES), st.booleans(), st.sampled_from(["en", "de", "ar"]))
@example(["{{ moment|date:'j F Y, H:i' }}"] * 2, {"moment": datetime(2026, 3, 29, 1, 30, 59, tzinfo=UTC)}, True, "en")
def test_in_pieces_it_says_what_it_says_whole(
    nodes: list[str], facts: dict[str, Any], is_html: bool, locale: str
) -> None:
    template = Template("".join(nodes), engine=engine())
    with translation.override(locale), timezone.override("Europe/Berlin"):
        for _ in range(2):  # what was kept of the first says the same
            form = mail_forms.of(template, is_html=is_html)
            said = mail_forms.whole(form.texts, form.filled(facts))
            assert said == template.render(Context(dict(facts), autoescape=is_html))


def test_every_mail_of_ours_says_in_pieces_what_it_says_whole() -> None:
    names = sorted(path.name for path in mail_templates.FOLDER.iterdir() if not path.name.startswith("_"))
    for name in names:
        for suffix in LOCALES:
            parts = mail_templates._parts_of_files(name, suffix)
            shared = (("shop_name", "A & <B>"), ("days_late", 2), ("accent", "#123456"))
            for is_known in (True, False):
                words = {"customer_first_name": "Ana", "last_event_text": "<at>", "why": "", "carrier": "P & P"}
                facts = {
                    **mail_templates.OPTIONAL, **dict(shared), **(words if is_known else {}), "items": ["a", "<b>"],
                    "order_number": "<1>", "promised_by": date(2026, 11, 3), "facts": {"answer_time": "1 < 2"},
                    "last_event_at": datetime(2026, 11, 1, 7, 30, tzinfo=UTC) if is_known else None,
                }  # fmt: skip
                with translation.override(suffix.strip(".") or "en"):
                    for part, is_html in ((parts.subject, False), (parts.text, False), (parts.html, True)):
                        form = mail_forms.of(mail_fixed.filled(part, shared, is_html=is_html), is_html=is_html)
                        said = mail_forms.whole(form.texts, form.filled(facts))
                        assert said == part.render(Context(dict(facts), autoescape=is_html)), (name, suffix)
