"""Emptying the database after a test that committed: what Django's `flush` does, without what it does in vain.

`flush` truncates every table, some hundred with all their indexes, and writes every content type and permission anew,
while most tests have touched ten tables. Here only tables with rows are emptied, and the two tables that `flush` would
fill again stay as they are, once it is seen that nobody has changed them. As with TRUNCATE, whoever still reads or
writes is waited for, no trigger can refuse, and sequences go on.
"""

from __future__ import annotations

from functools import cache

from django.db import connection
from django.test import TransactionTestCase

_flush = TransactionTestCase._fixture_teardown
KEPT = ("django_content_type", "auth_permission")

# Not by their keys: flush() gives new ones.
_MADE_BY_MIGRATE = """
    SELECT md5(string_agg(concat_ws(' ', app_label, model, codename, name), ',' ORDER BY app_label, model, codename))
      FROM django_content_type AS t LEFT JOIN auth_permission AS p ON p.content_type_id = t.id
"""

# A role of "replica" keeps foreign keys and the triggers of append-only tables out of it. Deleting some rows takes less
# than a new file for a table and each of its indexes, but leaves the old ones as long as they are: not for ever.
_EMPTY = """
DO $$
DECLARE
    name text;
    has_rows boolean;
BEGIN
    LOCK TABLE {listed} IN ACCESS EXCLUSIVE MODE;
    SET LOCAL session_replication_role = replica;
    SET LOCAL client_min_messages = warning;
    FOREACH name IN ARRAY ARRAY[{quoted}] LOOP
        IF (SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(name::regclass)) > 1000000 THEN
            EXECUTE format('TRUNCATE %s CASCADE', name);
        ELSE
            EXECUTE format('SELECT EXISTS (SELECT FROM %s)', name) INTO has_rows;
            IF has_rows THEN
                EXECUTE format('DELETE FROM %s', name);
            END IF;
        END IF;
    END LOOP;
END $$
"""

_made: dict[str, str] = {}  # database -> what migrate made in the tables that are kept


def install() -> None:
    """From now on, for the test database as it has just been migrated. It needs a role that may switch triggers off."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
        if cursor.fetchone()[0]:
            _made[connection.settings_dict["NAME"]] = _made_by_migrate()
            TransactionTestCase._fixture_teardown = _empty


def may_switch_triggers_off() -> bool:
    """Whether the tests' role may do what install() needs; the embedded server's may."""
    return connection.settings_dict["NAME"] in _made


def _empty(case: TransactionTestCase) -> None:
    if _made.get(connection.settings_dict["NAME"]) != _made_by_migrate():
        _flush(case)
        return
    with connection.cursor() as cursor:
        cursor.execute(_statement(connection.settings_dict["NAME"]))


def _made_by_migrate() -> str:
    with connection.cursor() as cursor:
        cursor.execute(_MADE_BY_MIGRATE)
        made: str = cursor.fetchone()[0]
    return made


def tables() -> list[str]:
    """Every table that is emptied, quoted, by name."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return [connection.ops.quote_name(name) for name in sorted(set(names) - set(KEPT))]


@cache
def _statement(_database: str) -> str:
    names = tables()
    return _EMPTY.format(listed=", ".join(names), quoted=", ".join(f"'{name}'" for name in names))
