"""Recordings of calls, their bytes, who heard them, remarks, clips, and the rules for keeping them."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("core", "0002_ring_check"),
        ("scripts", "0006_quotes_looked_at_again"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Sound",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sha256", models.CharField(max_length=64, unique=True)),
                (
                    "format",
                    models.CharField(
                        choices=[("wav", "WAV"), ("mp3", "MP3"), ("opus", "Opus")], max_length=4, verbose_name="format"
                    ),
                ),
                ("channels", models.PositiveSmallIntegerField(verbose_name="channels")),
                ("milliseconds", models.PositiveIntegerField(verbose_name="length, milliseconds")),
                ("size_bytes", models.PositiveBigIntegerField(verbose_name="size, bytes")),
                (
                    "state",
                    models.CharField(
                        choices=[("checked", "Waveform is being drawn"), ("ready", "Ready"), ("broken", "Broken")],
                        default="checked",
                        max_length=7,
                        verbose_name="state",
                    ),
                ),
                ("fault", models.CharField(blank=True, default="", max_length=20, verbose_name="what is broken")),
                ("peaks", models.BinaryField(null=True, verbose_name="waveform")),
                (
                    "stored_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="stored"),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="core.privatefile",
                        verbose_name="file",
                    ),
                ),
            ],
            options={
                "verbose_name": "sound",
            },
        ),
        migrations.CreateModel(
            name="Recording",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("call_id", models.BigIntegerField(verbose_name="call")),
                ("call_started_at", models.DateTimeField(verbose_name="time of the call")),
                ("customer_id", models.BigIntegerField(verbose_name="customer")),
                ("city_id", models.BigIntegerField(verbose_name="customer's city")),
                ("agent_id", models.BigIntegerField(verbose_name="agent")),
                ("team_id", models.BigIntegerField(verbose_name="team")),
                ("campaign_id", models.BigIntegerField(verbose_name="campaign")),
                ("product_id", models.BigIntegerField(null=True, verbose_name="product")),
                ("disposition_id", models.BigIntegerField(verbose_name="result")),
                ("sale", models.BooleanField(default=False, verbose_name="sale")),
                ("seconds", models.PositiveIntegerField(verbose_name="length, seconds")),
                (
                    "origin",
                    models.CharField(
                        choices=[
                            ("telephony", "Telephone"),
                            ("upload", "Uploaded"),
                            ("folder", "Folder of a dialer"),
                            ("api", "Another system"),
                        ],
                        max_length=9,
                        verbose_name="origin",
                    ),
                ),
                (
                    "stored_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name="stored"),
                ),
                ("keep_until", models.DateTimeField(verbose_name="kept until")),
                ("destroyed_at", models.DateTimeField(null=True, verbose_name="destroyed")),
                ("transcript", models.JSONField(null=True, verbose_name="text of the call")),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
                (
                    "sound",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="recordings",
                        to="qa.sound",
                        verbose_name="sound",
                    ),
                ),
            ],
            options={
                "verbose_name": "recording",
            },
        ),
        migrations.CreateModel(
            name="Clip",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer_id", models.BigIntegerField(verbose_name="customer")),
                ("city_id", models.BigIntegerField(verbose_name="customer's city")),
                ("team_city_id", models.BigIntegerField(null=True, verbose_name="team's city")),
                ("title", models.CharField(max_length=120, verbose_name="what is good about it")),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("opening", "Opening"),
                            ("needs", "Finding the need"),
                            ("offer", "Offer"),
                            ("objection", "Answer to an objection"),
                            ("closing", "Closing"),
                            ("end", "End of the call"),
                        ],
                        max_length=10,
                        verbose_name="stage",
                    ),
                ),
                (
                    "consent",
                    models.CharField(
                        choices=[
                            ("agreed", "The customer agreed in the call"),
                            ("rules", "Allowed by the recording notice"),
                        ],
                        max_length=6,
                        verbose_name="consent",
                    ),
                ),
                ("from_ms", models.PositiveIntegerField(verbose_name="from, milliseconds")),
                ("until_ms", models.PositiveIntegerField(verbose_name="until, milliseconds")),
                (
                    "state",
                    models.CharField(
                        choices=[("cutting", "Being cut"), ("ready", "Ready"), ("broken", "Could not be cut")],
                        default="cutting",
                        max_length=7,
                        verbose_name="state",
                    ),
                ),
                ("made_at", models.DateTimeField(verbose_name="chosen")),
                ("keep_until", models.DateTimeField(verbose_name="kept until")),
                ("destroyed_at", models.DateTimeField(null=True, verbose_name="destroyed")),
                (
                    "made_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="chosen by",
                    ),
                ),
                (
                    "objection",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripts.objection",
                        verbose_name="objection",
                    ),
                ),
                (
                    "recording",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clips",
                        to="qa.recording",
                        verbose_name="recording",
                    ),
                ),
                (
                    "sound",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clips",
                        to="qa.sound",
                        verbose_name="sound",
                    ),
                ),
            ],
            options={
                "verbose_name": "clip",
            },
        ),
        migrations.CreateModel(
            name="KeepRule",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("of_sales", models.BooleanField(default=False, verbose_name="only calls with a sale")),
                ("days", models.PositiveIntegerField(verbose_name="kept for, days")),
                (
                    "is_duty",
                    models.BooleanField(
                        default=False, verbose_name="must be kept, also when the person asks to be erased"
                    ),
                ),
                ("basis", models.CharField(max_length=200, verbose_name="basis")),
                (
                    "product",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: of every product.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripts.product",
                        verbose_name="product",
                    ),
                ),
            ],
            options={
                "verbose_name": "rule for keeping recordings",
                "constraints": [
                    models.UniqueConstraint(fields=("product", "of_sales"), name="keep_rule_once"),
                    models.UniqueConstraint(
                        condition=models.Q(("product", None)), fields=("of_sales",), name="keep_rule_of_all_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("days__gte", 1), ("days__lte", 7300)), name="keep_rule_days"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Listening",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="heard")),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="heard by",
                    ),
                ),
                (
                    "recording",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="listenings",
                        to="qa.recording",
                        verbose_name="recording",
                    ),
                ),
            ],
            options={
                "verbose_name": "listening",
                "indexes": [models.Index(fields=["by", "recording", "-at"], name="listening_of_person")],
            },
        ),
        migrations.CreateModel(
            name="RecordingNote",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="written")),
                ("from_ms", models.PositiveIntegerField(verbose_name="from, milliseconds")),
                ("until_ms", models.PositiveIntegerField(blank=True, null=True, verbose_name="until, milliseconds")),
                ("text", models.TextField(blank=True, default="", max_length=1000, verbose_name="remark")),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="written by",
                    ),
                ),
                (
                    "recording",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notes",
                        to="qa.recording",
                        verbose_name="recording",
                    ),
                ),
            ],
            options={
                "verbose_name": "remark at a recording",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until_ms", None), ("until_ms__gt", models.F("from_ms")), _connector="OR"),
                        name="recording_note_span",
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="sound",
            constraint=models.CheckConstraint(condition=models.Q(("channels__in", [1, 2])), name="sound_channels"),
        ),
        migrations.AddConstraint(
            model_name="sound",
            constraint=models.CheckConstraint(condition=models.Q(("milliseconds__gt", 0)), name="sound_has_length"),
        ),
        migrations.AddConstraint(
            model_name="sound",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "broken"), models.Q(("fault", ""), _negated=True)),
                    models.Q(models.Q(("state", "broken"), _negated=True), ("fault", "")),
                    _connector="OR",
                ),
                name="sound_fault_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="sound",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "ready"), _negated=True), ("peaks__isnull", False), _connector="OR"
                ),
                name="sound_ready_has_peaks",
            ),
        ),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(fields=["call_started_at", "id"], name="qa_recording_newest"),
        ),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(fields=["city_id", "call_started_at"], name="qa_recording_city"),
        ),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(fields=["team_id", "call_started_at"], name="qa_recording_team"),
        ),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(fields=["agent_id", "call_started_at"], name="qa_recording_agent"),
        ),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(fields=["campaign_id", "call_started_at"], name="qa_recording_campaign"),
        ),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(fields=["customer_id"], name="qa_recording_customer"),
        ),
        migrations.AddIndex(
            model_name="recording",
            index=models.Index(
                condition=models.Q(("destroyed_at", None)), fields=["keep_until"], name="qa_recording_overdue"
            ),
        ),
        migrations.AddConstraint(
            model_name="recording",
            constraint=models.UniqueConstraint(fields=("call_id", "sound"), name="recording_once_per_call"),
        ),
        migrations.AddConstraint(
            model_name="recording",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("destroyed_at", None), ("sound__isnull", False)),
                    models.Q(("destroyed_at__isnull", False), ("sound", None), ("transcript", None)),
                    _connector="OR",
                ),
                name="recording_is_whole",
            ),
        ),
        migrations.AddIndex(
            model_name="clip",
            index=models.Index(fields=["customer_id"], name="clip_customer"),
        ),
        migrations.AddIndex(
            model_name="clip",
            index=models.Index(condition=models.Q(("destroyed_at", None)), fields=["keep_until"], name="clip_overdue"),
        ),
        migrations.AddConstraint(
            model_name="clip",
            constraint=models.CheckConstraint(
                condition=models.Q(("until_ms__gt", models.F("from_ms"))), name="clip_span"
            ),
        ),
        migrations.AddConstraint(
            model_name="clip",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("destroyed_at", None), ("sound__isnull", False), ("state", "ready")),
                    models.Q(("destroyed_at", None), ("sound", None), models.Q(("state", "ready"), _negated=True)),
                    models.Q(("destroyed_at__isnull", False), ("sound", None)),
                    _connector="OR",
                ),
                name="clip_is_whole",
            ),
        ),
    ]
