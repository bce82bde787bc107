import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models.functions import Now

FREEZE = """
CREATE FUNCTION notifications_refuse_mail_version_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The one change allowed: its author's account was removed.
    IF OLD.made_by_id IS NOT NULL AND NEW.made_by_id IS NULL THEN
        NEW.made_by_id := OLD.made_by_id;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            NEW.made_by_id := NULL;
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'mail version % is frozen: make a new version instead', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER mail_version_is_frozen BEFORE UPDATE ON notifications_mailversion
    FOR EACH ROW EXECUTE FUNCTION notifications_refuse_mail_version_change();
"""
THAW = """
DROP TRIGGER mail_version_is_frozen ON notifications_mailversion;
DROP FUNCTION notifications_refuse_mail_version_change();
"""


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("notifications", "0011_sending_gates"),
    ]
    operations = [
        migrations.CreateModel(
            name="MailVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "template",
                    models.SlugField(
                        db_index=False, help_text="a name of notifications/mail_kinds.py", max_length=40
                    ),
                ),
                ("locale", models.CharField(max_length=10)),
                ("number", models.PositiveIntegerField()),
                ("subject", models.CharField(max_length=300)),
                ("text", models.TextField()),
                ("mjml", models.TextField(help_text="as written, with its includes unopened")),
                ("html", models.TextField(help_text="the MJML compiled, once: a Django template")),
                ("digest", models.CharField(help_text="of subject, text and compiled HTML", max_length=64)),
                ("is_shipped", models.BooleanField(help_text="the product's own, from templates/emails/")),
                (
                    "note",
                    models.CharField(blank=True, help_text="why it was made, as its maker said", max_length=200),
                ),
                ("made_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField(db_default=Now())),
                (
                    "made_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("template", "locale", "number"), name="mail_version_number_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("is_shipped", True)),
                        fields=("template", "locale", "digest"),
                        name="mail_version_shipped_once",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="MailDraft",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("template", models.SlugField(db_index=False, max_length=40)),
                ("locale", models.CharField(max_length=10)),
                ("subject", models.TextField(blank=True)),
                ("text", models.TextField(blank=True)),
                ("mjml", models.TextField(blank=True)),
                ("saved_at", models.DateTimeField()),
                (
                    "saved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("template", "locale"), name="mail_draft_once")],
            },
        ),
        migrations.AddField(
            model_name="message",
            name="mail_version",
            field=models.ForeignKey(
                db_index=False,
                help_text="the text it is made from",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="notifications.mailversion",
            ),
        ),
        migrations.AlterField(
            model_name="rule",
            name="template",
            field=models.SlugField(help_text="a mail of notifications/mail_kinds.py"),
        ),
        migrations.RunSQL(FREEZE, THAW),
    ]
