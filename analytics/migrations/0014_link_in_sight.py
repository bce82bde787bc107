from django.db import migrations, models


def settle_all(apps, schema_editor):
    """The next run looks at everything again: journeys may have begun at an order's page."""
    apps.get_model("analytics", "SettlingMark").objects.update(txid=0)


class Migration(migrations.Migration):

    dependencies = [
        ('analytics', '0013_journey_months'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='link_seen',
            field=models.BooleanField(help_text='of a stay: whether a link to the contact form was in sight', null=True),
        ),
        migrations.AlterField(
            model_name='journey',
            name='entry',
            field=models.CharField(blank=True, db_default='', help_text='the kind of its first event; order: of a look just before', max_length=10),
        ),
        migrations.AlterField(
            model_name='journeyday',
            name='entry',
            field=models.CharField(blank=True, db_default='', help_text="the journey's", max_length=10),
        ),
        migrations.AlterField(
            model_name='journeymonth',
            name='entry',
            field=models.CharField(blank=True, db_default='', help_text="the journey's", max_length=10),
        ),
        migrations.RunPython(settle_all, migrations.RunPython.noop),
        migrations.CreateModel(
            name='LinkDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('page', models.CharField(help_text='help (home and topics), search or read', max_length=10)),
                ('views', models.IntegerField()),
                ('told', models.IntegerField(help_text='pages that said whether it was in sight before they were put away')),
                ('seen', models.IntegerField(help_text='of these: it was')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('day', 'page'), name='link_day_once')],
            },
        ),
        migrations.AlterField(
            model_name='event',
            name='kind',
            field=models.CharField(choices=[('help', 'opened the help centre'), ('search', 'searched'), ('read', 'read an article'), ('vote', 'voted'), ('form', 'opened the contact form'), ('suggested', 'was shown suggestions'), ('answered', 'said a suggestion was the answer'), ('contact', 'contacted us'), ('order', 'looked at an order'), ('stayed', 'stayed on a page')], max_length=10),
        ),
    ]
