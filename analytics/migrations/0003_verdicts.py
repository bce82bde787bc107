import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# A verdict is never changed, and goes only with its experiment.
FREEZE = """
CREATE FUNCTION analytics_refuse_verdict_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND NOT EXISTS (SELECT FROM kb_experiment WHERE id = OLD.experiment_id) THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'verdict % is kept as it was said: look again for a new one', OLD.id
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER verdict_is_frozen BEFORE UPDATE ON analytics_verdict
    FOR EACH ROW EXECUTE FUNCTION analytics_refuse_verdict_change();
CREATE CONSTRAINT TRIGGER verdict_is_kept AFTER DELETE ON analytics_verdict DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION analytics_refuse_verdict_change();
"""
THAW = """
DROP TRIGGER verdict_is_kept ON analytics_verdict;
DROP TRIGGER verdict_is_frozen ON analytics_verdict;
DROP FUNCTION analytics_refuse_verdict_change();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0001_squashed_0002_gaps_and_reads'),
        ('kb', '0020_experiment_plans'),
    ]

    operations = [
        migrations.CreateModel(
            name='Verdict',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('kind', models.CharField(choices=[('nightly', 'nightly'), ('asked', 'somebody asked'), ('final', "the deadline's look")], max_length=8)),
                ('watermark', models.DateTimeField(help_text='up to when the contacts were in')),
                ('code', models.CharField(help_text='a value of analytics.judging.shapes.Code', max_length=14)),
                ('sentence', models.TextField()),
                ('units', models.PositiveIntegerField(help_text='visitors judged, of all arms')),
                ('counts', models.JSONField(help_text='a list of analytics.experiment_counts.Cell')),
                ('declared', models.JSONField()),
                ('said', models.JSONField()),
                ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'ordering': ['-at', '-pk'],
            },
        ),
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('kind__in', ['contact', 'vote', 'form'])), fields=['kind', 'at'], name='event_fates_by_time'),
        ),
        migrations.AddField(
            model_name='verdict',
            name='experiment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='verdicts', to='kb.experiment'),
        ),
        migrations.AddIndex(
            model_name='verdict',
            index=models.Index(fields=['experiment', '-at'], name='verdict_of_experiment'),
        ),
        migrations.RunSQL(FREEZE, THAW),
    ]
