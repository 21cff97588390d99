"""An item of a form may name the clause and the article of the knowledge base by which it is asked, beside its part of the script."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("qa", "0024_calls_of_first_hours"), ("scripts", "0008_one_draft_and_lawful_ways")]
    operations = [
        migrations.AddField(
            "formitem",
            "clause",
            models.CharField(blank=True, default="", max_length=200, verbose_name="clause"),
        ),
        migrations.AddField(
            "formitem",
            "article",
            models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="scripts.article",
                verbose_name="article",
            ),
        ),
    ]
