"""Celery's broker tables: PGMQ's plain SQL. No extension, no superuser: CREATE on the database is enough.

Also where BROKER_URL names another broker, so that taking it away again needs nothing else. Nothing is done where the
schema is there already (CREATE EXTENSION pgmq, or an earlier install).
"""

from django.db import migrations


def install(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("select to_regnamespace('pgmq') is not null")
        if cursor.fetchone()[0]:
            return
        from pgmq.install import get_embedded_install_sql

        # Past Django's cursor: the script holds many statements and percent signs.
        cursor.connection.execute(get_embedded_install_sql())


class Migration(migrations.Migration):
    dependencies = []
    # Going back leaves the schema: queues may hold work.
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
