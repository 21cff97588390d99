"""Looks at experiments, frozen with what they said."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0033_experiments"),
        ("metrics", "0008_offer_figures"),
    ]

    operations = [
        migrations.CreateModel(
            name="ExperimentLook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField(verbose_name="look")),
                (
                    "taken_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="taken"),
                ),
                ("counts", models.JSONField(default=dict, verbose_name="figures")),
                ("verdicts", models.JSONField(default=dict, verbose_name="what it said")),
                (
                    "experiment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="looks_taken",
                        to="campaigns.experiment",
                        verbose_name="experiment",
                    ),
                ),
            ],
            options={
                "verbose_name": "look at an experiment",
                "constraints": [models.UniqueConstraint(fields=("experiment", "number"), name="metrics_look_once")],
            },
        ),
    ]
