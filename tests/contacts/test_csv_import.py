from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command

from contacts import csv_import
from contacts.models import Contact
from tests.contacts.conftest import NOW

pytestmark = pytest.mark.django_db

HEADER = "source,external_id,email,received_at,subject,message,order_number\n"
GOOD = "email,1,ada@example.com,2026-03-01T09:30:00Z,Refund,Where is my refund?,FH-1\n"
ALSO_GOOD = 'phone,2,,2026-03-01 09:30,,"Two lines,\nin quotes",\n'


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "tickets.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refused(done) -> list[tuple[int, str]]:
    return [(refusal.line, refusal.field) for refusal in done.refused]


def test_good_rows_become_contacts_with_their_reason(file, reasons):
    done = csv_import.import_file(file(HEADER + GOOD + ALSO_GOOD), now=NOW)
    assert (done.new, done.known, done.refused) == (2, 0, [])
    first, second = Contact.objects.order_by("external_id")
    assert first.received_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert first.codings.get().reason.code == "refunds"
    assert (first.order_number, first.subject) == ("FH-1", "Refund")
    assert (second.source, second.email, second.message) == ("phone", "", "Two lines,\nin quotes")


def test_a_time_without_zone_is_the_shops(file, settings):
    settings.SHOP_TIME_ZONE = "Europe/Madrid"
    csv_import.import_file(file(HEADER + ALSO_GOOD), now=NOW)
    assert Contact.objects.get().received_at == datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


def test_the_same_file_again_brings_nothing_new(file):
    path = file(HEADER + GOOD + ALSO_GOOD)
    csv_import.import_file(path, now=NOW)
    done = csv_import.import_file(path, now=NOW)
    assert (done.new, done.known, Contact.objects.count()) == (0, 2, 2)


def test_extra_columns_another_order_and_a_byte_order_mark_do_no_harm(file):
    header = "\ufeffMessage,agent,source,external_id,email,received_at,subject,order_number\r\n"
    assert csv_import.import_file(file(header + "Hi,Bo,chat,7,,2026-03-01,,\r\n"), now=NOW).new == 1


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("email,9,ada,2026-03-01,,Hi,", "email"),
        ("email,9,a@example.com,01/03/2026,,Hi,", "received_at"),
        ("email,9,a@example.com,,,Hi,", "received_at"),
        ("email,9,a@example.com,2026-03-03,,Hi,", "received_at"),
        ("email,9,a@example.com,0001-01-01,,Hi,", "received_at"),
        ("email,9,a@example.com,9999-12-31T23:59:59,,Hi,", "received_at"),
        ("email,9,a@example.com,2026-02-30,,Hi,", "received_at"),
        ("fax,9,a@example.com,2026-03-01,,Hi,", "source"),
        ("form,9,a@example.com,2026-03-01,,Hi,", "source"),
        ("email,,a@example.com,2026-03-01,,Hi,", "external_id"),
        ("email,9,a@example.com,2026-03-01,,,", "message"),
        (f"email,9,a@example.com,2026-03-01,{'x' * 201},Hi,", "subject"),
        (f"email,9,a@example.com,2026-03-01,,Hi,{'9' * 61}", "order_number"),
        ("email,9,a@example.com,2026-03-01,,Hi", "row"),
        ("email,9,a@example.com,2026-03-01,,Hi, there,", "row"),
        ('email,9,a@example.com,2026-03-01,,"Hi" there,', "row"),
        ("email,1,other@example.com,2026-03-01,,Another text with the same id,", "external_id"),
    ],
)
def test_a_bad_row_is_named_and_the_rest_goes_in(file, row, field):
    done = csv_import.import_file(file(HEADER + GOOD + row + "\n" + ALSO_GOOD), now=NOW)
    assert refused(done) == [(3, field)]
    assert done.refused[0].file == "tickets.csv"
    assert done.new == Contact.objects.count() == 2


def test_a_field_that_is_not_utf_8_is_named_and_the_rest_goes_in(file):
    bad = "email,9,a@example.com,2026-03-01,,Caf\u00e9,\n".encode("latin-1")
    done = csv_import.import_file(file(HEADER.encode() + bad + GOOD.encode()), now=NOW)
    assert refused(done) == [(2, "message")]
    assert "UTF-8" in str(done.refused[0])
    assert done.new == 1


def test_lines_are_counted_through_texts_of_many_lines_and_blank_lines(file):
    done = csv_import.import_file(file(HEADER + ALSO_GOOD + "\nfax,9,,2026-03-01,,Hi,\n"), now=NOW)
    assert [refusal.field for refusal in done.refused] == ["source"]
    assert done.refused[0].line == 5


def test_a_quote_that_is_never_closed_costs_one_row(file):
    done = csv_import.import_file(file(HEADER + 'email,9,,2026-03-01,,"Hi,\n' + GOOD + ALSO_GOOD), now=NOW)
    assert refused(done) == [(2, "row")]
    assert done.new == 2
    assert csv_import.import_file(file(HEADER + GOOD + 'email,9,,2026-03-01,,"Hi,\n'), now=NOW).refused[0].line == 3


def test_null_bytes_do_no_harm(file):
    csv_import.import_file(file(HEADER + GOOD.replace("Refund", "Ref\x00und")), now=NOW)
    assert Contact.objects.get().subject == "Ref und"


def test_a_row_that_stands_twice_is_taken_once(file):
    done = csv_import.import_file(file(HEADER + GOOD + GOOD), now=NOW)
    assert (done.new, done.known, done.refused) == (1, 1, [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no column source"),
        ("source;external_id\n", "no column source"),
        (HEADER.replace("email,", "e-mail,"), "no column email"),
        (HEADER.replace("subject", "email"), "no column subject"),
        (HEADER.strip() + ",email\n", "email stands there twice"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no column"),
        ((HEADER + GOOD).encode("utf-16"), "no column"),
    ],
)
def test_a_file_that_is_no_such_table_says_so(file, content, said):
    with pytest.raises(csv_import.BadFile, match=said):
        csv_import.import_file(file(content), now=NOW)


def test_the_command_ends_with_an_error_where_a_row_was_refused(file, capsys):
    with pytest.raises(CommandError, match="1 contacts taken in, 0 known already, 1 rows refused"):
        call_command("import_contacts", file(HEADER + GOOD + "fax,9,,2026-03-01,,Hi,\n"))
    assert "tickets.csv, line 3, source: 'fax' is unknown; write one of" in capsys.readouterr().err
    assert Contact.objects.count() == 1


def test_the_command_names_a_missing_file(tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_contacts", tmp_path / "none.csv")


def test_the_command_says_what_it_did(file, capsys):
    call_command("import_contacts", file(HEADER + GOOD))
    assert "1 contacts taken in, 0 known already, 0 rows refused." in capsys.readouterr().out
