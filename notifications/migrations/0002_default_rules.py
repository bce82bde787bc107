"""The two rules that a new shop begins with. From then on the rows are the truth, HOLDOUT_SHARE no more."""

from django.conf import settings
from django.db import migrations

RULES = [
    ("promise-passed", "Not delivered by the promised day", "promise_passed", "delay_promise_passed"),
    ("not-handed-over", "Not handed to the carrier in time", "not_handed_over", "delay_not_handed_over"),
]


def make(apps, schema_editor):
    Rule = apps.get_model("notifications", "Rule")
    for key, name, kind, template in RULES:
        Rule.objects.get_or_create(
            key=key,
            defaults={
                "name": name,
                "kind": kind,
                "template": template,
                "lane": "normal",
                "holdout_share": settings.HOLDOUT_SHARE,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
