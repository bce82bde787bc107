"""What is kept for good is not emptied either: TRUNCATE of the audit log and of frozen revisions is refused."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from tests.conftest import NEVER_EMPTIED

pytestmark = pytest.mark.django_db


def states() -> dict[str, str]:
    """Of every trigger of ours on TRUNCATE that refuses: O is on, D is off."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal AND tgtype & 32 > 0 AND tgtype & 2 > 0"
        )
        return dict(cursor.fetchall())


def test_the_tests_database_has_switched_off_these_and_no_others():
    assert states() == dict.fromkeys(NEVER_EMPTIED.values(), "D")


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("core_auditentry", "TRUNCATE core_auditentry"),
        ("core_auditentry", "TRUNCATE auth_user CASCADE"),
        ("kb_revision", "TRUNCATE kb_revision CASCADE"),
        ("kb_revision", "TRUNCATE kb_article CASCADE"),
    ],
)
def test_emptying_is_refused(table, statement):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {NEVER_EMPTIED[table]}")
        with pytest.raises(IntegrityError, match="never emptied"), transaction.atomic():
            cursor.execute(statement)
    assert states()[NEVER_EMPTIED[table]] == "O"
