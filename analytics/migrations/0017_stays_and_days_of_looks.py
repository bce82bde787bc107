from datetime import timedelta

from django.db import migrations, models


def count_anew(apps, schema_editor):
    """The next run counts the days on which pages told anew, as far as their events are there, and measures how alike
    the stays of one person are."""
    apps.get_model("analytics", "Spread").objects.update(measured_at=models.F("measured_at") - timedelta(days=2))
    due = apps.get_model("analytics", "RollupDue")
    days = apps.get_model("analytics", "ReadDay").objects.order_by("day").values_list("day", flat=True).distinct()
    due.objects.bulk_create([due(kind="reads", day=day) for day in days], ignore_conflicts=True)


class Migration(migrations.Migration):
    dependencies = [("analytics", "0016_saved_views_of_pages")]

    operations = [
        migrations.AddField(
            model_name="readday",
            name="readers",
            field=models.IntegerField(
                help_text="visitors who opened it, each once a day; null: counted before this was", null=True
            ),
        ),
        migrations.AddField(
            model_name="readday",
            name="seconds_squared",
            field=models.FloatField(help_text="sum over the stays of the square; null as readers", null=True),
        ),
        migrations.AddField(
            model_name="readday",
            name="seconds_cubed",
            field=models.FloatField(help_text="and of the cube", null=True),
        ),
        migrations.AddField(
            model_name="readday",
            name="scrolled_squared",
            field=models.FloatField(help_text="sum over the stays of the square", null=True),
        ),
        migrations.AddField(
            model_name="readday",
            name="scrolled_cubed",
            field=models.FloatField(help_text="and of the cube", null=True),
        ),
        migrations.AddField(
            model_name="verdict",
            name="linkable_days",
            field=models.JSONField(
                help_text="of a test judged by contacts: arm -> day of the shop -> exposures that are linkable", null=True
            ),
        ),
        migrations.RunPython(count_anew, migrations.RunPython.noop, elidable=True),
    ]
