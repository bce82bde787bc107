import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


# A row for each move that no attempt and no event of the provider tells of. The WHEN keeps it off the usual way of a
# message (claimed, sending, accepted, delivered), which costs nothing more than before.
NOTE_STEPS = """
CREATE FUNCTION notifications_note_message_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO notifications_messagestep (message_id, at, from_state, to_state, reason, until)
    VALUES (NEW.id, statement_timestamp(), OLD.state, NEW.state, NEW.state_reason, CASE
        WHEN NEW.state <> 'ready' THEN NULL
        WHEN NEW.retry_after IS DISTINCT FROM OLD.retry_after THEN NEW.retry_after
        WHEN NEW.not_before <> OLD.not_before THEN NEW.not_before
    END);
    RETURN NULL;
END $$;
CREATE TRIGGER message_step_is_noted AFTER UPDATE OF state ON notifications_message FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state IN (
        'ready', 'suppressed', 'stale', 'capped', 'cancelled', 'failed', 'unknown'
    ))
    EXECUTE FUNCTION notifications_note_message_step();
"""
NOTE_NO_STEPS = """
DROP TRIGGER message_step_is_noted ON notifications_message;
DROP FUNCTION notifications_note_message_step();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0014_claims'),
    ]

    operations = [
        migrations.CreateModel(
            name='MessageStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text="by the database's clock")),
                ('from_state', models.CharField(choices=[('ready', 'Waiting to be sent'), ('claimed', 'Taken by a worker; nothing sent yet'), ('sending', 'Being handed to the mail provider'), ('accepted', 'The mail provider took it'), ('delivered', "In the customer's mailbox"), ('bounced', 'The mailbox refused it'), ('dropped', 'The mail provider dropped it'), ('held_out', 'Kept back at random, to measure the effect'), ('suppressed', 'We must not write to this address'), ('stale', 'No longer true, so not sent'), ('capped', 'Not sent: this person has had enough messages on that day'), ('cancelled', 'Cancelled'), ('failed', 'Could not be sent'), ('unknown', "Unclear whether it was sent; waiting for the provider's word")], max_length=12)),
                ('to_state', models.CharField(choices=[('ready', 'Waiting to be sent'), ('claimed', 'Taken by a worker; nothing sent yet'), ('sending', 'Being handed to the mail provider'), ('accepted', 'The mail provider took it'), ('delivered', "In the customer's mailbox"), ('bounced', 'The mailbox refused it'), ('dropped', 'The mail provider dropped it'), ('held_out', 'Kept back at random, to measure the effect'), ('suppressed', 'We must not write to this address'), ('stale', 'No longer true, so not sent'), ('capped', 'Not sent: this person has had enough messages on that day'), ('cancelled', 'Cancelled'), ('failed', 'Could not be sent'), ('unknown', "Unclear whether it was sent; waiting for the provider's word")], max_length=12)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('until', models.DateTimeField(help_text='when it may be tried again, where that was decided', null=True)),
            ],
            options={
                'ordering': ['at', 'id'],
            },
        ),
        migrations.RemoveIndex(
            model_name='message',
            name='message_by_state',
        ),
        migrations.AlterField(
            model_name='message',
            name='rule',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='notifications.rule'),
        ),
        migrations.AlterField(
            model_name='skip',
            name='rule',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='skips', to='notifications.rule'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['state', '-eligible_at', '-id'], name='message_newest_in_state'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['rule', '-eligible_at', '-id'], name='message_newest_of_rule'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('state', 'ready'), models.Q(('state_reason', ''), _negated=True)), fields=['-eligible_at', '-id'], name='message_newest_put_off'),
        ),
        migrations.AddIndex(
            model_name='skip',
            index=models.Index(fields=['rule', '-at', '-id'], name='skip_newest_of_rule'),
        ),
        migrations.AddIndex(
            model_name='skip',
            index=models.Index(fields=['reason', '-at', '-id'], name='skip_newest_for_reason'),
        ),
        migrations.AddField(
            model_name='messagestep',
            name='message',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='steps', to='notifications.message'),
        ),
        migrations.RunSQL(NOTE_STEPS, NOTE_NO_STEPS),
    ]
