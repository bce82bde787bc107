"""What is found out about a shop's file: encoding, separator, rows, columns, dates."""

# ruff: noqa: E501 - rows as they stand in files

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from notifications.intake.sheets import columns, files, moments, status_words
from notifications.intake.sheets.fields import Kind
from notifications.intake.sheets.files import Broken, Cells
from notifications.intake.sheets.moments import DateOrder
from notifications.intake.tables import UnusableFile

LONDON = ZoneInfo("Europe/London")


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "orders.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path) -> list[Cells | Broken]:
    return list(files.rows(path, files.detect(path)))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_out_also_beside_others_in_texts(tmp_path, separator):
    rows = [["No", "Item"], ["1", "a, b; c"], ["2", "d; e"]]
    text = "\n".join(separator.join(f'"{cell}"' for cell in row) for row in rows)
    path = write(tmp_path, text)
    assert files.detect(path).separator == separator
    assert [one.values for one in read(path) if isinstance(one, Cells)] == rows[1:]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", files.UTF8), ("utf-8-sig", files.UTF8), ("cp1252", files.WINDOWS), ("utf-16", files.UTF16)],
)
def test_the_encoding_is_found_out(tmp_path, encoding, found):
    path = write(tmp_path, "No,Name\n1,José Müller €\n".encode(encoding))
    how = files.detect(path)
    assert (how.encoding, how.header) == (found, ("No", "Name"))
    assert [one.values for one in read(path) if isinstance(one, Cells)] == [["1", "José Müller €"]]


def test_one_bad_byte_in_a_utf8_file_costs_its_row_only(tmp_path):
    path = write(tmp_path, "No,Name\n1,Müller\n2,Jos".encode() + b"\xe9\n" + "3,Zoë\n4,Éva\n".encode())
    assert files.detect(path).encoding == files.UTF8
    _, bad, *rest = read(path)
    assert isinstance(bad, Broken)
    assert (bad.refusal.row, bad.refusal.field) == (3, "Name")
    assert len(rest) == 2


def test_a_cell_may_hold_line_breaks_and_rows_are_counted_as_a_spreadsheet_does(tmp_path):
    path = write(tmp_path, 'No,Note\n1,"two\nlines"\n2,b\n')
    assert [(one.row, one.values[0]) for one in read(path) if isinstance(one, Cells)] == [(2, "1"), (3, "2")]


def test_a_quotation_mark_that_is_never_closed_costs_one_row(tmp_path):
    path = write(tmp_path, 'No,Note\n1,"open\n2,b\n3,"c"\n')
    bad, *rest = read(path)
    assert isinstance(bad, Broken)
    assert bad.refusal.row == 2
    assert [one.values for one in rest if isinstance(one, Cells)] == [["2", "b"], ["3", "c"]]


def test_inches_in_a_text_harm_nothing(tmp_path):
    path = write(tmp_path, 'No,Note\n1,5" lamp\n2,b\n')
    assert [one.values for one in read(path) if isinstance(one, Cells)] == [["1", '5" lamp'], ["2", "b"]]


def test_a_row_that_is_cut_off_is_told_with_the_field_that_is_missing(tmp_path):
    bad, _good = read(write(tmp_path, "No,Date,Note\n1,2026-01-01\n2,2026-01-02,x\n"))
    assert isinstance(bad, Broken)
    assert str(bad.refusal).startswith("orders.csv, row 2, Note: 2 cells where the header names 3")


def test_a_picture_is_no_table(tmp_path):
    with pytest.raises(UnusableFile, match="no text"):
        files.detect(write(tmp_path, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"))
    with pytest.raises(UnusableFile, match="empty"):
        files.detect(write(tmp_path, b""))


# --- Columns ---


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Order No,E-mail,Order date,Deliver by,Tracking number,Qty", "1,a@example.com,2026-01-02,2026-01-09,LA12345678,2"),
        ("Bestellnummer,E-Mail-Adresse,Bestelldatum,Liefertermin,Sendungsnummer,Menge", "1,a@example.com,02.01.2026,09.01.2026,LA12345678,2"),
        ("Número de pedido,Correo electrónico,Fecha de pedido,Fecha de entrega,Número de seguimiento,Cantidad", "1,a@example.com,02/01/2026,19/01/2026,LA12345678,2"),
        ("Número do pedido,E-mail,Data do pedido,Prazo de entrega,Código de rastreio,Quantidade", "1,a@example.com,02/01/2026,19/01/2026,LA12345678,2"),
        ("N° de commande,Courriel,Date de commande,Date de livraison,Numéro de suivi,Quantité", "1,a@example.com,02/01/2026,19/01/2026,LA12345678,2"),
        ("Name,Email,Created at,Delivery Date,Tracking Number,Lineitem quantity", "#1,a@example.com,2026-01-02 10:00:00 +0100,2026-01-09,LA12345678,2"),
        ("orderNumber,customerEmail,placedAt,deliverBy,trackingNumber,quantity", "1,a@example.com,1767348000,2026-01-09,LA12345678,2"),
    ],
)  # fmt: skip
def test_columns_are_guessed_by_their_names_in_many_languages(header, row):
    found = columns.guess(Kind.ORDERS, header.split(","), [row.split(",")])
    by_place = {guess.column: name for name, guess in found.items()}
    assert [by_place.get(place) for place in range(6)] == [
        "number", "email", "placed_at", "promised_deliver_by", "tracking_no", "quantity",
    ]  # fmt: skip


