"""Experiments: arms, who meets which, and the draw that keeps them apart within every agent."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


SQL = Path(__file__).resolve().parents[1] / "sql" / "0033_arms.sql"
DROP = """
DROP TRIGGER experiment_arm_stays ON campaigns_experimentarm;
DROP TRIGGER experiment_arm_is_fixed ON campaigns_experimentarm;
DROP TRIGGER experiment_is_fixed ON campaigns_experiment;
DROP TRIGGER experiment_begins_as_draft ON campaigns_experiment;
DROP TRIGGER experiment_begins ON campaigns_experiment;
DROP FUNCTION campaigns_experiment_is_fixed();
DROP FUNCTION campaigns_experiment_begins();
DROP FUNCTION campaigns_arm_of(bigint, bigint, bigint);
"""


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(SQL.read_text(encoding="utf-8"))


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0032_lead_skips"),
        ("scripts", "0005_links_of_approved_are_immutable"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="has_experiment",
            field=models.BooleanField(
                db_default=False, default=False, editable=False, verbose_name="an experiment is running"
            ),
        ),
        migrations.CreateModel(
            name="Experiment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "question",
                    models.TextField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=1000,
                        verbose_name="what is to be found out, and why",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("script", "Script versions"), ("offer", "Offers"), ("scenario", "Scenarios")],
                        default="script",
                        max_length=8,
                        verbose_name="compares",
                    ),
                ),
                (
                    "indicator",
                    models.CharField(
                        choices=[
                            ("success_rate", "Success rate"),
                            ("final_success_rate", "Final success rate"),
                            ("cancellation_rate", "Cancellation rate"),
                            ("complaint_rate", "Complaint rate"),
                        ],
                        default="success_rate",
                        max_length=20,
                        verbose_name="judged by",
                    ),
                ),
                (
                    "usual_percent",
                    models.DecimalField(decimal_places=2, max_digits=5, verbose_name="rate as it is now, percent"),
                ),
                (
                    "smallest_points",
                    models.DecimalField(
                        decimal_places=2, max_digits=5, verbose_name="smallest difference worth having, points"
                    ),
                ),
                ("looks", models.PositiveSmallIntegerField(default=3, verbose_name="looks")),
                ("per_arm", models.PositiveIntegerField(verbose_name="persons an arm at the last look")),
                (
                    "stops_for_harm",
                    models.BooleanField(default=True, verbose_name="an arm that is clearly worse stops by itself"),
                ),
                ("seed", models.BigIntegerField(verbose_name="seed")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("running", "Running"),
                            ("stopped", "Stopped"),
                            ("decided", "Decided"),
                        ],
                        default="draft",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), verbose_name="planned on"
                    ),
                ),
                ("started_at", models.DateTimeField(null=True, verbose_name="started")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="stopped")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided")),
                (
                    "reason",
                    models.CharField(blank=True, db_default="", default="", max_length=500, verbose_name="reason"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="experiments",
                        to="campaigns.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="planned by",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "ended_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="stopped by",
                    ),
                ),
                (
                    "started_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="started by",
                    ),
                ),
            ],
            options={
                "verbose_name": "experiment",
            },
        ),
        migrations.CreateModel(
            name="ExperimentArm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveSmallIntegerField(verbose_name="arm")),
                ("share", models.PositiveSmallIntegerField(verbose_name="share, percent")),
                ("stopped_at", models.DateTimeField(null=True, verbose_name="stopped")),
                (
                    "stopped_for",
                    models.CharField(
                        blank=True,
                        choices=[("", "Not stopped"), ("worse", "Clearly worse"), ("complaints", "More complaints")],
                        db_default="",
                        default="",
                        max_length=10,
                        verbose_name="stopped because",
                    ),
                ),
                (
                    "experiment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="arms",
                        to="campaigns.experiment",
                        verbose_name="experiment",
                    ),
                ),
                (
                    "offer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripts.offer",
                        verbose_name="offer",
                    ),
                ),
                (
                    "scenario",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripts.scenario",
                        verbose_name="scenario",
                    ),
                ),
                (
                    "script_version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripts.scriptversion",
                        verbose_name="script version",
                    ),
                ),
            ],
            options={
                "verbose_name": "arm of an experiment",
            },
        ),
        migrations.AddField(
            model_name="experiment",
            name="adopted",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="campaigns.experimentarm",
                verbose_name="adopted",
            ),
        ),
        migrations.CreateModel(
            name="ExperimentPerson",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer_id", models.BigIntegerField(db_index=True, verbose_name="customer")),
                ("agent_id", models.BigIntegerField(verbose_name="agent")),
                ("place", models.PositiveIntegerField(null=True, verbose_name="place among the agent's")),
                (
                    "met_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="met"),
                ),
                (
                    "arm",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="persons",
                        to="campaigns.experimentarm",
                        verbose_name="arm",
                    ),
                ),
                (
                    "experiment",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="persons",
                        to="campaigns.experiment",
                        verbose_name="experiment",
                    ),
                ),
            ],
            options={
                "verbose_name": "person in an experiment",
            },
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.UniqueConstraint(fields=("experiment", "number"), name="experiment_arm_number"),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.UniqueConstraint(
                fields=("experiment", "script_version"), name="experiment_arm_version_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.UniqueConstraint(fields=("experiment", "offer"), name="experiment_arm_offer_once"),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.UniqueConstraint(fields=("experiment", "scenario"), name="experiment_arm_scenario_once"),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.CheckConstraint(
                condition=models.Q(("number__gte", 1), ("number__lte", 4), ("share__gte", 1)),
                name="experiment_arm_counted",
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("offer", None), ("scenario", None), ("script_version__isnull", False)),
                    models.Q(("offer__isnull", False), ("scenario", None), ("script_version", None)),
                    models.Q(("offer", None), ("scenario__isnull", False), ("script_version", None)),
                    _connector="OR",
                ),
                name="experiment_arm_is_one_thing",
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentarm",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("stopped_at", None), ("stopped_for", "")),
                    models.Q(("stopped_at__isnull", False), models.Q(("stopped_for", ""), _negated=True)),
                    _connector="OR",
                ),
                name="experiment_arm_stop_is_whole",
            ),
        ),
        migrations.AddIndex(
            model_name="experiment",
            index=models.Index(fields=["campaign", "-created_at"], name="experiment_of_campaign"),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("campaign",), name="experiment_one_running"
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(("looks__gte", 1), ("looks__lte", 5), ("per_arm__gte", models.F("looks"))),
                name="experiment_looks_fixed",
                violation_error_message="There must be at least as many persons an arm as looks.",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(("smallest_points__gt", 0), ("usual_percent__gt", 0), ("usual_percent__lt", 100)),
                name="experiment_difference_makes_sense",
                violation_error_message="A rate lies between 0 and 100 percent, and the difference is above 0.",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("ended_at", None), ("started_at", None), ("state", "draft")),
                    models.Q(
                        ("decided_at", None), ("ended_at", None), ("started_at__isnull", False), ("state", "running")
                    ),
                    models.Q(
                        ("decided_at", None),
                        ("ended_at__isnull", False),
                        ("started_at__isnull", False),
                        ("state", "stopped"),
                    ),
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("ended_at__isnull", False),
                        ("started_at__isnull", False),
                        ("state", "decided"),
                    ),
                    _connector="OR",
                ),
                name="experiment_state_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="experiment",
            constraint=models.CheckConstraint(
                condition=models.Q(("adopted", None), ("state", "decided"), _connector="OR"),
                name="experiment_adopts_when_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="experimentperson",
            constraint=models.UniqueConstraint(fields=("experiment", "customer_id"), name="experiment_person_once"),
        ),
        migrations.AddConstraint(
            model_name="experimentperson",
            constraint=models.UniqueConstraint(
                fields=("experiment", "agent_id", "place"), name="experiment_place_once"
            ),
        ),
        migrations.RunPython(create, lambda apps, editor: editor.execute(DROP)),
    ]
