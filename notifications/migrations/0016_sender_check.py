
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notifications', '0015_send_ledger'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='SenderCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'waiting for a worker'), ('running', 'being asked'), ('done', 'done'), ('failed', 'broken off')], default='waiting', max_length=8)),
                ('done', models.PositiveSmallIntegerField(default=0, help_text='of notifications.sender.checking.STEPS')),
                ('report', models.JSONField(help_text='notifications.sender.findings.Report', null=True)),
                ('error', models.CharField(blank=True, max_length=300)),
                ('asked_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.AddField(
            model_name='message',
            name='mailbox',
            field=models.CharField(blank=True, db_default='', help_text='of notifications/sender/mailboxes.py, noted at the hand-over', max_length=12),
        ),
        migrations.AddIndex(
            model_name='deliveryevent',
            index=models.Index(condition=models.Q(('kind', 'complained')), fields=['message'], name='event_complaint'),
        ),
        migrations.AddField(
            model_name='sendercheck',
            name='asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name='sendercheck',
            constraint=models.UniqueConstraint(models.Value(1), condition=models.Q(('state__in', ['waiting', 'running'])), name='one_open_sender_check'),
        ),
    ]
