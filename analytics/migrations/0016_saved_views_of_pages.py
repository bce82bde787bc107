from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("analytics", "0015_withdrawals")]

    operations = [
        migrations.AddField(
            model_name="savedview",
            name="page",
            field=models.CharField(db_default="home", default="home", help_text="of saved_views.PAGES", max_length=30),
        ),
        migrations.AlterField(
            model_name="savedview",
            name="query",
            field=models.CharField(help_text="the part of the address that says what is shown", max_length=1000),
        ),
        migrations.RemoveConstraint(model_name="savedview", name="saved_view_name_once_a_person"),
        migrations.AddConstraint(
            model_name="savedview",
            constraint=models.UniqueConstraint(fields=("owner", "page", "name"), name="saved_view_name_once_a_page"),
        ),
    ]
