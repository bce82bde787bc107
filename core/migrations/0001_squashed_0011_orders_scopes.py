"""Celery's queues, the roles, and the tables of core."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from core.migration_operations import CreateModels
from core.roles import ALL

# What `manage.py createcachetable` would make, so that nobody has to remember to call it.
CACHE = """
CREATE TABLE IF NOT EXISTS core_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY, value text NOT NULL, expires timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS core_cache_expires ON core_cache (expires);
"""

# Entries of the audit log are never changed, and removed only by core_audit_forget(). The one change that is let
# through is `by` becoming NULL, where an account is deleted (the name stays in `by_name`).
AUDIT_GUARD = """
CREATE FUNCTION core_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.by_id IS NULL AND to_jsonb(NEW) - 'by_id' = to_jsonb(OLD) - 'by_id' THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'an entry of the audit log is never changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF current_setting('preempt.audit_forgets', true) = 'yes' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'an entry of the audit log is removed by core_audit_forget() alone'
        USING ERRCODE = 'restrict_violation', HINT = 'manage.py forget_audit --older-than DAYS';
END
$$;
CREATE TRIGGER core_audit_guard BEFORE UPDATE OR DELETE ON core_auditentry
    FOR EACH ROW EXECUTE FUNCTION core_audit_guard();

