"""Where figures must ripen, at how many of the sizes complaints have been looked at before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0036_inbound_calls"),
    ]

    operations = [
        migrations.AddField(
            model_name="experiment",
            name="complaints_looked_at",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, verbose_name="looks at complaints before the figures were ripe"
            ),
        ),
    ]
