from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("notifications", "0013_rules_for_all_mails")]
    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["lane", "not_before", "id"], condition=Q(state="ready"), name="message_due"),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["lane", "rule", "not_before", "id"], condition=Q(state="ready"), name="message_due_of_rule"
            ),
        ),
        migrations.RemoveIndex(model_name="message", name="message_ready"),
    ]
