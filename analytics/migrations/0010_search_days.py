from django.db import migrations, models

# Every day of searches is counted anew by the next settling: what counts as one search has changed.
_MARK_ALL = """
    INSERT INTO analytics_rollupdue (kind, day)
    SELECT DISTINCT 'searches', (at AT TIME ZONE %s)::date FROM kb_searchlog
    ON CONFLICT DO NOTHING
"""


def count_anew(apps, schema_editor):
    from django.conf import settings

    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_MARK_ALL, [settings.SHOP_TIME_ZONE])


class Migration(migrations.Migration):
    dependencies = [("analytics", "0008_effects"), ("kb", "0021_first_epochs")]

    operations = [
        migrations.AddField(
            "searchday", "with_passage",
            models.IntegerField(default=0, help_text="a passage stood above the answers, and may have said enough"),
            preserve_default=False,
        ),
        migrations.AddField(
            "searchday", "in_other_language",
            models.IntegerField(
                default=0, help_text="answered in the language of the words, not that of the page"
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            "searchday", "without_click",
            models.IntegerField(help_text="answers without such a passage, nothing opened"),
        ),
        migrations.AlterField("searchday", "key", models.CharField(blank=True, max_length=200)),
        migrations.AlterField(
            "searchday", "text",
            models.CharField(blank=True, help_text="as it was typed last, masked", max_length=200),
        ),
        migrations.RunPython(count_anew, migrations.RunPython.noop),
    ]
