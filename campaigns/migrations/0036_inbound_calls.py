import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0035_region_queue"),
        ("customers", "0029_segment_rules_and_grey_hours"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="preview_limit_seconds",
            field=models.PositiveSmallIntegerField(
                blank=True,
                help_text="The desk counts them down, then it dials. Empty: no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(900)],
                verbose_name="seconds to read a customer before dialling",
            ),
        ),
        migrations.AddField(
            model_name="livecall",
            name="ended_before",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "None yet"),
                    ("won", "Won"),
                    ("refused", "Refused"),
                    ("exhausted", "Attempts used up"),
                    ("bad_number", "Number not in use"),
                    ("suppressed", "Not to be called"),
                    ("withdrawn", "Withdrawn"),
                    ("merged", "Merged with another customer"),
                    ("closed", "Closed"),
                ],
                db_default="",
                default="",
                max_length=10,
                verbose_name="outcome before",
            ),
        ),
        migrations.AddField(
            model_name="livecall",
            name="is_inbound",
            field=models.BooleanField(db_default=False, default=False, verbose_name="by the customer"),
        ),
        migrations.AlterField(
            model_name="livecall",
            name="phone_id",
            field=models.BigIntegerField(null=True, verbose_name="number"),
        ),
        migrations.CreateModel(
            name="InboundCall",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("adapter", models.CharField(max_length=10, verbose_name="telephone")),
                ("blind_index", models.BinaryField(max_length=16, verbose_name="blind index")),
                ("sealed", models.BinaryField(verbose_name="sealed number")),
                ("mask", models.CharField(max_length=20, verbose_name="number")),
                ("placed_at", models.DateTimeField(verbose_name="rang")),
                ("answered_at", models.DateTimeField(null=True, verbose_name="answered")),
                ("ends_at", models.DateTimeField(null=True, verbose_name="ends by itself")),
                ("hung_up_at", models.DateTimeField(null=True, verbose_name="hung up by the agent")),
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="agent",
                    ),
                ),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "lead",
                    models.OneToOneField(
                        db_constraint=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inbound_call",
                        to="campaigns.lead",
                        verbose_name="lead",
                    ),
                ),
            ],
            options={
                "verbose_name": "call that came in",
            },
        ),
    ]
