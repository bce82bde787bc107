import django.contrib.postgres.fields
from django.db import migrations, models

from kb.search import postings
from kb.search.engine import Document, body_of

# Searches read nothing but this index; that holds for pages without recent changes, so vacuum comes often.
READ_FROM_THE_INDEX_ALONE = """
ALTER TABLE kb_posting DROP CONSTRAINT kb_posting_pkey;
ALTER TABLE kb_posting ADD PRIMARY KEY (lang, term, field, article_id) INCLUDE (count);
ALTER TABLE kb_posting SET (
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05
);
ALTER TABLE kb_lexiconchange SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
"""


def index_published(apps, schema_editor):
    """What was published before there were postings."""
    rows = (
        apps.get_model("kb", "Article")
        .objects.filter(state="published")
        .values_list(
            "pk", "version", "locale", "live_revision__title", "live_revision__summary", "live_revision__text",
            "live_revision__headings", "category_id", "visibility",
        )
    )
    if not rows.exists():
        return  # a new shop
    docs = (
        Document(pk, version, lang, title, body_of(summary, text, [heading[2] for heading in headings]), category, visibility)
        for pk, version, lang, title, summary, text, headings, category, visibility in rows.iterator(chunk_size=500)
    )
    postings.rebuild(docs, position=None, using=schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ('kb', '0003_search'),
    ]

    operations = [
        migrations.CreateModel(
            name='IndexStep',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('changes', models.BigIntegerField()),
                ('position', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='LexiconWord',
            fields=[
                ('pk', models.CompositePrimaryKey('lang', 'word', blank=True, editable=False, primary_key=True, serialize=False)),
                ('lang', models.CharField(db_collation='C', max_length=10)),
                ('word', models.CharField(db_collation='C', max_length=80)),
                ('documents', models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='IndexedArticle',
            fields=[
                ('article_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('version', models.BigIntegerField()),
                ('lang', models.CharField(db_collation='C', max_length=10)),
                ('category_id', models.BigIntegerField()),
                ('visibility', models.CharField(db_collation='C', max_length=8)),
                ('title_length', models.IntegerField(help_text='in words')),
                ('body_length', models.IntegerField(help_text='in words')),
                ('words', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text="each once, as written: the article's share of the lexicon", size=None)),
                ('gist', models.JSONField(help_text='[[stem, how often], …] of its most frequent telling words')),
            ],
            options={
                'indexes': [models.Index(fields=['lang', 'article_id'], include=('version', 'category_id', 'visibility', 'title_length', 'body_length'), name='indexed_article_by_lang')],
            },
        ),
        migrations.CreateModel(
            name='LexiconChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('lang', models.CharField(db_collation='C', max_length=10)),
                ('word', models.CharField(db_collation='C', max_length=80)),
                ('change', models.IntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['lang'], name='lexicon_change_by_lang')],
            },
        ),
        migrations.CreateModel(
            name='Posting',
            fields=[
                ('pk', models.CompositePrimaryKey('lang', 'term', 'field', 'article_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('lang', models.CharField(db_collation='C', max_length=10)),
                ('term', models.CharField(db_collation='C', max_length=80)),
                ('field', models.SmallIntegerField(help_text='its place in kb.search.scoring.FIELD_WEIGHTS: 0 title, 1 body')),
                ('article_id', models.BigIntegerField()),
                ('count', models.SmallIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['article_id'], name='posting_by_article')],
            },
        ),
        migrations.CreateModel(
            name='TitleWord',
            fields=[
                ('pk', models.CompositePrimaryKey('lang', 'word', 'article_id', blank=True, editable=False, primary_key=True, serialize=False)),
                ('lang', models.CharField(db_collation='C', max_length=10)),
                ('word', models.CharField(db_collation='C', max_length=80)),
                ('article_id', models.BigIntegerField()),
                ('place', models.SmallIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['article_id'], name='title_word_by_article')],
            },
        ),
        migrations.RunSQL(READ_FROM_THE_INDEX_ALONE, migrations.RunSQL.noop),
        migrations.RunPython(index_published, migrations.RunPython.noop),
    ]
