"""The kinds of facts: what may be written, and what readers of each language see."""

from __future__ import annotations

import pytest

from kb import fact_kinds
from kb.fact_kinds import BadValue


@pytest.mark.parametrize(
    ("kind", "written", "english", "again"),
    [
        ("duration", "30 days", "30 days", "30 days"),
        ("duration", "1 day", "1 day", "1 day"),
        ("duration", "2-4 working days", "2–4 working days", "2–4 working days"),
        ("duration", "2 to 4 business days", "2–4 working days", "2–4 working days"),
        ("duration", "24h", None, None),
        ("duration", "24 Hours", "24 hours", "24 hours"),
        ("duration", "0 days", None, None),
        ("duration", "4–2 days", None, None),
        ("duration", "soon", None, None),
        ("time", "14:00", "14:00", "14:00"),
        ("time", "14:00 Mon-Fri", "14:00, Mon–Fri", "14:00, Mon–Fri"),
        ("time", "2 pm, Monday to Friday", "14:00, Mon–Fri", "14:00, Mon–Fri"),
        ("time", "12 am", "00:00", "00:00"),
        ("time", "12:30 pm Sat", "12:30, Sat", "12:30, Sat"),
        ("time", "25:00", None, None),
        ("time", "14", None, None),
        ("time", "14:00 Fri–Mon", None, None),
        ("money", "£3.95", "£3.95", "£3.95"),
        ("money", "49 €", "€49", "€49"),
        ("money", "3,95 €", "€3.95", "€3.95"),
        ("money", "49.00 CHF", "CHF\N{NO-BREAK SPACE}49", "49.00 CHF"),
        ("money", "49", None, None),
        ("money", "£49 €", None, None),
        ("money", "-5 €", None, None),
        ("date", "2026-12-24", "24 December 2026", "2026-12-24"),
        ("date", "24.12.2026", None, None),
        ("date", "2026-02-30", None, None),
        ("text", "  by   parcel post ", "by parcel post", "by parcel post"),
        ("text", " ", None, None),
        ("text", "x" * 201, None, None),
        ("text", "see {{fact:other}}", None, None),
    ],
)
def test_what_is_written_is_checked_kept_and_shown(kind, written, english, again):
    if english is None:
        with pytest.raises(BadValue):
            fact_kinds.read(kind, written)
        return
    value = fact_kinds.read(kind, written)
    assert fact_kinds.show(kind, value, "en") == english
    assert fact_kinds.write(kind, value) == again
    assert fact_kinds.read(kind, again) == value


@pytest.mark.parametrize(
    ("kind", "written", "locale", "shown"),
    [
        ("duration", "30 days", "es", "30 días"),
        ("duration", "1 day", "es", "1 día"),
        ("duration", "2–4 weeks", "de", "2–4 Wochen"),
        ("money", "€3.95", "es", "3,95\N{NO-BREAK SPACE}€"),
        ("money", "€49", "de", "49\N{NO-BREAK SPACE}€"),
        ("money", "£12500", "en", "£12,500"),
        ("date", "2026-12-24", "es", "24 de diciembre de 2026"),
        ("time", "14:00 Mon–Fri", "es", "14:00, lun–vie"),
    ],
)
def test_each_language_has_its_own_words_order_and_signs(kind, written, locale, shown):
    assert fact_kinds.show(kind, fact_kinds.read(kind, written), locale) == shown


@pytest.mark.parametrize("locale", ["en", "es", "de", "ar", "pt-br", "ja", "pl"])
@pytest.mark.parametrize("low", [1, 2, 3, 11])
def test_a_range_names_both_its_numbers_in_every_language(locale, low):
    shown = fact_kinds.show("duration", {"from": 1, "to": low + 1, "unit": "day"}, locale)
    assert f"1–{low + 1}" in shown
