from django.db import migrations, models

from kb.search import analysis, phrases
from kb.search.engine import body_of


def read(apps, schema_editor):
    """The index's own words do not say where they stand; the texts do."""
    articles = apps.get_model("kb", "Article").objects.filter(state="published", live_revision__isnull=False)
    indexed = apps.get_model("kb", "IndexedArticle").objects
    rows = articles.values_list(
        "pk", "locale", "live_revision__title", "live_revision__summary", "live_revision__text", "live_revision__headings"
    )
    for pk, locale, title, summary, text, headings in rows.iterator(chunk_size=500):
        language = analysis.for_language(locale)
        body = body_of(summary, text, [heading[2] for heading in headings])
        lines = [language.stems(line) for line in (title, *body.splitlines())]
        indexed.filter(pk=pk).update(stems=phrases.in_order(lines))


class Migration(migrations.Migration):
    dependencies = [("kb", "0001_squashed_0018_revisions_no_truncate")]
    operations = [
        migrations.AddField(
            model_name="indexedarticle",
            name="stems",
            field=models.TextField(default="", help_text="of its words in order, for phrases (kb.search.phrases)"),
        ),
        migrations.RunPython(read, migrations.RunPython.noop),
    ]
