"""The tables of the help centre, and what the database itself keeps true about them."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import uuid
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from core.migration_operations import CreateModels

# A revision is never changed...
FREEZE = """
CREATE FUNCTION kb_refuse_revision_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- The one change allowed: its author's account was removed.
    IF OLD.created_by_id IS NOT NULL AND NEW.created_by_id IS NULL THEN
        NEW.created_by_id := OLD.created_by_id;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            NEW.created_by_id := NULL;
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'revision % is frozen: make a new revision instead', OLD.id USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER revision_is_frozen BEFORE UPDATE ON kb_revision
    FOR EACH ROW EXECUTE FUNCTION kb_refuse_revision_change();
"""
THAW = "DROP TRIGGER revision_is_frozen ON kb_revision; DROP FUNCTION kb_refuse_revision_change();"

# ... nor removed...
KEEP = """
-- At the end of the transaction, so that a revision may go with its article and in no other way.
CREATE FUNCTION kb_refuse_revision_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM kb_article WHERE id = OLD.article_id) THEN
        RAISE EXCEPTION 'revision % is frozen: it is removed only with its article', OLD.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER revision_is_kept AFTER DELETE ON kb_revision DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION kb_refuse_revision_removal();
"""
LET_GO = "DROP TRIGGER revision_is_kept ON kb_revision; DROP FUNCTION kb_refuse_revision_removal();"

# ... nor emptied: TRUNCATE fires no row trigger. The tests' own database switches this one off by name
# (tests/conftest.py).
NEVER_EMPTIED = """
CREATE FUNCTION kb_refuse_revision_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'revisions are frozen: they are never emptied' USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER revision_no_truncate BEFORE TRUNCATE ON kb_revision
    FOR EACH STATEMENT EXECUTE FUNCTION kb_refuse_revision_truncate();
"""
MAY_BE_EMPTIED = """
DROP TRIGGER revision_no_truncate ON kb_revision;
DROP FUNCTION kb_refuse_revision_truncate();
"""

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

COUNT_CHANGES = """
-- Each change of what customers read is counted with its commit, whoever makes it. A slot belongs to few connections,
-- so that one edit does not wait for the end of another.
-- A change that is tried and taken back (kb/search/foresight.py) may take long: it counts in slots of its own, so that
-- nobody's publication waits for its end.
CREATE FUNCTION kb_count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kb_contentcount AS c (slot, changes) VALUES (pg_backend_pid() % 64 + coalesce(nullif(current_setting('preempt.slots_from', true), '')::int, 0), 1)
    ON CONFLICT (slot) DO UPDATE SET changes = c.changes + 1;
    RETURN NULL;
END $$;
"""
COUNTED = (
    "kb_article", "kb_category", "kb_categorytext", "kb_experiment", "kb_variant", "kb_notice", "kb_origin",
)
CHANGES_ARE_COUNTED = [
    migrations.RunSQL(
        f"CREATE TRIGGER change_is_counted AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION kb_count_change()",
        f"DROP TRIGGER change_is_counted ON {table}",
    )
    for table in COUNTED
]

COUNT_VOTES = """
-- A row for each text that somebody voted on, exact with every commit.
CREATE FUNCTION kb_count_vote() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        UPDATE kb_votecount SET votes = votes - 1, yes = yes - OLD.is_helpful::int WHERE revision_id = OLD.revision_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO kb_votecount AS c (revision_id, votes, yes) VALUES (NEW.revision_id, 1, NEW.is_helpful::int)
        ON CONFLICT (revision_id) DO UPDATE SET votes = c.votes + 1, yes = c.yes + NEW.is_helpful::int;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER vote_is_counted AFTER INSERT OR DELETE OR UPDATE OF is_helpful, revision_id ON kb_vote
    FOR EACH ROW EXECUTE FUNCTION kb_count_vote();
