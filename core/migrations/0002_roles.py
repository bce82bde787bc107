from django.db import migrations

from core.roles import ALL


def make_groups(apps, schema_editor):
    Group = apps.get_model("auth", "Group")
    for name in ALL:
        Group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("core", "0001_pgmq"), ("auth", "0012_alter_user_first_name_max_length")]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