def test_values_speak_against_a_name_and_for_a_nameless_column():
    header = ["Order", "Order date", "Kontakt", "Delivery date"]
    rows = [["1", "2026-01-02", "a@example.com", "by bike"], ["2", "2026-01-03", "b@example.com", "on foot"]]
    found = columns.guess(Kind.ORDERS, header, rows)
    assert found["email"].column == 2
    assert "promised_deliver_by" not in found


def test_a_column_of_addresses_is_nobodys_name_whatever_it_is_called():
    header = ["Order", "Customer mail", "Customer", "Ordered on", "Promised"]
    found = columns.guess(Kind.ORDERS, header, [["A-1", "ada@example.com", "Ada", "2026-11-20", "2026-11-27"]])
    assert {name: guess.column for name, guess in found.items()} == {
        "number": 0, "email": 1, "full_name": 2, "placed_at": 3, "promised_deliver_by": 4,
    }  # fmt: skip


def test_what_a_person_says_counts_more_than_a_guess():
    header = ["Order No", "Reference", "Date"]
    guessed = columns.guess(Kind.ORDERS, header, [["1", "A-1", "2026-01-02"]])
    found = columns.override(Kind.ORDERS, header, guessed, {"reference": "number"})
    assert (found["number"].column, found["number"].why) == (1, "you said so")
    with pytest.raises(columns.UnusableMapping, match="no column 'Nope'"):
        columns.override(Kind.ORDERS, header, guessed, {"Nope": "number"})
    with pytest.raises(columns.UnusableMapping, match="nothing that a column can be"):
        columns.override(Kind.ORDERS, header, guessed, {"Date": "when"})


# --- Dates ---


@pytest.mark.parametrize(
    ("values", "decided"),
    [
        (["03/04/2026", "25/04/2026"], DateOrder.DAY_FIRST),
        (["03/04/2026", "04/25/2026 10:00"], DateOrder.MONTH_FIRST),
        (["03/04/2026", "05/06/2026"], None),
        (["25/04/2026", "04/25/2026"], None),
        (["1/12/26", "1/25/26"], DateOrder.MONTH_FIRST),
        (["2026-04-03", "03.04.2026", "04/04/2026"], DateOrder.DAY_FIRST),
        ([], DateOrder.DAY_FIRST),
    ],
)
def test_all_values_decide_which_number_is_the_month(values, decided):
    evidence = moments.Evidence()
    for value in values:
        evidence.hear(value)
    assert evidence.decide() == decided


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-07-03 10:20:30", datetime(2026, 7, 3, 9, 20, 30, tzinfo=UTC)),
        ("2026-07-03T10:20:30Z", datetime(2026, 7, 3, 10, 20, 30, tzinfo=UTC)),
        ("2026-07-03 10:20:30 +0200", datetime(2026, 7, 3, 8, 20, 30, tzinfo=UTC)),
        ("03/07/2026 1:05 PM", datetime(2026, 7, 3, 12, 5, tzinfo=UTC)),
        ("3.7.2026, 10:20", datetime(2026, 7, 3, 9, 20, tzinfo=UTC)),
        ("2026/07/03 10:20", datetime(2026, 7, 3, 9, 20, tzinfo=UTC)),
        ("3 July 2026", datetime(2026, 7, 2, 23, tzinfo=UTC)),
        ("Jul 3, 2026 10:20 am", datetime(2026, 7, 3, 9, 20, tzinfo=UTC)),
        ("3 de julio de 2026", datetime(2026, 7, 2, 23, tzinfo=UTC)),
        ("20260703", datetime(2026, 7, 2, 23, tzinfo=UTC)),
        ("1783070430", datetime(2026, 7, 3, 9, 20, 30, tzinfo=UTC)),
    ],
)
def test_moments_as_shops_write_them(text, at):
    assert moments.Reader(DateOrder.DAY_FIRST, LONDON).read(text).at == at


@pytest.mark.parametrize(
    "text", ["31/02/2026", "tomorrow", "2026-13-01", "0026-01-01", "12", "99/99/9999", "2026-07-03 25:00"]
)
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(moments.NotAMoment):
        moments.Reader(DateOrder.DAY_FIRST, LONDON).read(text)


def test_a_day_ends_in_its_zone():
    assert moments.Reader(DateOrder.DAY_FIRST, LONDON).read("2026-07-03").end == datetime(
        2026, 7, 3, 22, 59, 59, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Delivered", "delivered"), ("NOT DELIVERED", "attempt_failed"), ("in_transit", "in_transit"),
        ("Out for delivery - Leeds", "out_for_delivery"), ("Zugestellt", "delivered"), ("Returned to sender", "returned"),
        ("En tránsito", "in_transit"), ("ZX_CODE_9", ""),
    ],
)  # fmt: skip
def test_words_for_states(word, state):
    assert status_words.read(word)[0] == state
