"""Tests that had started before there were epochs get their first one."""

from django.db import migrations

FIRST_EPOCHS = """
INSERT INTO kb_epoch (experiment_id, number, since, allocation, weights)
SELECT e.id, 1, e.started_at, e.allocation,
       (SELECT jsonb_object_agg(v.key, v.weight) FROM kb_variant v WHERE v.experiment_id = e.id)
FROM kb_experiment e
WHERE e.started_at IS NOT NULL
  AND EXISTS (SELECT FROM kb_variant v WHERE v.experiment_id = e.id)
  AND NOT EXISTS (SELECT FROM kb_epoch p WHERE p.experiment_id = e.id)
"""


class Migration(migrations.Migration):
    dependencies = [("kb", "0020_experiment_plans")]

    operations = [migrations.RunSQL(FIRST_EPOCHS, migrations.RunSQL.noop)]
