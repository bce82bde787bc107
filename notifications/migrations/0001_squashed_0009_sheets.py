"""The tables of orders and messages, and the two rules that a new shop begins with."""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import uuid
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from core.migration_operations import CreateModels

# What a new shop begins with. From then on the rows are the truth, HOLDOUT_SHARE no more.
RULES = [
    ("promise-passed", "Not delivered by the promised day", "promise_passed", "delay_promise_passed"),
    ("not-handed-over", "Not handed to the carrier in time", "not_handed_over", "delay_not_handed_over"),
]


def make_rules(apps, schema_editor):
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

    replaces = [
        ('notifications', '0001_initial'),
        ('notifications', '0002_default_rules'),
        ('notifications', '0003_order_status'),
        ('notifications', '0004_parcels_ways'),
        ('notifications', '0005_webhooks'),
        ('notifications', '0006_published_keys'),
        ('notifications', '0007_order_desk'),
        ('notifications', '0008_prediction'),
        ('notifications', '0009_sheets'),
    ]

    initial = True

    dependencies = [
        ('core', '0001_squashed_0011_orders_scopes'),
        ('kb', '0001_squashed_0018_revisions_no_truncate'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        CreateModels(
            models=[
                migrations.CreateModel(
                    name='Episode',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('not_handed_over', 'not handed to the carrier in time'), ('promise_passed', 'not delivered by the promised day'), ('no_scan', 'no news from the carrier for longer than usual'), ('carrier_exception', 'the carrier reports a problem'), ('expected_late', 'expected after the promised day'), ('held_for_pickup', 'waiting to be collected'), ('likely_lost', 'probably lost'), ('returned', 'returned to us')], max_length=24)),
                        ('promised_by', models.DateTimeField(help_text='the promise that was broken')),
                        ('opened_at', models.DateTimeField()),
                        ('closed_at', models.DateTimeField(null=True)),
                        ('close_reason', models.CharField(blank=True, help_text='a Close of notifications/delays.py: delivered, handed_over, cancelled …', max_length=40)),
                        ('shipment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='episodes', to='notifications.shipment')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True)), fields=('shipment', 'kind'), name='one_open_episode_per_kind'), models.UniqueConstraint(fields=('shipment', 'kind', 'promised_by'), name='one_episode_per_broken_promise')],
                    },
                ),
                migrations.CreateModel(
                    name='ProviderPause',
                    fields=[
                        ('provider', models.CharField(max_length=20, primary_key=True, serialize=False)),
                        ('until', models.DateTimeField()),
                        ('reason', models.CharField(max_length=300)),
                        ('failures', models.PositiveIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name='Customer',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('external_id', models.CharField(max_length=200)),
                        ('email', models.EmailField(blank=True, max_length=254)),
                        ('first_name', models.CharField(blank=True, max_length=80)),
                        ('last_name', models.CharField(blank=True, max_length=80)),
                        ('person', models.CharField(blank=True, db_index=True, help_text='core.people.person_key of the address', max_length=32)),
                        ('locale', models.CharField(default='en', max_length=10)),
                        ('time_zone', models.CharField(blank=True, max_length=60)),
                        ('as_of', models.DateTimeField(help_text='when the source last said what stands here', null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='customer_unique_in_source')],
                        'indexes': [django.contrib.postgres.indexes.GinIndex(django.contrib.postgres.search.SearchVector('first_name', 'last_name', config='simple'), name='customer_name_words')],
                    },
                ),
                migrations.CreateModel(
                    name='InboundDelivery',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('received_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('headers', models.JSONField(default=dict)),
                        ('body', models.BinaryField()),
                        ('sha256', models.CharField(max_length=64)),
                        ('state', models.CharField(choices=[('new', 'stored, not yet read'), ('done', 'read and taken in'), ('ignored', 'read; nothing in it for us'), ('quarantined', 'could not be read; a person must look')], default='new', max_length=12)),
                        ('tries', models.PositiveSmallIntegerField(default=0)),
                        ('error', models.TextField(blank=True)),
                        ('is_counted', models.BooleanField(db_default=False, help_text='in SourceHour')),
                        ('signed_by', models.CharField(blank=True, db_default='', help_text='fingerprint of the secret', max_length=12)),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('state', 'new')), fields=['id'], name='inbound_new'), models.Index(condition=models.Q(('state', 'quarantined')), fields=['source', 'id'], name='inbound_quarantined')],
                    },
                ),
                migrations.CreateModel(
                    name='InboundSeen',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('dedupe_id', models.CharField(max_length=200)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('source', 'dedupe_id'), name='inbound_seen_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Order',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('external_id', models.CharField(max_length=200)),
                        ('number', models.CharField(db_index=True, help_text='what the customer knows it by', max_length=60)),
                        ('placed_at', models.DateTimeField()),
                        ('promised_ship_by', models.DateTimeField(help_text='to be handed to the carrier by', null=True)),
                        ('promised_deliver_by', models.DateTimeField(help_text='to be with the customer by (end of that day)', null=True)),
                        ('cancelled_at', models.DateTimeField(null=True)),
                        ('customer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='orders', to='notifications.customer')),
                        ('lookup_key', models.GeneratedField(db_index=True, db_persist=True, expression=django.db.models.functions.text.Lower(models.Func(models.F('number'), models.Value('[^[:alnum:]]'), models.Value(''), models.Value('g'), function='regexp_replace')), output_field=models.CharField(max_length=60))),
                        ('ship_to_country', models.CharField(blank=True, help_text='ISO 3166 code', max_length=2)),
                        ('ship_to_region', models.CharField(blank=True, help_text='state or beginning of the postcode, as the source writes it', max_length=40)),
                        ('as_of', models.DateTimeField(help_text='when the source last said what stands here', null=True)),
                        ('promised_as_of', models.DateTimeField(help_text='when it last said what is promised', null=True)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['-placed_at', '-id'], name='order_newest'), models.Index(fields=['source', '-placed_at', '-id'], name='order_newest_of_source'), models.Index(fields=['promised_deliver_by', 'id'], name='order_promised')],
                        'constraints': [models.UniqueConstraint(fields=('source', 'external_id'), name='order_unique_in_source')],
                    },
                ),
                migrations.CreateModel(
                    name='OrderLine',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('position', models.PositiveSmallIntegerField()),
                        ('title', models.CharField(max_length=200)),
                        ('quantity', models.PositiveIntegerField(default=1)),
                        ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='notifications.order')),
                        ('external_id', models.CharField(blank=True, db_default='', help_text="the source's own id of it", max_length=60)),
                    ],
                    options={
                        'ordering': ['position'],
                        'constraints': [models.UniqueConstraint(fields=('order', 'position'), name='line_position_unique_in_order')],
                    },
                ),
                migrations.CreateModel(
                    name='OrderLinkRequest',
                    fields=[
                        ('id', models.UUIDField(default=uuid_utils.compat.uuid7, primary_key=True, serialize=False)),
                        ('locale', models.CharField(max_length=10)),
                        ('state', models.CharField(choices=[('new', 'asked for; not sent yet'), ('sending', 'handed to the mail provider, or lost on the way: never sent again'), ('sent', 'the mail provider took it'), ('refused', 'not sent')], default='new', max_length=8)),
                        ('state_reason', models.CharField(blank=True, max_length=200)),
                        ('requested_at', models.DateTimeField()),
                        ('order', models.ForeignKey(help_text='once it is found', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='link_requests', to='notifications.order')),
                        ('number', models.CharField(blank=True, help_text='as typed', max_length=60)),
                        ('person', models.CharField(blank=True, help_text='core.people.person_key of the address typed', max_length=32)),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('state', 'new')), fields=['id'], name='order_link_new'), models.Index(condition=models.Q(('order__isnull', True)), fields=['requested_at'], name='order_link_for_nothing')],
                    },
                ),
                migrations.CreateModel(
                    name='OutboxMail',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                        ('message_id', models.UUIDField()),
                        ('attempt', models.PositiveSmallIntegerField()),
                        ('to_address', models.EmailField(max_length=254)),
                        ('subject', models.CharField(max_length=300)),
                        ('text', models.TextField()),
                        ('html', models.TextField()),
                        ('headers', models.JSONField(default=dict)),
                        ('sent_at', models.DateTimeField()),
                    ],
                    options={
                        'ordering': ['-sent_at'],
                        'constraints': [models.UniqueConstraint(fields=('message_id', 'attempt'), name='outbox_mail_once')],
                    },
                ),
                migrations.CreateModel(
                    name='Rule',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(unique=True)),
                        ('name', models.CharField(max_length=120)),
                        ('kind', models.CharField(choices=[('not_handed_over', 'not handed to the carrier in time'), ('promise_passed', 'not delivered by the promised day'), ('no_scan', 'no news from the carrier for longer than usual'), ('carrier_exception', 'the carrier reports a problem'), ('expected_late', 'expected after the promised day'), ('held_for_pickup', 'waiting to be collected'), ('likely_lost', 'probably lost'), ('returned', 'returned to us')], max_length=24)),
                        ('template', models.SlugField(help_text='folder in templates/emails/')),
                        ('lane', models.CharField(choices=[('urgent', 'Urgent'), ('normal', 'Normal'), ('campaign', 'Campaign')], default='normal', max_length=10)),
                        ('holdout_share', models.FloatField(help_text='share of customers kept without the message, to measure its effect')),
                        ('ambiguity_policy', models.CharField(choices=[('never_twice', 'never send it again'), ('never_lost', 'send it again')], default='never_twice', max_length=12)),
                        ('is_active', models.BooleanField(default=True)),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('holdout_share__gte', 0), ('holdout_share__lte', 1)), name='holdout_is_a_share')],
                    },
                ),
                migrations.CreateModel(
                    name='Message',
                    fields=[
                        ('id', models.UUIDField(default=uuid_utils.compat.uuid7, primary_key=True, serialize=False)),
                        ('dedupe_key', models.CharField(max_length=64, unique=True)),
                        ('person', models.CharField(db_index=True, max_length=32)),
                        ('arm', models.CharField(choices=[('notify', 'notified'), ('held_out', 'held out')], max_length=10)),
                        ('lane', models.CharField(choices=[('urgent', 'Urgent'), ('normal', 'Normal'), ('campaign', 'Campaign')], max_length=10)),
                        ('state', models.CharField(choices=[('ready', 'Waiting to be sent'), ('claimed', 'Taken by a worker; nothing sent yet'), ('sending', 'Being handed to the mail provider'), ('accepted', 'The mail provider took it'), ('delivered', "In the customer's mailbox"), ('bounced', 'The mailbox refused it'), ('dropped', 'The mail provider dropped it'), ('held_out', 'Kept back at random, to measure the effect'), ('suppressed', 'We must not write to this address'), ('stale', 'No longer true, so not sent'), ('cancelled', 'Cancelled'), ('failed', 'Could not be sent'), ('unknown', "Unclear whether it was sent; waiting for the provider's word")], max_length=12)),
                        ('state_reason', models.CharField(blank=True, help_text='why it is in this state, where that is not plain', max_length=200)),
                        ('locale', models.CharField(max_length=10)),
                        ('asserted', models.JSONField(default=dict, help_text='what the text says is true; checked again just before sending')),
                        ('eligible_at', models.DateTimeField(help_text="when the episode became something to write about: the arm's clock starts")),
                        ('not_before', models.DateTimeField()),
                        ('expires_at', models.DateTimeField()),
                        ('sent_at', models.DateTimeField(null=True)),
                        ('lease_until', models.DateTimeField(null=True)),
                        ('lease_epoch', models.PositiveIntegerField(default=0)),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('retry_after', models.DateTimeField(null=True)),
                        ('provider', models.CharField(blank=True, max_length=20)),
                        ('provider_msg_id', models.CharField(blank=True, max_length=200)),
                        ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('customer', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='notifications.customer')),
                        ('episode', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='notifications.episode')),
                        ('rule', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='notifications.rule')),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('state', 'ready')), fields=['lane', 'not_before'], name='message_ready'), models.Index(condition=models.Q(('state__in', ['claimed', 'sending'])), fields=['lease_until'], name='message_leased'), models.Index(fields=['state', '-eligible_at'], name='message_by_state'), models.Index(fields=['-eligible_at', '-id'], name='message_newest')],
                    },
                ),
                migrations.CreateModel(
                    name='SendAttempt',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('n', models.PositiveSmallIntegerField()),
                        ('outcome', models.CharField(choices=[('open', 'not known yet'), ('accepted', 'the provider took it'), ('not_sent', 'provably not handed over'), ('rejected', 'the provider refused it'), ('unknown', 'the answer was lost'), ('duplicate', 'the provider took it although it had taken another attempt: a mail was sent twice')], default='open', max_length=10)),
                        ('provider', models.CharField(max_length=20)),
                        ('provider_msg_id', models.CharField(blank=True, max_length=200)),
                        ('error', models.CharField(blank=True, max_length=300)),
                        ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('finished_at', models.DateTimeField(null=True)),
                        ('message', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='send_attempts', to='notifications.message')),
                    ],
                    options={
                        'ordering': ['n'],
                        'indexes': [models.Index(fields=['started_at'], name='attempt_started')],
                        'constraints': [models.UniqueConstraint(fields=('message', 'n'), name='attempt_number_unique_in_message'), models.UniqueConstraint(condition=models.Q(('outcome', 'open')), fields=('message',), name='one_open_attempt'), models.UniqueConstraint(condition=models.Q(('outcome', 'accepted')), fields=('message',), name='one_accepted_attempt')],
                    },
                ),
                migrations.CreateModel(
                    name='Shipment',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('carrier', models.CharField(max_length=60)),
                        ('tracking_no', models.CharField(max_length=200)),
                        ('state', models.CharField(choices=[('created', 'Being prepared'), ('handed_over', 'Handed to the carrier'), ('in_transit', 'On its way'), ('out_for_delivery', 'Out for delivery'), ('attempt_failed', 'Delivery attempt failed'), ('available_for_pickup', 'Ready to collect'), ('exception', 'The carrier reports a problem'), ('returned', 'Returned to us'), ('delivered', 'Delivered')], default='created', max_length=24)),
                        ('handed_over_at', models.DateTimeField(null=True)),
                        ('delivered_at', models.DateTimeField(null=True)),
                        ('last_event_at', models.DateTimeField(null=True)),
                        ('check_at', models.DateTimeField(null=True)),
                        ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shipments', to='notifications.order')),
                        ('expected_by', models.DateTimeField(help_text="the carrier's latest word; its history is in ExpectedDate", null=True)),
                        ('ship_from_country', models.CharField(blank=True, help_text='ISO 3166 code', max_length=2)),
                        ('ship_from_region', models.CharField(blank=True, max_length=40)),
                        ('despatch_id', models.CharField(blank=True, db_default='', help_text="the source's own id of the despatch that it belongs to", max_length=200)),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('check_at__isnull', False)), fields=['check_at'], name='shipment_due_for_check'), models.Index(fields=['tracking_no'], name='shipment_by_number'), models.Index(condition=models.Q(('despatch_id', ''), _negated=True), fields=['despatch_id'], name='shipment_by_despatch'), models.Index(django.db.models.functions.text.Lower(models.Func(models.F('tracking_no'), models.Value('[^[:alnum:]]'), models.Value(''), models.Value('g'), function='regexp_replace')), name='shipment_tracking_lookup'), models.Index(condition=models.Q(('state', 'delivered'), _negated=True), fields=['state', 'order'], name='shipment_on_its_way')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('tracking_no', ''), _negated=True), fields=('carrier', 'tracking_no'), name='shipment_unique_at_carrier')],
                    },
                ),
                migrations.CreateModel(
                    name='Suppression',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.CharField(max_length=32)),
                        ('scope', models.CharField(default='all', max_length=40)),
                        ('reason', models.CharField(choices=[('unsubscribed', 'asked us not to write about this'), ('bounced', 'the address does not exist'), ('complained', 'marked our mail as spam')], max_length=14)),
                        ('at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('person', 'scope'), name='suppression_once_per_scope')],
                    },
                ),
                migrations.CreateModel(
                    name='TrackingEvent',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('fingerprint', models.CharField(help_text='hash of what the carrier said, so that it counts once', max_length=64)),
                        ('state', models.CharField(blank=True, choices=[('created', 'Being prepared'), ('handed_over', 'Handed to the carrier'), ('in_transit', 'On its way'), ('out_for_delivery', 'Out for delivery'), ('attempt_failed', 'Delivery attempt failed'), ('available_for_pickup', 'Ready to collect'), ('exception', 'The carrier reports a problem'), ('returned', 'Returned to us'), ('delivered', 'Delivered')], max_length=24)),
                        ('raw_status', models.CharField(blank=True, help_text="the carrier's word, kept where it is unknown to us", max_length=80)),
                        ('at', models.DateTimeField()),
                        ('is_dated', models.BooleanField(default=True)),
                        ('recorded_at', models.DateTimeField()),
                        ('text', models.CharField(blank=True, max_length=300)),
                        ('place', models.CharField(blank=True, max_length=120)),
                        ('oddity', models.CharField(blank=True, max_length=120)),
                        ('shipment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='notifications.shipment')),
                        ('reason', models.CharField(blank=True, choices=[('weather', 'weather'), ('customs', 'customs'), ('address', 'address'), ('damaged', 'damaged'), ('recipient', 'nobody could take it in'), ('pickup', 'waiting to be collected'), ('return', 'going back to the sender'), ('lost', 'lost'), ('capacity', 'too many parcels or a strike'), ('other', 'another reason')], max_length=12)),
                    ],
                    options={
                        'ordering': ['-at', '-id'],
                        'constraints': [models.UniqueConstraint(fields=('shipment', 'fingerprint'), name='tracking_event_once')],
                    },
                ),
                migrations.CreateModel(
                    name='DeliveryEvent',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('provider', models.CharField(max_length=20)),
                        ('event_id', models.CharField(max_length=200)),
                        ('attempt', models.PositiveSmallIntegerField(null=True)),
                        ('kind', models.CharField(max_length=16)),
                        ('at', models.DateTimeField(help_text="by the provider's clock")),
                        ('reason', models.CharField(blank=True, max_length=300)),
                        ('recorded_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('message', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='delivery_events', to='notifications.message')),
                    ],
                    options={
                        'ordering': ['at', 'id'],
                        'constraints': [models.UniqueConstraint(fields=('provider', 'event_id'), name='delivery_event_once')],
                    },
                ),
                migrations.CreateModel(
                    name='LegDay',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('leg', models.CharField(choices=[('packing', 'from the order to the hand-over'), ('transit', 'from the hand-over to the customer'), ('arrival', 'by day of the week, 1 is Monday')], max_length=10)),
                        ('carrier', models.CharField(blank=True, max_length=60)),
                        ('days', models.PositiveSmallIntegerField()),
                        ('waiting', models.PositiveIntegerField(help_text='parcels that reached this age, ended or not')),
                        ('ended', models.PositiveIntegerField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('leg', 'carrier', 'days'), name='leg_day_once')],
                    },
                ),
                migrations.CreateModel(
                    name='LinkRevocation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.CharField(blank=True, max_length=32)),
                        ('at', models.DateTimeField()),
                        ('is_by_customer', models.BooleanField(help_text='by a button behind the link itself')),
                        ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='link_revocations', to='notifications.order')),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('order__isnull', True)), fields=['person'], name='link_revocation_of_person')],
                        'constraints': [models.CheckConstraint(condition=models.Q(('order__isnull', False), models.Q(('person', ''), _negated=True), _connector='OR'), name='link_revocation_is_about_something')],
                    },
                ),
                migrations.CreateModel(
                    name='NextUpdate',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('due_at', models.DateTimeField()),
                        ('note', models.CharField(blank=True, help_text='what the customer reads beside it', max_length=500)),
                        ('made_at', models.DateTimeField()),
                        ('closed_at', models.DateTimeField(help_text='when it was kept, or another day was named instead', null=True)),
                        ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='next_updates', to='notifications.order')),
                        ('closed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('end', models.CharField(blank=True, choices=[('message', 'a message of ours reached the mail provider'), ('page', "the order's page tells something new"), ('staff', 'somebody said that the customer has heard from us'), ('replaced', 'another moment was promised instead')], help_text='empty while it is open', max_length=10)),
                        ('told_broken_at', models.DateTimeField(help_text='when ops were told that it is broken', null=True)),
                        ('warned_at', models.DateTimeField(help_text='when ops were told that it is about to be broken', null=True)),
                    ],
                    options={
                        'ordering': ['-made_at', '-pk'],
                        'indexes': [models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['due_at'], name='next_update_open_due'), models.Index(fields=['-due_at'], name='next_update_due')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('closed_at__isnull', True)), fields=('order',), name='one_open_next_update_per_order')],
                    },
                ),
                migrations.CreateModel(
                    name='PreferenceChange',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('person', models.CharField(db_index=True, max_length=32)),
                        ('scope', models.CharField(max_length=40)),
                        ('is_on', models.BooleanField()),
                        ('at', models.DateTimeField()),
                    ],
                    options={
                        'ordering': ['-at', '-pk'],
                    },
                ),
                migrations.CreateModel(
                    name='ShipmentLine',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('quantity', models.PositiveIntegerField()),
                        ('line', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parcels', to='notifications.orderline')),
                        ('shipment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='contents', to='notifications.shipment')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('shipment', 'line'), name='line_once_in_shipment')],
                    },
                ),
                migrations.CreateModel(
                    name='ExpectedDate',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('expected_by', models.DateTimeField(help_text="end of the day in the shop's zone where the carrier names a day")),
                        ('said_at', models.DateTimeField()),
                        ('recorded_at', models.DateTimeField()),
                        ('shipment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='expected_dates', to='notifications.shipment')),
                    ],
                    options={
                        'ordering': ['-said_at', '-id'],
                        'constraints': [models.UniqueConstraint(fields=('shipment', 'said_at', 'expected_by'), name='expected_date_said_once')],
                    },
                ),
                migrations.CreateModel(
                    name='ParkedFact',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('order_id', models.CharField(blank=True, help_text='waits for this order of its source', max_length=200)),
                        ('tracking_no', models.CharField(blank=True, help_text='or for the parcel of this number', max_length=200)),
                        ('despatch_id', models.CharField(blank=True, help_text='or for the parcels of this despatch', max_length=200)),
                        ('fact', models.JSONField()),
                        ('fingerprint', models.CharField(max_length=64, unique=True)),
                        ('parked_at', models.DateTimeField()),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('order_id', ''), _negated=True), fields=['order_id'], name='parked_by_order'), models.Index(condition=models.Q(('tracking_no', ''), _negated=True), fields=['tracking_no'], name='parked_by_number'), models.Index(condition=models.Q(('despatch_id', ''), _negated=True), fields=['despatch_id'], name='parked_by_despatch'), models.Index(fields=['parked_at'], name='parked_since')],
                    },
                ),
                migrations.CreateModel(
                    name='SourceHour',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('hour', models.DateTimeField()),
                        ('received', models.PositiveIntegerField(default=0, help_text='new ones, stored')),
                        ('first_at', models.DateTimeField(help_text='the first of them', null=True)),
                        ('last_at', models.DateTimeField(null=True)),
                        ('forged', models.PositiveIntegerField(default=0, help_text='refused: not signed with a secret of ours')),
                        ('too_large', models.PositiveIntegerField(default=0, help_text='refused: too large')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('source', 'hour'), name='source_hour_once')],
                    },
                ),
                migrations.CreateModel(
                    name='SourceSecret',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('fingerprint', models.CharField(max_length=12)),
                        ('last_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('source', 'fingerprint'), name='source_secret_once')],
                    },
                ),
                migrations.CreateModel(
                    name='SourceSilence',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('since', models.DateTimeField(help_text='its last call before')),
                        ('noticed_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('source',), name='one_open_silence_per_source')],
                    },
                ),
                migrations.CreateModel(
                    name='UnknownWord',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('word', models.CharField(max_length=80)),
                        ('times', models.PositiveIntegerField(default=0)),
                        ('first_at', models.DateTimeField()),
                        ('last_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('source', 'word'), name='unknown_word_once')],
                    },
                ),
                migrations.CreateModel(
                    name='PublishedKeys',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('address', models.CharField(max_length=500, unique=True)),
                        ('document', models.TextField(help_text='a JWKS (RFC 7517), as it came')),
                        ('fetched_at', models.DateTimeField()),
                    ],
                    options={
                        'verbose_name_plural': 'published keys',
                    },
                ),
                migrations.CreateModel(
                    name='OrderNote',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('text', models.TextField(max_length=4000)),
                        ('at', models.DateTimeField()),
                        ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('order', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='notifications.order')),
                    ],
                    options={
                        'ordering': ['-at', '-pk'],
                    },
                ),
                migrations.CreateModel(
                    name='Playback',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('start', models.DateTimeField()),
                        ('reached', models.DateTimeField(help_text='every step up to this moment is done; story time')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('source', 'start'), name='playback_once_from_a_moment')],
                    },
                ),
                migrations.CreateModel(
                    name='Skip',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('reason', models.CharField(choices=[('no_rule', 'no active rule is about this kind of trouble'), ('no_address', 'the source gave no e-mail address'), ('no_news', 'the trouble was too old to be news to the customer')], max_length=24)),
                        ('at', models.DateTimeField()),
                        ('episode', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='skips', to='notifications.episode')),
                        ('rule', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='skips', to='notifications.rule')),
                    ],
                    options={
                        'ordering': ['-at', '-pk'],
                        'indexes': [models.Index(fields=['-at', '-id'], name='skip_newest')],
                        'constraints': [models.UniqueConstraint(fields=('episode', 'rule'), name='skip_once_per_rule', nulls_distinct=False)],
                    },
                ),
                migrations.CreateModel(
                    name='NetworkDay',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('day', models.DateField(unique=True)),
                        ('surge', models.FloatField(help_text='orders of the last days against the weeks before')),
                        ('backlog', models.FloatField(help_text='days it would take to hand over what waits')),
                        ('pace', models.FloatField(help_text='deliveries of the last week against what the weeks before let expect')),
                        ('late_rate', models.FloatField()),
                        ('is_wave', models.BooleanField()),
                        ('reason', models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        'ordering': ['-day'],
                    },
                ),
                migrations.CreateModel(
                    name='DelayModel',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('trained_at', models.DateTimeField()),
                        ('is_on', models.BooleanField(default=False)),
                        ('verdict', models.CharField(help_text='why it is on or off, in plain words', max_length=300)),
                        ('report', models.JSONField(default=dict, help_text='notifications/prediction/training.py: the figures of the page')),
                        ('trees', models.BinaryField()),
                    ],
                    options={
                        'ordering': ['-trained_at', '-pk'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('is_on', True)), fields=('is_on',), name='one_delay_model_on')],
                    },
                ),
                migrations.CreateModel(
                    name='Forecast',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('made_on', models.DateField(help_text='the morning, where the shop is')),
                        ('late_chance', models.FloatField()),
                        ('late_since', models.DateTimeField(help_text="since when the chance has been above the model's bound", null=True)),
                        ('days', models.JSONField(default=list, help_text='low95, low80, low50, middle, high50, high80, high95')),
                        ('shipment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='forecast', to='notifications.shipment')),
                    ],
                ),
                migrations.CreateModel(
                    name='LaneGap',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('carrier', models.CharField(blank=True, max_length=60)),
                        ('country', models.CharField(blank=True, max_length=2)),
                        ('origin', models.CharField(blank=True, max_length=40)),
                        ('destination', models.CharField(blank=True, max_length=40)),
                        ('hours', models.FloatField()),
                        ('gaps', models.PositiveIntegerField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('carrier', 'country', 'origin', 'destination'), name='lane_gap_once')],
                    },
                ),
                migrations.CreateModel(
                    name='SheetFile',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=200)),
                        ('size', models.PositiveBigIntegerField(default=0)),
                        ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                ),
                migrations.CreateModel(
                    name='SheetMapping',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('source', models.CharField(max_length=40)),
                        ('kind', models.CharField(help_text='a Kind of notifications/intake/sheets/columns.py', max_length=8)),
                        ('columns', models.JSONField(help_text="column's name → field's name, or - for none")),
                        ('dates', models.CharField(blank=True, help_text='a DateOrder of intake/sheets/moments.py', max_length=3)),
                        ('time_zone', models.CharField(max_length=60)),
                        ('saved_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('source', 'kind'), name='sheet_mapping_unique')],
                    },
                ),
                migrations.CreateModel(
                    name='SheetRun',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(help_text='a Kind of notifications/intake/sheets/columns.py', max_length=8)),
                        ('source', models.CharField(max_length=40)),
                        ('name', models.CharField(help_text='of the file', max_length=200)),
                        ('digest', models.CharField(blank=True, help_text='of the file and how it is read: cut off, the same goes on', max_length=64)),
                        ('columns', models.JSONField(default=dict, help_text="column's name → field's name, or - for none")),
                        ('header', models.JSONField(default=list, help_text="the columns' names as they stand in the file")),
                        ('dates', models.CharField(blank=True, max_length=3)),
                        ('time_zone', models.CharField(max_length=60)),
                        ('is_dry', models.BooleanField(default=False)),
                        ('state', models.CharField(choices=[('draft', 'Not started'), ('waiting', 'Waiting'), ('running', 'Under way'), ('done', 'Done'), ('failed', 'Failed')], default='draft', max_length=8)),
                        ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('started_at', models.DateTimeField(blank=True, null=True)),
                        ('beat_at', models.DateTimeField(blank=True, help_text='the last batch that was stored', null=True)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                        ('next_row', models.PositiveIntegerField(default=2, help_text='where reading goes on; the header is row 1')),
                        ('last_row', models.PositiveIntegerField(default=0)),
                        ('orders', models.PositiveIntegerField(default=0, help_text='new ones')),
                        ('customers', models.PositiveIntegerField(default=0)),
                        ('parcels', models.PositiveIntegerField(default=0, help_text='further ones of an order')),
                        ('scans', models.PositiveIntegerField(default=0)),
                        ('cancellations', models.PositiveIntegerField(default=0)),
                        ('known', models.PositiveIntegerField(default=0, help_text='orders or scans that were here already')),
                        ('refused', models.PositiveIntegerField(default=0, help_text='rows left out')),
                        ('unknown_words', models.JSONField(default=dict, help_text='status words that we do not know → how often')),
                        ('error', models.CharField(blank=True, max_length=500)),
                        ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('file', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='notifications.sheetfile')),
                    ],
                    options={
                        'ordering': ['-pk'],
                        'indexes': [models.Index(fields=['digest'], name='sheet_run_digest')],
                    },
                ),
                migrations.CreateModel(
                    name='SheetRefusal',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('row', models.PositiveIntegerField()),
                        ('field', models.CharField(blank=True, help_text="the column's name", max_length=200)),
                        ('problem', models.CharField(max_length=500)),
                        ('remedy', models.CharField(max_length=300)),
                        ('cells', models.JSONField(default=list)),
                        ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refusals', to='notifications.sheetrun')),
                    ],
                    options={
                        'ordering': ['row', 'pk'],
                        'constraints': [models.UniqueConstraint(fields=('run', 'row'), name='sheet_refusal_once')],
                    },
                ),
                migrations.CreateModel(
                    name='ApiAnswer',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.CharField(help_text='the Idempotency-Key, chosen by who asks', max_length=200)),
                        ('digest', models.CharField(help_text='SHA-256 of the address and the body', max_length=64)),
                        ('status', models.PositiveSmallIntegerField(default=0, help_text='0 while the first request is under way')),
                        ('body', models.JSONField(default=dict)),
                        ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('api_key', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='core.apikey')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['made_at'], name='api_answer_since')],
                        'constraints': [models.UniqueConstraint(fields=('api_key', 'key'), name='api_answer_once')],
                    },
                ),
                migrations.CreateModel(
                    name='SheetFilePart',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('number', models.PositiveIntegerField()),
                        ('content', models.BinaryField()),
                        ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='notifications.sheetfile')),
                    ],
                    options={
                        'ordering': ['number'],
                        'constraints': [models.UniqueConstraint(fields=('file', 'number'), name='sheet_file_part_unique')],
                    },
                ),
            ],
        ),
        migrations.RunPython(make_rules, migrations.RunPython.noop),
    ]
