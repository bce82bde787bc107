"""Rules for every mail that there is, and choices by category: order updates, delay notices, back on track."""

from django.conf import settings
from django.db import migrations, models

KINDS = [
    ("not_handed_over", "not handed to the carrier in time"),
    ("promise_passed", "not delivered by the promised day"),
    ("no_scan", "no news from the carrier for longer than usual"),
    ("carrier_exception", "the carrier reports a problem"),
    ("expected_late", "expected after the promised day"),
    ("held_for_pickup", "waiting to be collected"),
    ("likely_lost", "probably lost"),
    ("returned", "returned to us"),
    ("order_confirmed", "the order came in"),
    ("shipped", "the carrier has it"),
    ("out_for_delivery", "out for delivery"),
    ("delivered", "delivered"),
    ("delayed_again", "the day that we named does not hold"),
    ("back_on_track", "the trouble that we wrote of is over"),
    ("corrected", "what we wrote was not so"),
]
MILESTONES = ["order_confirmed", "shipped", "out_for_delivery", "delivered"]

# Key, name, kind, mail, whether it is on. On are those without which a delay notice that we have sent would be left
# standing as it is; nobody is held out from them, for they were told something and rely on it.
RULES = [
    ("expected-late", "Expected after the promised day", "expected_late", "delayed", False),
    ("held-for-pickup", "Waiting to be collected", "held_for_pickup", "held_for_pickup", False),
    ("likely-lost", "Probably lost", "likely_lost", "likely_lost", False),
    ("order-confirmed", "Order confirmed", "order_confirmed", "order_confirmed", False),
    ("shipped", "Shipped", "shipped", "shipped", False),
    ("out-for-delivery", "Out for delivery", "out_for_delivery", "out_for_delivery", False),
    ("delivered", "Delivered", "delivered", "delivered", False),
    ("delayed-again", "Delayed again", "delayed_again", "delay_promise_passed", True),
    ("back-on-track", "Back on track", "back_on_track", "back_on_track", True),
    ("corrected", "We were wrong", "corrected", "corrected", True),
]


def make_rules(apps, schema_editor):
    """A rule for each kind that the shop has none for."""
    rules = apps.get_model("notifications", "Rule").objects
    for key, name, kind, template, is_active in RULES:
        if rules.filter(kind=kind).exists() or rules.filter(key=key).exists():
            continue
        rules.create(
            key=key,
            name=name,
            kind=kind,
            template=template,
            is_active=is_active,
            holdout_share=0.0 if is_active else settings.HOLDOUT_SHARE,
        )


# Whoever asked not to hear of one kind of delay hears of none: more than they asked for, and never less.
TO_CATEGORIES = """
INSERT INTO notifications_suppression (person, scope, reason, at)
SELECT DISTINCT ON (person) person, 'delay_notices', reason, at FROM notifications_suppression
WHERE scope IN ('not_handed_over', 'promise_passed', 'no_scan', 'carrier_exception', 'expected_late', 'likely_lost',
    'returned')
ORDER BY person, at
ON CONFLICT DO NOTHING;
INSERT INTO notifications_suppression (person, scope, reason, at)
SELECT person, 'order_updates', reason, at FROM notifications_suppression WHERE scope = 'held_for_pickup'
ON CONFLICT DO NOTHING;
DELETE FROM notifications_suppression WHERE scope NOT IN ('all', 'delay_notices', 'order_updates', 'back_on_track');
"""
TO_KINDS = """
INSERT INTO notifications_suppression (person, scope, reason, at)
SELECT person, kind, reason, at
FROM notifications_suppression, unnest(ARRAY['not_handed_over', 'promise_passed']) AS kind
WHERE scope = 'delay_notices'
ON CONFLICT DO NOTHING;
DELETE FROM notifications_suppression WHERE scope IN ('delay_notices', 'order_updates', 'back_on_track');
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0012_mail_texts")]
    operations = [
        migrations.AlterField(
            model_name="episode", name="kind", field=models.CharField(choices=KINDS, max_length=24)
        ),
        migrations.AlterField(
            model_name="episode",
            name="promised_by",
            field=models.DateTimeField(
                help_text="the promise that was broken, or the day that we named; of a milestone the moment that it "
                "happened"
            ),
        ),
        migrations.AlterField(model_name="rule", name="kind", field=models.CharField(choices=KINDS, max_length=24)),
        migrations.AlterField(
            model_name="skip",
            name="reason",
            field=models.CharField(
                choices=[
                    ("no_rule", "no active rule is about this kind of trouble"),
                    ("no_address", "the source gave no e-mail address"),
                    ("no_news", "the trouble was too old to be news to the customer"),
                    ("long_ago", "it had happened too long ago when we learned of it, or nobody says when"),
                    ("not_known", "the mail needs a fact that is not known"),
                ],
                max_length=24,
            ),
        ),
        migrations.AddConstraint(
            model_name="episode",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind__in", MILESTONES)),
                fields=("shipment", "kind"),
                name="one_episode_per_milestone",
            ),
        ),
        migrations.RunPython(make_rules, migrations.RunPython.noop),
        migrations.RunSQL(TO_CATEGORIES, TO_KINDS),
    ]
