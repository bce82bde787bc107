"""The tables of analytics."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.migration_operations import CreateModels


class Migration(migrations.Migration):

    replaces = [
        ('analytics', '0001_initial'),
        ('analytics', '0002_gaps_and_reads'),
    ]

    initial = True

    dependencies = [
        ('core', '0001_squashed_0011_orders_scopes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels(
            models=[
                migrations.CreateModel(
                    name='Event',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('help', 'opened the help centre'), ('search', 'searched'), ('read', 'read an article'), ('vote', 'voted'), ('form', 'opened the contact form'), ('suggested', 'was shown suggestions'), ('answered', 'said a suggestion was the answer'), ('contact', 'contacted us'), ('order', 'looked at an order')], max_length=10)),
                        ('at', models.DateTimeField()),
                        ('visitor', models.UUIDField(null=True)),
                        ('person', models.CharField(blank=True, max_length=32)),
                        ('is_returning', models.BooleanField(default=False, help_text='the browser brought its id back')),
                        ('article_id', models.BigIntegerField(null=True)),
                        ('revision_id', models.BigIntegerField(null=True)),
                        ('variant_id', models.BigIntegerField(null=True)),
                        ('contact_id', models.BigIntegerField(null=True)),
                        ('topic', models.CharField(blank=True, max_length=50)),
                        ('data', models.JSONField(default=dict)),
                        ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('txid', models.BigIntegerField(db_default=models.Func(function='txid_current', output_field=models.BigIntegerField()))),
                    ],
                    options={
                        'indexes': [models.Index(fields=['visitor', 'at'], name='event_by_visitor'), models.Index(condition=models.Q(('kind', 'contact')), fields=['contact_id', '-id'], name='event_contacts'), models.Index(condition=models.Q(('kind', 'contact')), fields=['person'], name='event_contacts_of_person'), django.contrib.postgres.indexes.BrinIndex(fields=['at'], name='event_by_time'), django.contrib.postgres.indexes.BrinIndex(fields=['txid'], name='event_by_transaction'), models.Index(condition=models.Q(('kind', 'read')), fields=['article_id', 'at'], include=('visitor', 'revision_id'), name='event_reads_of_article')],
                        'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'contact'), _negated=True), ('contact_id__isnull', False), _connector='OR'), name='contact_event_names_its_contact')],
                    },
                ),
                migrations.CreateModel(
                    name='Identity',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('visitor', models.UUIDField()),
                        ('person', models.CharField(db_index=True, max_length=32)),
                        ('how', models.CharField(help_text='link, lookup or contact', max_length=10)),
                        ('at', models.DateTimeField()),
                        ('txid', models.BigIntegerField(db_default=models.Func(function='txid_current', output_field=models.BigIntegerField()))),
                    ],
                    options={
                        'indexes': [django.contrib.postgres.indexes.BrinIndex(fields=['txid'], name='identity_by_transaction')],
                        'constraints': [models.UniqueConstraint(fields=('visitor', 'person'), name='identity_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Journey',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('visitor', models.UUIDField()),
                        ('started_at', models.DateTimeField(db_index=True)),
                        ('ended_at', models.DateTimeField()),
                        ('topic', models.CharField(blank=True, max_length=50)),
                        ('reads', models.JSONField(default=list, help_text='article ids in the order they were read, each once')),
                        ('last_article_id', models.BigIntegerField(null=True)),
                        ('last_revision_id', models.BigIntegerField(null=True)),
                        ('searches', models.PositiveSmallIntegerField(default=0)),
                        ('vote', models.CharField(blank=True, help_text='yes, no, or empty', max_length=3)),
                        ('is_linkable', models.BooleanField(default=False)),
                        ('is_contradicted', models.BooleanField(default=False, help_text='said yes, and contacted us all the same')),
                        ('outcomes', models.JSONField(default=dict)),
                        ('contact_id', models.BigIntegerField(help_text='the contact that decided it, where one did', null=True)),
                        ('decide_at', models.DateTimeField(help_text='when the next window is over; null where all are', null=True)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['last_article_id', 'started_at'], name='journey_by_last_article'), models.Index(condition=models.Q(('decide_at__isnull', False)), fields=['decide_at'], name='journey_undecided')],
                        'constraints': [models.UniqueConstraint(fields=('visitor', 'started_at'), name='journey_once')],
                    },
                ),
                migrations.CreateModel(
                    name='SettlingMark',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('txid', models.BigIntegerField(default=0, help_text='every transaction before this one has been settled')),
                        ('feeds', models.JSONField(default=dict, help_text='from when to when each source brought contacts, as of the last run')),
                        ('settled_at', models.DateTimeField(help_text='story time of the last run', null=True)),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_settling_mark')],
                    },
                ),
                migrations.CreateModel(
                    name='GapDecision',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('searches', 'searches that led nowhere'), ('reason', 'a reason without an article'), ('article', 'an article that does not answer')], max_length=10)),
                        ('keys', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=220), size=None)),
                        ('article_id', models.BigIntegerField(help_text='the draft that was made of it; null: dismissed', null=True)),
                        ('why', models.CharField(blank=True, max_length=200)),
                        ('size', models.FloatField()),
                        ('at', models.DateTimeField()),
                        ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-pk'],
                    },
                ),
            ],
        ),
    ]