CREATE FUNCTION core_audit_forget(before timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    removed bigint;
BEGIN
    PERFORM set_config('preempt.audit_forgets', 'yes', true);
    DELETE FROM core_auditentry WHERE at < before;
    GET DIAGNOSTICS removed = ROW_COUNT;
    PERFORM set_config('preempt.audit_forgets', 'no', true);
    RETURN removed;
END
$$;

CREATE FUNCTION core_audit_words(label text, detail jsonb) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURNS NULL ON NULL INPUT AS $$
    SELECT to_tsvector('simple'::regconfig, regexp_replace(label || ' ' || detail::text, '[^[:alnum:]_]+', ' ', 'g'))
$$;
CREATE INDEX audit_words ON core_auditentry USING gin (core_audit_words(label, detail));

-- By this index and no other: the planner takes a word that it does not know for one in two hundred rows, reads the
-- entries from the newest on, and takes apart the words of a million of them.
CREATE FUNCTION core_audit_having(question tsquery, most integer) RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_indexscan = off AS $$
BEGIN
    RETURN QUERY SELECT id FROM core_auditentry WHERE core_audit_words(label, detail) @@ question LIMIT most;
END
$$;
"""
NO_AUDIT_GUARD = """
DROP FUNCTION core_audit_having(tsquery, integer);
DROP INDEX audit_words;
DROP FUNCTION core_audit_words(text, jsonb);
DROP FUNCTION core_audit_forget(timestamptz);
DROP TRIGGER core_audit_guard ON core_auditentry;
DROP FUNCTION core_audit_guard();
"""

# TRUNCATE fires no row trigger, so entries are guarded against it by a trigger of their own. CASCADE from another table
# (auth_user, say) is refused by it, too. `manage.py flush` is, therefore: whoever really means to empty a database drops
# it. The tests' own database switches the trigger off by name (tests/conftest.py).
AUDIT_IS_NEVER_EMPTIED = """
CREATE FUNCTION core_audit_refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is never emptied'
        USING ERRCODE = 'restrict_violation', HINT = 'manage.py forget_audit --older-than DAYS';
END
$$;
CREATE TRIGGER core_audit_no_truncate BEFORE TRUNCATE ON core_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION core_audit_refuse_truncate();
"""
AUDIT_MAY_BE_EMPTIED = """
DROP TRIGGER core_audit_no_truncate ON core_auditentry;
DROP FUNCTION core_audit_refuse_truncate();
"""


def install_pgmq(apps, schema_editor):
    """Celery's broker tables: PGMQ's plain SQL. No extension, no superuser: CREATE on the database is enough.

    Also where BROKER_URL names another broker, so that taking it away again needs nothing else. Nothing is done where
    the schema is there already (CREATE EXTENSION pgmq, or an earlier install).
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("select to_regnamespace('pgmq') is not null")
        if cursor.fetchone()[0]:
            return
        from pgmq.install import get_embedded_install_sql

        # Past Django's cursor: the script holds many statements and percent signs.
        cursor.connection.execute(get_embedded_install_sql())


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for name in ALL:
        Group.objects.get_or_create(name=name)


class Migration(migrations.Migration):

    replaces = [
        ('core', '0001_pgmq'),
        ('core', '0002_roles'),
        ('core', '0003_ratelimit'),
        ('core', '0004_api_keys'),
        ('core', '0005_brand'),
        ('core', '0006_audit'),
        ('core', '0007_accounts'),
        ('core', '0008_audit_guard'),
        ('core', '0009_password_links'),
        ('core', '0010_audit_no_truncate'),
        ('core', '0011_orders_scopes'),
    ]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        # These come first, or each of their steps would make the classes of all our models anew.
        ('account', '0009_emailaddress_unique_primary_email'),
        ('mfa', '0003_authenticator_type_uniq'),
        ('socialaccount', '0006_alter_socialaccount_extra_data'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Going back leaves the schema: queues may hold work.
        migrations.RunPython(install_pgmq, migrations.RunPython.noop),
        migrations.RunPython(make_groups, migrations.RunPython.noop),
        migrations.RunSQL(CACHE, "DROP TABLE core_cache"),
        CreateModels(
            models=[
                migrations.CreateModel(
                    name='RateWindow',
                    fields=[
                        ('key', models.CharField(max_length=200, primary_key=True, serialize=False)),
                        ('hits', models.PositiveIntegerField()),
                        ('ends_at', models.DateTimeField(db_index=True)),
                    ],
                ),
                migrations.CreateModel(
                    name='ApiKey',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('name', models.CharField(max_length=80)),
                        ('prefix', models.CharField(help_text='how the key begins, to tell keys apart', max_length=16)),
                        ('digest', models.CharField(help_text='SHA-256 of the key, hex', max_length=64, unique=True)),
                        ('scopes', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('search:read', 'Search, with the articles for staff and the reasons behind each answer'), ('orders:write', 'Send orders, shipments and tracking events'), ('orders:read', 'Read orders, their parcels and their troubles')], max_length=40), size=None)),
                        ('created_at', models.DateTimeField()),
                        ('last_used_at', models.DateTimeField(blank=True, help_text='to the minute', null=True)),
                        ('revoked_at', models.DateTimeField(blank=True, null=True)),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-created_at', '-pk'],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('revoked_at', None)), fields=('name',), name='one_live_api_key_per_name')],
                    },
                ),
                migrations.CreateModel(
                    name='BrandImage',
                    fields=[
                        ('digest', models.CharField(help_text='SHA-256 of png, hex: the same file, the same row', max_length=64, primary_key=True, serialize=False)),
                        ('width', models.PositiveSmallIntegerField(help_text='in pixels, of webp and png')),
                        ('height', models.PositiveSmallIntegerField()),
                        ('darkest', models.FloatField(help_text='relative luminance (WCAG) under which a fifth of the ink lies, 0 to 1')),
                        ('lightest', models.FloatField(help_text='relative luminance over which a fifth of the ink lies, 0 to 1')),
                        ('has_own_ground', models.BooleanField(help_text='nothing of it is transparent')),
                        ('webp', models.BinaryField()),
                        ('png', models.BinaryField(help_text='for e-mails, since mail programs do not show WebP')),
                        ('icon', models.BinaryField(help_text='PNG, 64 pixels square; empty where the logo is too wide to be an icon')),
                        ('touch_icon', models.BinaryField(help_text='PNG, 180 pixels square, on white; empty as `icon` is')),
                        ('made_at', models.DateTimeField()),
                    ],
                ),
                migrations.CreateModel(
                    name='Brand',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('after', models.BigIntegerField(help_text='the row that this one replaced, 0 for the first: one line, no forks', unique=True)),
                        ('name', models.CharField(blank=True, max_length=60)),
                        ('mail_sender', models.CharField(blank=True, max_length=60)),
                        ('accent', models.CharField(blank=True, help_text='#rrggbb', max_length=7)),
                        ('hero', models.CharField(blank=True, help_text='#rrggbb', max_length=7)),
                        ('support_email', models.CharField(blank=True, max_length=254)),
                        ('support_hours', models.CharField(blank=True, max_length=120)),
                        ('links', models.JSONField(default=list, help_text='of the footer: [{"label": ..., "url": ...}], at most 6')),
                        ('made_at', models.DateTimeField()),
                        ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('logo', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.brandimage')),
                        ('logo_dark', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='core.brandimage')),
                    ],
                    options={
                        'ordering': ['-pk'],
                    },
                ),
                migrations.CreateModel(
                    name='AuditEntry',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('at', models.DateTimeField()),
                        ('by_name', models.CharField(blank=True, help_text='as it was then; empty: the product itself', max_length=150)),
                        ('action', models.CharField(help_text='thing.done, e.g. article.published', max_length=60)),
                        ('target_type', models.CharField(blank=True, help_text='app.model of what it was done to', max_length=60)),
                        ('target_id', models.CharField(blank=True, max_length=64)),
                        ('label', models.CharField(blank=True, help_text='what a person calls the target', max_length=200)),
                        ('detail', models.JSONField(default=dict, help_text="what else explains it; no secrets, no customers' data")),
                        ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-at', '-pk'],
                        'indexes': [models.Index(fields=['-at', '-id'], name='audit_newest'), models.Index(fields=['target_type', 'target_id', '-at'], name='audit_of_target'), models.Index(fields=['by_name', '-at', '-id'], name='audit_of_person'), models.Index(fields=['action', '-at', '-id'], name='audit_of_action')],
                    },
                ),
                migrations.CreateModel(
                    name='DeskSession',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('session_key', models.CharField(help_text='of django_session, which may be gone', max_length=40, unique=True)),
                        ('browser', models.CharField(blank=True, help_text='as it calls itself', max_length=200)),
                        ('began_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ('seen_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='to the minute')),
                        ('ended_at', models.DateTimeField(blank=True, help_text='signed out, or ended by somebody', null=True)),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='desk_sessions', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'indexes': [models.Index(fields=['user', '-seen_at'], name='desk_session_seen')],
                    },
                ),
                migrations.CreateModel(
                    name='Invitation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('email', models.EmailField(blank=True, help_text="where the link was sent; becomes the account's address", max_length=254)),
                        ('roles', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), help_text='of core.roles.ALL; what the account will have', size=None)),
                        ('made_at', models.DateTimeField()),
                        ('expires_at', models.DateTimeField()),
                        ('withdrawn_at', models.DateTimeField(blank=True, null=True)),
                        ('used_at', models.DateTimeField(blank=True, null=True)),
                        ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('used_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-made_at', '-pk'],
                    },
                ),
                migrations.CreateModel(
                    name='PasswordLink',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('made_at', models.DateTimeField()),
                        ('expires_at', models.DateTimeField()),
                        ('withdrawn_at', models.DateTimeField(blank=True, help_text='by somebody, or since a newer one was made', null=True)),
                        ('used_at', models.DateTimeField(blank=True, null=True)),
                        ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='password_links', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'constraints': [models.UniqueConstraint(condition=models.Q(('used_at', None), ('withdrawn_at', None)), fields=('user',), name='one_password_link_per_person')],
                    },
                ),
            ],
        ),
        migrations.RunSQL(AUDIT_GUARD, NO_AUDIT_GUARD),
        migrations.RunSQL(AUDIT_IS_NEVER_EMPTIED, AUDIT_MAY_BE_EMPTIED),
    ]
