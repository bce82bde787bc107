"""The tables of contacts."""

import django.db.models.deletion
import django.db.models.functions.text
import uuid
from django.conf import settings
from django.db import migrations, models

from core.migration_operations import CreateModels


class Migration(migrations.Migration):

    replaces = [
        ('contacts', '0001_initial'),
        ('contacts', '0002_suggestion_arms_attachments_confirmations'),
        ('contacts', '0003_drafts'),
        ('contacts', '0004_order_number'),
    ]

    initial = True

    dependencies = [
        ('kb', '0001_squashed_0018_revisions_no_truncate'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels(
            models=[
                migrations.CreateModel(
                    name='Contact',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('reference', models.CharField(help_text='what the customer quotes, like C-4F7K2M', max_length=12, unique=True)),
                        ('source', models.CharField(choices=[('form', 'Contact form'), ('email', 'E-mail'), ('chat', 'Chat'), ('phone', 'Phone'), ('import', 'Import')], max_length=10)),
                        ('external_id', models.CharField(blank=True, max_length=200)),
                        ('visitor', models.UUIDField(db_index=True, null=True)),
                        ('person', models.CharField(blank=True, db_index=True, help_text='core.people.person_key of the address', max_length=32)),
                        ('email', models.EmailField(blank=True, max_length=254)),
                        ('name', models.CharField(blank=True, max_length=120)),
                        ('subject', models.CharField(blank=True, max_length=200)),
                        ('message', models.TextField()),
                        ('order_number', models.CharField(blank=True, max_length=60)),
                        ('locale', models.CharField(max_length=10)),
                        ('received_at', models.DateTimeField(db_index=True)),
                        ('after_article', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.article')),
                    ],
                    options={
                        'indexes': [models.Index(django.db.models.functions.text.Upper('order_number'), name='contact_order_number')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('source', 'external_id'), name='contact_unique_in_source')],
                    },
                ),
                migrations.CreateModel(
                    name='FormVisit',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                        ('visitor', models.UUIDField(null=True)),
                        ('opened_at', models.DateTimeField()),
                        ('shown', models.JSONField(default=list, help_text='ids of the articles suggested, in the order of first showing')),
                        ('opened', models.JSONField(default=list, help_text='ids of the suggested articles that were opened')),
                        ('answered_at', models.DateTimeField(null=True)),
                        ('after_article', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.article')),
                        ('answered_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.article')),
                        ('contact', models.OneToOneField(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='form_visit', to='contacts.contact')),
                        ('arm', models.CharField(blank=True, choices=[('on', 'With suggestions'), ('off', 'Without, drawn at random'), ('not_eligible', 'Without, for a reason'), ('not_counted', 'With suggestions, not counted')], max_length=12)),
                        ('arm_reason', models.CharField(blank=True, choices=[('said_no', 'had said no to an article'), ('wrote_before', 'had written to us'), ('bot', 'a program'), ('prefetch', 'fetched ahead by the browser'), ('no_consent', 'asked not to be followed'), ('staff', 'a member of staff')], max_length=12)),
                        ('off_share', models.FloatField(help_text='the share without suggestions that was in force', null=True)),
                        ('salt', models.CharField(blank=True, help_text='of core.bucketing', max_length=40)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['opened_at', 'arm'], name='form_visit_opened')],
                    },
                ),
                migrations.CreateModel(
                    name='ReasonCode',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.SlugField(unique=True)),
                        ('name', models.CharField(max_length=80)),
                        ('phrases', models.JSONField(blank=True, default=list, help_text='phrases that speak for this reason, lower case')),
                        ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='contacts.reasoncode')),
                    ],
                ),
                migrations.CreateModel(
                    name='Coding',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('coder', models.CharField(choices=[('rule', 'rule'), ('person', 'person')], max_length=10)),
                        ('confidence', models.FloatField(help_text='0 to 1')),
                        ('at', models.DateTimeField()),
                        ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('contact', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='codings', to='contacts.contact')),
                        ('reason', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='codings', to='contacts.reasoncode')),
                    ],
                    options={
                        'ordering': ['-id'],
                        'indexes': [models.Index(fields=['contact', '-id'], name='newest_coding_of_contact')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('confidence__gte', 0), ('confidence__lte', 1)), name='coding_confidence_is_a_share')],
                    },
                ),
                migrations.CreateModel(
                    name='Attachment',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                        ('name', models.CharField(help_text="the customer's name for it, made safe", max_length=120)),
                        ('content_type', models.CharField(help_text='by its content', max_length=40)),
                        ('size', models.PositiveIntegerField(help_text='bytes')),
                        ('sha256', models.CharField(max_length=64)),
                        ('uploaded_at', models.DateTimeField()),
                        ('contact', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='attachments', to='contacts.contact')),
                        ('visit', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='attachments', to='contacts.formvisit')),
                    ],
                    options={
                        'ordering': ['uploaded_at', 'id'],
                        'indexes': [models.Index(condition=models.Q(('contact', None)), fields=['uploaded_at'], name='attachment_not_sent')],
                    },
                ),
                migrations.CreateModel(
                    name='Confirmation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('state', models.CharField(choices=[('waiting', 'Waiting to be sent'), ('sending', 'Handed over, or lost on the way: never sent again'), ('sent', 'Sent'), ('skipped', 'Not sent, on purpose'), ('failed', 'Could not be sent')], default='waiting', max_length=8)),
                        ('state_reason', models.CharField(blank=True, max_length=200)),
                        ('requested_at', models.DateTimeField()),
                        ('contact', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='confirmation', to='contacts.contact')),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['id'], name='confirmation_waiting')],
                    },
                ),
                migrations.CreateModel(
                    name='SuggestionRate',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('off_share', models.FloatField(help_text='0 to 1')),
                        ('set_at', models.DateTimeField()),
                        ('why', models.CharField(blank=True, max_length=200)),
                        ('set_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-id'],
                        'constraints': [models.CheckConstraint(condition=models.Q(('off_share__gte', 0), ('off_share__lte', 1)), name='suggestions_off_is_a_share')],
                    },
                ),
                migrations.CreateModel(
                    name='ContactDraft',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('at', models.DateTimeField()),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kb.article')),
                        ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('contact', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='drafts', to='contacts.contact')),
                    ],
                ),
            ],
        ),
    ]