"""
NO_VOTES_COUNTED = "DROP TRIGGER vote_is_counted ON kb_vote; DROP FUNCTION kb_count_vote();"

WORDS = """
-- No SQL function: that would be put into the query, and its cost with it.
CREATE FUNCTION kb_draft_words(title text, summary text, body text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 20000 AS $$
BEGIN
    RETURN to_tsvector('pg_catalog.simple', title || ' ' || summary || ' ' || body);
END $$;
"""


class Migration(migrations.Migration):

    replaces = [
        ('kb', '0001_initial'),
        ('kb', '0002_frozen_revisions'),
        ('kb', '0003_search'),
        ('kb', '0004_postings'),
        ('kb', '0005_search_signal'),
        ('kb', '0006_index_job'),
        ('kb', '0007_pages'),
        ('kb', '0008_made_from'),
        ('kb', '0009_pictures'),
        ('kb', '0010_flow'),
        ('kb', '0011_care'),
        ('kb', '0012_pieces'),
        ('kb', '0013_search_tests'),
        ('kb', '0014_import_runs'),
        ('kb', '0015_care_again'),
        ('kb', '0016_vote_no_of_visitor'),
        ('kb', '0017_rules_and_draft_steps'),
        ('kb', '0018_revisions_no_truncate'),
    ]

    initial = True

    dependencies = [
        ('core', '0001_squashed_0011_orders_scopes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(WORDS, "DROP FUNCTION kb_draft_words(text, text, text)"),
        CreateModels(
            models=[
                migrations.CreateModel(
                    name='Category',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(unique=True)),
                        ('topic', models.SlugField()),
                        ('icon', models.SlugField(default='box')),
                        ('position', models.PositiveSmallIntegerField(default=0)),
                    ],
                    options={
                        'ordering': ['position', 'key'],
                    },
                ),
                migrations.CreateModel(
                    name='Article',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('translation_group', models.UUIDField(db_index=True, default=uuid.uuid4)),
                        ('locale', models.CharField(max_length=10)),
                        ('slug', models.SlugField(allow_unicode=True, max_length=120)),
                        ('state', models.CharField(choices=[('draft', 'Draft'), ('published', 'Published'), ('archived', 'Archived')], default='draft', max_length=12)),
                        ('version', models.PositiveIntegerField(default=0)),
                        ('source', models.CharField(blank=True, max_length=40)),
                        ('external_id', models.CharField(blank=True, max_length=200)),
                        ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('category', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='articles', to='kb.category')),
                        ('live_revision', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='kb.revision')),
                        ('visibility', models.CharField(choices=[('public', 'Everybody'), ('staff', 'Signed-in staff only')], default='public', max_length=8)),
                        ('reviewed_at', models.DateTimeField(blank=True, null=True)),
                        ('made_from', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.revision')),
                        ('leads_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.article')),
                        ('leads_to_category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.category')),
                        ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('review_by', models.DateField(blank=True, db_index=True, null=True)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('locale', 'slug'), name='article_slug_unique_in_locale'), models.UniqueConstraint(fields=('translation_group', 'locale'), name='one_article_per_group_and_locale'), models.UniqueConstraint(condition=models.Q(('external_id', ''), _negated=True), fields=('source', 'external_id', 'locale'), name='imported_article_unique'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'published'), _negated=True), ('live_revision__isnull', False), _connector='OR'), name='published_article_has_live_revision'), models.CheckConstraint(condition=models.Q(('leads_to__isnull', True), ('leads_to_category__isnull', True), _connector='OR'), name='archived_article_leads_to_one_place')],
                    },
                ),
                migrations.CreateModel(
                    name='Draft',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('title', models.CharField(max_length=200)),
                        ('summary', models.CharField(blank=True, max_length=300)),
                        ('body', models.TextField(blank=True)),
                        ('version', models.PositiveIntegerField(default=1)),
                        ('updated_at', models.DateTimeField()),
                        ('article', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='draft', to='kb.article')),
                        ('updated_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['-updated_at', 'article'], name='draft_newest'), models.Index(django.db.models.functions.text.Lower('title'), models.F('article'), name='draft_by_title'), django.contrib.postgres.indexes.GinIndex(models.Func('title', 'summary', 'body', function='kb_draft_words', output_field=django.contrib.postgres.search.SearchVectorField()), name='draft_words')],
                    },
                ),
                migrations.CreateModel(
                    name='Experiment',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=120)),
                        ('salt', models.UUIDField(default=uuid.uuid4, unique=True)),
                        ('state', models.CharField(choices=[('draft', 'Draft'), ('running', 'Running'), ('paused', 'Paused'), ('stopped', 'Stopped'), ('finished', 'Finished'), ('completed', 'Completed')], default='draft', max_length=12)),
                        ('allocation', models.FloatField(default=1.0, help_text='share of visitors in the test', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(1)])),
                        ('started_at', models.DateTimeField(null=True)),
                        ('ended_at', models.DateTimeField(null=True)),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='experiments', to='kb.article')),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['running', 'paused'])), fields=('article',), name='one_live_experiment_per_article'), models.CheckConstraint(condition=models.Q(('allocation__gte', 0), ('allocation__lte', 1)), name='allocation_is_a_share')],
                    },
                ),
                migrations.CreateModel(
                    name='IndexChange',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('article_id', models.BigIntegerField()),
                        ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('txid', models.BigIntegerField(db_default=models.Func(function='txid_current', output_field=models.BigIntegerField()))),
                    ],
                    options={
                        'indexes': [models.Index(fields=['txid'], name='index_change_by_txid')],
                    },
                ),
                migrations.CreateModel(
                    name='Redirect',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('locale', models.CharField(max_length=10)),
                        ('old_slug', models.SlugField(allow_unicode=True, max_length=120)),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='redirects', to='kb.article')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('locale', 'old_slug'), name='redirect_unique_in_locale')],
                    },
                ),
                migrations.CreateModel(
                    name='Revision',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('number', models.PositiveIntegerField()),
                        ('title', models.CharField(max_length=200)),
                        ('summary', models.CharField(blank=True, max_length=300)),
                        ('body', models.TextField(help_text='Markdown')),
                        ('html', models.TextField(help_text='the body rendered and made safe when the revision was frozen')),
                        ('text', models.TextField(help_text='the body without mark-up, for search')),
                        ('headings', models.JSONField(default=list, help_text='[[level, id, text], …] of the body, for the table of contents')),
                        ('comment', models.CharField(blank=True, max_length=300)),
                        ('is_major', models.BooleanField(default=False)),
                        ('created_at', models.DateTimeField()),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='revisions', to='kb.article')),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('summary_source', models.CharField(blank=True, max_length=300)),
                        ('title_source', models.CharField(blank=True, max_length=200)),
                    ],
                    options={
                        'ordering': ['-number'],
                        'constraints': [models.UniqueConstraint(fields=('article', 'number'), name='revision_number_unique_in_article')],
                    },
                ),
                migrations.CreateModel(
                    name='Variant',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('key', models.SlugField(max_length=20)),
                        ('weight', models.FloatField(default=1.0)),
                        ('is_control', models.BooleanField(default=False)),
                        ('experiment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='variants', to='kb.experiment')),
                        ('revision', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='variants', to='kb.revision')),
                    ],
                    options={
                        'ordering': ['key'],
                        'constraints': [models.UniqueConstraint(fields=('experiment', 'key'), name='variant_key_unique_in_experiment'), models.UniqueConstraint(condition=models.Q(('is_control', True)), fields=('experiment',), name='one_control_per_experiment'), models.CheckConstraint(condition=models.Q(('weight__gt', 0)), name='variant_weight_positive')],
                    },
                ),
                migrations.CreateModel(
                    name='Exposure',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('visitor', models.UUIDField()),
                        ('at', models.DateTimeField()),
                        ('experiment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exposures', to='kb.experiment')),
                        ('variant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exposures', to='kb.variant')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('experiment', 'visitor'), name='one_exposure_per_visitor_and_experiment')],
                    },
                ),
                migrations.CreateModel(
                    name='Vote',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('visitor', models.UUIDField()),
                        ('is_helpful', models.BooleanField()),
                        ('reason', models.CharField(blank=True, choices=[('not_my_question', 'It is not what I was looking for'), ('unclear', 'I did not understand it'), ('incomplete', 'Something is missing'), ('wrong', 'It is wrong or out of date'), ('did_not_work', 'I did it, and it did not work')], max_length=20)),
                        ('comment', models.CharField(blank=True, max_length=1000)),
                        ('at', models.DateTimeField()),
                        ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='votes', to='kb.revision')),
                        ('variant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='votes', to='kb.variant')),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('is_helpful', False)), fields=['visitor', 'at'], name='vote_no_of_visitor')],
                        'constraints': [models.UniqueConstraint(fields=('revision', 'visitor'), name='one_vote_per_visitor_and_revision')],
                    },
                ),
                migrations.CreateModel(
                    name='CategoryText',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('locale', models.CharField(max_length=10)),
                        ('slug', models.SlugField(max_length=80)),
                        ('name', models.CharField(max_length=80)),
                        ('description', models.CharField(blank=True, max_length=200)),
                        ('category', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='texts', to='kb.category')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('category', 'locale'), name='one_text_per_category_and_locale'), models.UniqueConstraint(fields=('locale', 'slug'), name='category_slug_unique_in_locale')],
                    },
                ),
                migrations.CreateModel(
                    name='ArticleVector',
                    fields=[
                        ('article', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='vector', serialize=False, to='kb.article')),
                        ('version', models.PositiveIntegerField(help_text='Article.version that it was made from')),
                        ('model', models.CharField(max_length=40)),
                        ('values', models.BinaryField(help_text='float32, length 1')),
                    ],
                ),
                migrations.CreateModel(
                    name='PopularQuery',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('locale', models.CharField(max_length=10)),
                        ('key', models.CharField(max_length=200)),
                        ('text', models.CharField(help_text='its most frequent spelling', max_length=200)),
                        ('visitors', models.PositiveIntegerField(help_text='how many found an answer by it')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('locale', 'key'), name='popular_query_unique_in_locale')],
                    },
                ),
                migrations.CreateModel(
                    name='SearchLog',
                    fields=[
                        ('id', models.UUIDField(default=uuid_utils.compat.uuid7, primary_key=True, serialize=False)),
                        ('at', models.DateTimeField()),
                        ('visitor', models.CharField(blank=True, max_length=64)),
                        ('kind', models.CharField(choices=[('page', 'Search page'), ('suggest', 'As you type'), ('api', 'API'), ('form', 'Contact form')], max_length=8)),
                        ('text', models.CharField(help_text='as typed, with addresses and long numbers masked', max_length=200)),
                        ('key', models.CharField(help_text='as queries are compared', max_length=200)),
                        ('locale', models.CharField(max_length=10)),
                        ('categories', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                        ('corrected', models.CharField(blank=True, max_length=200)),
                        ('is_verbatim', models.BooleanField(default=False, help_text='“search instead for …” was chosen')),
                        ('total', models.PositiveIntegerField()),
                        ('shown', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, help_text='article ids, best first', size=None)),
                        ('featured', models.BigIntegerField(blank=True, help_text='the article whose passage was shown on top', null=True)),
                        ('other_locale', models.CharField(blank=True, help_text='the language answered in, where not locale', max_length=10)),
                        ('engine', models.CharField(help_text='name/version, with +meaning where vectors took part', max_length=40)),
                        ('is_fallback', models.BooleanField(default=False, help_text='the chosen engine could not answer; the database did')),
                        ('took_ms', models.FloatField()),
                        ('error', models.CharField(blank=True, max_length=200)),
                        ('ranking', models.CharField(blank=True, max_length=8)),
                        ('reformulates', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.searchlog')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['at'], name='search_log_by_time'), models.Index(condition=models.Q(('visitor', ''), _negated=True), fields=['visitor', '-at'], name='search_log_by_visitor'), models.Index(fields=['locale', 'key', 'at'], name='search_log_by_key')],
                    },
                ),
                migrations.CreateModel(
                    name='SearchClick',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('article_id', models.BigIntegerField()),
                        ('position', models.PositiveSmallIntegerField(help_text='1 for the first answer; 0 for the featured passage')),
                        ('at', models.DateTimeField()),
                        ('search', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='clicks', to='kb.searchlog')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['article_id', 'at'], name='search_clicks_of_article')],
                        'constraints': [models.UniqueConstraint(fields=('search', 'article_id'), name='one_click_per_search_and_article')],
                    },
                ),
                migrations.CreateModel(
                    name='Synonym',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('locale', models.CharField(max_length=10)),
                        ('words', models.CharField(max_length=80)),
                        ('means', models.CharField(max_length=80)),
                        ('is_two_way', models.BooleanField(default=True)),
                        ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['locale', 'words', 'means'],
                        'constraints': [models.UniqueConstraint(fields=('locale', 'words', 'means'), name='synonym_unique_in_locale')],
                    },
                ),
                migrations.CreateModel(
                    name='Placement',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('locale', models.CharField(max_length=10)),
                        ('query', models.CharField(blank=True, help_text='as the editor wrote it', max_length=200)),
                        ('key', models.CharField(blank=True, max_length=200)),
                        ('kind', models.CharField(choices=[('pin', 'Pin on top'), ('hide', 'Hide')], max_length=4)),
                        ('position', models.PositiveSmallIntegerField(default=1)),
                        ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='placements', to='kb.article')),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['locale', 'key', 'kind', 'position'],
                        'constraints': [models.UniqueConstraint(fields=('locale', 'key', 'article'), name='one_placement_per_query_and_article'), models.CheckConstraint(condition=models.Q(models.Q(('key', ''), _negated=True), ('kind', 'hide'), _connector='OR'), name='placement_without_query_hides')],
                    },
                ),
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
                migrations.CreateModel(
                    name='SearchSignal',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('locale', models.CharField(max_length=10)),
                        ('key', models.CharField(blank=True, max_length=200)),
                        ('article_id', models.BigIntegerField()),
                        ('openings', models.PositiveIntegerField(help_text='as they were counted, without weights')),
                        ('reads', models.FloatField()),
                        ('confirmed', models.FloatField()),
                        ('contacted', models.FloatField()),
                        ('made_at', models.DateTimeField()),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('locale', 'key', 'article_id'), name='one_signal_per_query_and_article')],
                    },
                ),
                migrations.CreateModel(
                    name='IndexJob',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('rebuild', 'Rebuild'), ('verify', 'Check'), ('tests', 'Search tests')], max_length=8)),
                        ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                        ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('started_at', models.DateTimeField(blank=True, null=True)),
                        ('beat_at', models.DateTimeField(blank=True, help_text="the worker's last sign of life", null=True)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                        ('done', models.PositiveIntegerField(default=0, help_text='articles read or tests run so far')),
                        ('total', models.PositiveIntegerField(default=0)),
                        ('generation', models.PositiveBigIntegerField(default=0, help_text='of the index that a rebuild made')),
                        ('missing', models.PositiveIntegerField(default=0)),
                        ('stale', models.PositiveIntegerField(default=0)),
                        ('ghosts', models.PositiveIntegerField(default=0)),
                        ('error', models.CharField(blank=True, max_length=300)),
                        ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['kind', '-id'], name='index_job_by_kind')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['waiting', 'running'])), fields=('kind',), name='one_open_index_job_of_a_kind')],
                    },
                ),
                migrations.CreateModel(
                    name='ContentCount',
                    fields=[
                        ('slot', models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                        ('changes', models.BigIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name='Origin',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('path', models.CharField(help_text="begins with /, as in the shop's address", max_length=200, unique=True)),
                        ('created_at', models.DateTimeField()),
                        ('category', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='origins', to='kb.category')),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['path'],
                    },
                ),
                migrations.CreateModel(
                    name='CategoryRedirect',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('locale', models.CharField(max_length=10)),
                        ('old_slug', models.SlugField(max_length=80)),
                        ('category', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='redirects', to='kb.category')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('locale', 'old_slug'), name='category_redirect_unique')],
                    },
                ),
                migrations.CreateModel(
                    name='Notice',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('locale', models.CharField(blank=True, max_length=10)),
                        ('text', models.CharField(max_length=300)),
                        ('starts_at', models.DateTimeField()),
                        ('ends_at', models.DateTimeField(blank=True, help_text='empty: until somebody ends it', null=True)),
                        ('created_at', models.DateTimeField()),
                        ('article', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.article')),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-starts_at', '-pk'],
                        'constraints': [models.CheckConstraint(condition=models.Q(('ends_at__isnull', True), ('ends_at__gte', models.F('starts_at')), _connector='OR'), name='notice_ends_after_its_start')],
                    },
                ),
                migrations.CreateModel(
                    name='Picture',
                    fields=[
                        ('digest', models.CharField(help_text="of webp, SHA-256's first 32 hex digits", max_length=32, primary_key=True, serialize=False)),
                        ('width', models.PositiveSmallIntegerField(help_text='in pixels, of webp')),
                        ('height', models.PositiveSmallIntegerField()),
                        ('webp', models.BinaryField()),
                        ('half', models.BinaryField(help_text='half as wide, for phones; empty where `webp` is narrow itself')),
                        ('name', models.CharField(blank=True, help_text='of the file that was uploaded first', max_length=100)),
                        ('uploaded_at', models.DateTimeField()),
                        ('unused_since', models.DateTimeField(help_text='when no text was found to show it; null while one does. After 30 days it goes', null=True)),
                        ('uploaded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-uploaded_at', 'digest'],
                    },
                ),
                migrations.CreateModel(
                    name='DraftEditor',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('at', models.DateTimeField(help_text='of their latest change')),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='draft_editors', to='kb.article')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('article', 'user'), name='one_draft_editor_per_person')],
                    },
                ),
                migrations.CreateModel(
                    name='EditingLock',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('since', models.DateTimeField()),
                        ('seen_at', models.DateTimeField()),
                        ('article', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='editing_lock', to='kb.article')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                ),
                migrations.CreateModel(
                    name='Plan',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('publish', 'Publish'), ('archive', 'Archive')], max_length=8)),
                        ('at', models.DateTimeField()),
                        ('state', models.CharField(choices=[('waiting', 'Planned'), ('done', 'Done'), ('failed', 'Could not be done'), ('cancelled', 'Cancelled')], default='waiting', max_length=10)),
                        ('reason', models.CharField(blank=True, help_text='why it failed or was cancelled', max_length=500)),
                        ('made_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='plans', to='kb.article')),
                        ('leads_to', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.article')),
                        ('leads_to_category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.category')),
                        ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('revision', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kb.revision')),
                    ],
                    options={
                        'ordering': ['at', 'pk'],
                        'indexes': [models.Index(condition=models.Q(('state', 'waiting')), fields=['at'], name='plan_due')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state__in', ['waiting', 'failed'])), fields=('article', 'kind'), name='one_standing_plan_per_article_and_kind'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'publish'), _negated=True), ('revision__isnull', False), _connector='OR'), name='planned_publication_has_its_text')],
                    },
                ),
                migrations.CreateModel(
                    name='Remark',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('quote', models.CharField(blank=True, help_text='words of the text; empty: about all of it', max_length=300)),
                        ('text', models.CharField(max_length=2000)),
                        ('at', models.DateTimeField()),
                        ('resolved_at', models.DateTimeField(blank=True, null=True)),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='remarks', to='kb.article')),
                        ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='kb.remark')),
                        ('resolved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('revision', models.ForeignKey(help_text='that was read', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kb.revision')),
                    ],
                    options={
                        'ordering': ['at', 'pk'],
                    },
                ),
                migrations.CreateModel(
                    name='Review',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('state', models.CharField(choices=[('open', 'In review'), ('approved', 'Approved'), ('sent_back', 'Sent back'), ('withdrawn', 'Withdrawn'), ('replaced', 'Replaced')], default='open', max_length=12)),
                        ('asked_at', models.DateTimeField()),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                        ('reason', models.CharField(blank=True, help_text='why it was sent back', max_length=1000)),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='kb.article')),
                        ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('assignee', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('ended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='kb.revision')),
                    ],
                    options={
                        'ordering': ['-asked_at', '-pk'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('article',), name='one_open_review_per_article')],
                    },
                ),
                migrations.CreateModel(
                    name='RevisionAuthor',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='authors', to='kb.revision')),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('revision', 'user'), name='one_author_per_revision_and_person')],
                    },
                ),
                migrations.CreateModel(
                    name='ArticleLink',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('kind', models.CharField(choices=[('article', 'Article'), ('category', 'Category'), ('page', 'Page of this site'), ('external', 'Other site'), ('picture', 'Picture')], max_length=8)),
                        ('address', models.CharField(help_text='as it stands in the HTML, without a #part', max_length=2000)),
                        ('reference', models.CharField(blank=True, help_text='of an article or category: what it is named by', max_length=200)),
                        ('text', models.CharField(blank=True, help_text="its words, or a picture's alternative text", max_length=200)),
                        ('state', models.CharField(choices=[('unchecked', 'Not checked yet'), ('ok', 'Works'), ('moved', 'Works, by an old address'), ('unsure', 'Cannot be checked'), ('failing', 'Failed once'), ('broken', 'Broken')], default='unchecked', max_length=9)),
                        ('trouble', models.CharField(blank=True, choices=[('no_article', 'No article has this address'), ('not_published', 'The article is not published'), ('archived', 'The article is archived'), ('led_on', 'The article is archived; its readers are led on'), ('staff_only', 'Only staff may read the article'), ('no_category', 'No category has this address'), ('answered', 'The site answers with an error'), ('no_host', 'The name of the site is not known'), ('no_answer', 'The site does not answer in time'), ('refused', 'The site takes no connection'), ('insecure', "The site's certificate is not valid"), ('inside', 'The address lies inside a network: nobody outside can open it'), ('bad_address', 'This is no address that a browser can open'), ('roundabout', 'It sends from one address to the next without end'), ('guarded', 'The site lets no program look; a person may well open it')], max_length=13)),
                        ('status', models.PositiveSmallIntegerField(help_text='HTTP status of the last answer', null=True)),
                        ('checked_at', models.DateTimeField(null=True)),
                        ('failed_on', models.DateField(help_text='the first day of the failures that go on', null=True)),
                        ('next_check_at', models.DateTimeField(null=True)),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='links', to='kb.article')),
                        ('target', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='links_here', to='kb.article')),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('reference', ''), _negated=True), fields=['reference'], name='link_by_reference'), models.Index(condition=models.Q(('state', 'broken')), fields=['article'], name='link_broken'), models.Index(condition=models.Q(('next_check_at__isnull', False)), fields=['next_check_at'], name='link_to_check'), models.Index(condition=models.Q(('next_check_at__isnull', False)), fields=['address'], name='link_by_address')],
                        'constraints': [models.UniqueConstraint(fields=('article', 'kind', 'address'), name='link_once_per_article')],
                    },
                ),
                migrations.CreateModel(
                    name='ArticleResult',
                    fields=[
                        ('article', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='result', serialize=False, to='kb.article')),
                        ('views', models.PositiveIntegerField()),
                        ('last_read_at', models.DateTimeField(help_text='ever, not only since `since`', null=True)),
                        ('readers', models.PositiveIntegerField(help_text='mature journeys whose last read it was')),
                        ('confirmed', models.PositiveIntegerField(help_text='of the readers, those who said it helped and did not contact us')),
                        ('linkable', models.PositiveIntegerField(help_text='of the readers, those of whom a contact would be known')),
                        ('contacts_after_read', models.PositiveIntegerField(help_text='of the linkable ones, those who contacted us about it')),
                        ('since', models.DateTimeField()),
                        ('as_of', models.DateTimeField()),
                    ],
                    options={
                        'indexes': [models.Index(fields=['-contacts_after_read'], name='result_by_contacts')],
                    },
                ),
                migrations.CreateModel(
                    name='BulkChange',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                        ('action', models.CharField(choices=[('archive', 'Archive'), ('owner', 'Change the owner'), ('category', 'Move to another category'), ('review', 'Set the review date')], max_length=8)),
                        ('value', models.JSONField(default=dict)),
                        ('articles', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='in the order of the list they were chosen from', size=None)),
                        ('state', models.CharField(choices=[('planned', 'Not done yet'), ('running', 'Being done'), ('done', 'Done')], default='planned', max_length=8)),
                        ('made_at', models.DateTimeField()),
                        ('started_at', models.DateTimeField(null=True)),
                        ('ended_at', models.DateTimeField(null=True)),
                        ('by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'indexes': [models.Index(condition=models.Q(('state', 'done'), _negated=True), fields=['made_at'], name='bulk_not_done')],
                    },
                ),
                migrations.CreateModel(
                    name='BulkOutcome',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('article_id', models.BigIntegerField()),
                        ('title', models.CharField(max_length=200)),
                        ('is_done', models.BooleanField()),
                        ('why_not', models.CharField(blank=True, max_length=300)),
                        ('bulk', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='outcomes', to='kb.bulkchange')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('bulk', 'article_id'), name='one_outcome_per_bulk_and_article')],
                    },
                ),
                migrations.CreateModel(
                    name='ReviewReminder',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('review_by', models.DateField()),
                        ('number', models.PositiveSmallIntegerField(default=1)),
                        ('sent_at', models.DateTimeField()),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to='kb.article')),
                        ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('article', 'owner', 'review_by', 'number'), name='one_reminder_per_date_and_number')],
                    },
                ),
                migrations.CreateModel(
                    name='VoteCount',
                    fields=[
                        ('revision', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='vote_count', serialize=False, to='kb.revision')),
                        ('yes', models.PositiveIntegerField(default=0)),
                        ('votes', models.PositiveIntegerField(default=0)),
                    ],
                ),
                migrations.CreateModel(
                    name='Piece',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('sort', models.CharField(choices=[('fact', 'Fact'), ('block', 'Block')], max_length=5)),
                        ('key', models.SlugField(max_length=60)),
                        ('kind', models.CharField(choices=[('duration', 'Length of time'), ('time', 'Time of day'), ('money', 'Amount of money'), ('date', 'Date'), ('text', 'Words'), ('markdown', 'Markdown')], max_length=8)),
                        ('name', models.CharField(max_length=80)),
                        ('created_at', models.DateTimeField()),
                        ('archived_at', models.DateTimeField(blank=True, null=True)),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['name', 'pk'],
                        'constraints': [models.UniqueConstraint(fields=('sort', 'key'), name='piece_key_unique_in_sort'), models.CheckConstraint(condition=models.Q(models.Q(('kind', 'markdown'), ('sort', 'block')), models.Q(('sort', 'fact'), models.Q(('kind', 'markdown'), _negated=True)), _connector='OR'), name='piece_kind_fits_sort')],
                    },
                ),
                migrations.CreateModel(
                    name='PieceVersion',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('values', models.JSONField()),
                        ('effective_at', models.DateTimeField()),
                        ('created_at', models.DateTimeField()),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('piece', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='kb.piece')),
                    ],
                    options={
                        'ordering': ['-effective_at', '-pk'],
                        'indexes': [models.Index(condition=models.Q(('withdrawn_at', None)), fields=['piece', '-effective_at', '-id'], name='piece_version_in_force')],
                    },
                ),
                migrations.CreateModel(
                    name='PieceUse',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('piece', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='uses', to='kb.piece')),
                        ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='piece_uses', to='kb.revision')),
                        ('version', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='kb.pieceversion')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('revision', 'piece'), name='one_use_per_revision_and_piece')],
                    },
                ),
                migrations.CreateModel(
                    name='SearchTest',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('locale', models.CharField(max_length=10)),
                        ('query', models.CharField(help_text='as customers type it', max_length=200)),
                        ('top', models.PositiveSmallIntegerField(default=3)),
                        ('note', models.CharField(blank=True, help_text='why it matters', max_length=200)),
                        ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('removed_at', models.DateTimeField(blank=True, null=True)),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='search_tests', to='kb.article')),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['locale', 'query', 'pk'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('removed_at', None)), fields=('locale', 'query', 'article'), name='one_search_test_per_query_and_article'), models.CheckConstraint(condition=models.Q(('top__gte', 1), ('top__lte', 10)), name='search_test_top_is_on_the_first_page')],
                    },
                ),
                migrations.CreateModel(
                    name='SearchTestOutcome',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('position', models.PositiveSmallIntegerField(help_text='of the article among the answers, 1 first', null=True)),
                        ('top', models.PositiveSmallIntegerField(help_text='what the test asked for then')),
                        ('is_passed', models.BooleanField()),
                        ('test', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='outcomes', to='kb.searchtest')),
                        ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='outcomes', to='kb.searchtestrun')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['test', '-id'], name='search_test_outcomes')],
                        'constraints': [models.UniqueConstraint(fields=('run', 'test'), name='one_outcome_per_search_test_and_run')],
                    },
                ),
                migrations.CreateModel(
                    name='SearchTestRun',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('at', models.DateTimeField()),
                        ('why', models.CharField(choices=[('change', 'After a change'), ('nightly', 'Nightly'), ('asked', 'Asked for')], max_length=8)),
                        ('locale', models.CharField(blank=True, help_text='empty: all languages', max_length=10)),
                        ('tests', models.PositiveIntegerField()),
                        ('failing', models.PositiveIntegerField()),
                        ('engine', models.CharField(max_length=40)),
                        ('took_ms', models.FloatField()),
                        ('state', models.CharField(help_text='digest of all that the outcome depends on; empty: a part only', max_length=32)),
                        ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-pk'],
                    },
                ),
                migrations.CreateModel(
                    name='ImportFile',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=200)),
                        ('size', models.PositiveBigIntegerField()),
                        ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                ),
                migrations.CreateModel(
                    name='ImportMark',
                    fields=[
                        ('article', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='import_mark', serialize=False, to='kb.article')),
                        ('file_hash', models.CharField(help_text='of all that the file said', max_length=64)),
                        ('text_hash', models.CharField(help_text='of title, summary and body as they were stored', max_length=64)),
                        ('imported_at', models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name='ImportRun',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='waiting', max_length=8)),
                        ('name', models.CharField(help_text='of the file or folder', max_length=200)),
                        ('format', models.CharField(help_text='as asked for, until it is found out', max_length=12)),
                        ('source', models.CharField(max_length=40)),
                        ('locale', models.CharField(help_text='of rows that name none', max_length=10)),
                        ('locale_map', models.JSONField(default=dict, help_text="the file's word for a language → ours")),
                        ('as_drafts', models.BooleanField(default=False, help_text='nothing is published, whatever the file says')),
                        ('overwrites', models.BooleanField(default=False, help_text='what was changed on the desk since')),
                        ('is_dry', models.BooleanField(default=True)),
                        ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('started_at', models.DateTimeField(blank=True, null=True)),
                        ('beat_at', models.DateTimeField(blank=True, help_text='the last sign of life of who is at it', null=True)),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                        ('done', models.PositiveIntegerField(default=0, help_text='rows looked at')),
                        ('total', models.PositiveIntegerField(default=0, help_text='rows, about')),
                        ('new', models.PositiveIntegerField(default=0)),
                        ('changed', models.PositiveIntegerField(default=0)),
                        ('unchanged', models.PositiveIntegerField(default=0)),
                        ('conflicts', models.PositiveIntegerField(default=0)),
                        ('refused', models.PositiveIntegerField(default=0)),
                        ('error', models.CharField(blank=True, max_length=500)),
                        ('note', models.CharField(blank=True, max_length=500)),
                        ('asked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('file', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='runs', to='kb.importfile')),
                        ('search_tests', models.JSONField(default=dict, help_text='of a dry run: import_foresight.told')),
                    ],
                    options={
                        'ordering': ['-pk'],
                    },
                ),
                migrations.CreateModel(
                    name='ImportFilePart',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('number', models.PositiveIntegerField()),
                        ('content', models.BinaryField()),
                        ('file', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='kb.importfile')),
                    ],
                    options={
                        'ordering': ['number'],
                        'constraints': [models.UniqueConstraint(fields=('file', 'number'), name='import_file_part_unique')],
                    },
                ),
                migrations.CreateModel(
                    name='ImportRow',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('number', models.PositiveIntegerField(help_text='counted over all files of the run, from 1')),
                        ('outcome', models.CharField(choices=[('new', 'New'), ('changed', 'Changed'), ('unchanged', 'Unchanged'), ('conflict', 'Conflict'), ('refused', 'Refused')], max_length=10)),
                        ('file', models.CharField(max_length=300)),
                        ('row', models.PositiveIntegerField(default=0, help_text='0 where the file as a whole is meant')),
                        ('external_id', models.CharField(blank=True, max_length=200)),
                        ('locale', models.CharField(blank=True, max_length=40)),
                        ('title', models.CharField(blank=True, max_length=200)),
                        ('findings', models.JSONField(default=list)),
                        ('article', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kb.article')),
                        ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rows', to='kb.importrun')),
                    ],
                    options={
                        'ordering': ['number'],
                        'constraints': [models.UniqueConstraint(fields=('run', 'number'), name='import_row_unique_in_run')],
                    },
                ),
                migrations.CreateModel(
                    name='OldAddress',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('path', models.CharField(help_text='as kb.old_addresses.key writes it', max_length=500, unique=True)),
                        ('locale', models.CharField(max_length=10)),
                        ('article', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='old_addresses', to='kb.article')),
                        ('category', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='old_addresses', to='kb.category')),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('article__isnull', True), ('category__isnull', True), _connector='XOR'), name='old_address_leads_to_one')],
                    },
                ),
                migrations.CreateModel(
                    name='DraftStep',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('version', models.PositiveIntegerField(help_text='of the draft before the save')),
                        ('title', models.CharField(help_text='before the save; null: the same as after', max_length=200, null=True)),
                        ('summary', models.CharField(help_text='as `title`', max_length=300, null=True)),
                        ('start', models.PositiveIntegerField(help_text='in the body, in characters: where it differs')),
                        ('length', models.PositiveIntegerField(help_text='of what stands there after the save, in characters')),
                        ('was', models.TextField(blank=True, help_text='what stood there before the save')),
                        ('article', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='draft_steps', to='kb.article')),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(fields=('article', 'version'), name='one_step_per_draft_version')],
                    },
                ),
                migrations.CreateModel(
                    name='PublishingRules',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('four_eyes', models.BooleanField(default=False, help_text='nobody publishes a text that they have written')),
                        ('changed_at', models.DateTimeField(blank=True, null=True)),
                        ('changed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'constraints': [models.CheckConstraint(condition=models.Q(('pk', 1)), name='one_row_of_publishing_rules')],
                    },
                ),
            ],
        ),
        migrations.RunSQL(READ_FROM_THE_INDEX_ALONE, migrations.RunSQL.noop),
        migrations.RunSQL(FREEZE, THAW),
        migrations.RunSQL(KEEP, LET_GO),
        migrations.RunSQL(NEVER_EMPTIED, MAY_BE_EMPTIED),
        migrations.RunSQL(COUNT_CHANGES, "DROP FUNCTION kb_count_change()"),
        *CHANGES_ARE_COUNTED,
        migrations.RunSQL(COUNT_VOTES, NO_VOTES_COUNTED),
    ]
