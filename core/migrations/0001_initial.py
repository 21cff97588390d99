import django.contrib.postgres.fields
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

APPEND_ONLY = """
CREATE FUNCTION core_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- the test runner empties its own databases by TRUNCATE; a test of this very rule asks for the refusal
    IF TG_OP = 'TRUNCATE' AND current_database() LIKE 'test\\_%'
       AND coalesce(current_setting('telemkt.audit_truncate', true), '') <> 'refuse' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'the audit trail is append only: % on % refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER core_auditevent_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON core_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION core_audit_refuse();
CREATE TRIGGER core_auditseal_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON core_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION core_audit_refuse();
"""
NO_LONGER = """
DROP TRIGGER core_auditevent_append_only ON core_auditevent;
DROP TRIGGER core_auditseal_append_only ON core_auditseal;
DROP FUNCTION core_audit_refuse();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "event_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None),
                ),
                ("last_id", models.BigIntegerField()),
                ("previous_hash", models.BinaryField(max_length=32)),
                ("hash", models.BinaryField(max_length=32)),
                (
                    "sealed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "verbose_name": "audit seal",
                "verbose_name_plural": "audit seals",
            },
        ),
        migrations.CreateModel(
            name="Holiday",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("day", models.DateField(unique=True, verbose_name="day")),
                (
                    "name",
                    models.CharField(blank=True, max_length=120, verbose_name="name"),
                ),
                (
                    "is_workday",
                    models.BooleanField(default=False, verbose_name="worked"),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("library", "Public calendar"),
                            ("hand", "Entered by hand"),
                        ],
                        default="hand",
                        max_length=8,
                        verbose_name="from",
                    ),
                ),
            ],
            options={
                "verbose_name": "special day",
                "verbose_name_plural": "special days",
            },
        ),
        migrations.CreateModel(
            name="AuditEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="time")),
                ("action", models.CharField(max_length=100, verbose_name="action")),
                (
                    "actor_id",
                    models.BigIntegerField(blank=True, null=True, verbose_name="actor number"),
                ),
                (
                    "actor_name",
                    models.CharField(blank=True, default="", max_length=150, verbose_name="who"),
                ),
                (
                    "subject_type",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=100,
                        verbose_name="kind of subject",
                    ),
                ),
                (
                    "subject_id",
                    models.CharField(blank=True, default="", max_length=64, verbose_name="subject"),
                ),
                (
                    "city_id",
                    models.IntegerField(blank=True, null=True, verbose_name="city"),
                ),
                ("refused", models.BooleanField(default=False, verbose_name="refused")),
                (
                    "detail",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        verbose_name="detail",
                    ),
                ),
                (
                    "recorded_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="recorded at",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit event",
                "verbose_name_plural": "audit trail",
                "indexes": [
                    models.Index(fields=["-at", "-id"], name="audit_newest"),
                    models.Index(
                        fields=["subject_type", "subject_id", "-at"],
                        name="audit_subject",
                    ),
                    models.Index(fields=["actor_id", "-at"], name="audit_actor"),
                    models.Index(fields=["action", "-at"], name="audit_action"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("user_id", models.BigIntegerField()),
                ("key", models.CharField(max_length=200)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("answer", models.JSONField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="idempotency_age")],
                "constraints": [models.UniqueConstraint(fields=("user_id", "key"), name="idempotency_once_per_user")],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("kind", models.CharField(max_length=100, verbose_name="kind")),
                (
                    "key",
                    models.CharField(
                        help_text="The same work asked for twice is one job: unique with the kind.",
                        max_length=200,
                        verbose_name="key",
                    ),
                ),
                (
                    "queue",
                    models.CharField(
                        choices=[("fast", "Fast"), ("bulk", "Bulk")],
                        default="bulk",
                        max_length=8,
                        verbose_name="queue",
                    ),
                ),
                (
                    "city_id",
                    models.IntegerField(blank=True, null=True, verbose_name="city"),
                ),
                ("args", models.JSONField(default=dict, verbose_name="arguments")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("running", "Running"),
                            ("done", "Done"),
                            ("failed", "Will try again"),
                            ("dead", "Gave up"),
                            ("blocked", "Waiting for another job"),
                            ("cancelled", "Stopped"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "not_before",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="not before",
                    ),
                ),
                (
                    "token",
                    models.BigIntegerField(
                        default=0,
                        help_text="Counts the claims; work with an older token cannot commit.",
                        verbose_name="token",
                    ),
                ),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="lease until"),
                ),
                (
                    "attempts",
                    models.PositiveIntegerField(default=0, verbose_name="attempts without progress"),
                ),
                (
                    "claims",
                    models.PositiveIntegerField(default=0, verbose_name="claims since asked for"),
                ),
                (
                    "max_attempts",
                    models.PositiveIntegerField(default=5, verbose_name="most attempts"),
                ),
                (
                    "rung_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="rung at"),
                ),
                ("cursor", models.JSONField(default=dict, verbose_name="cursor")),
                ("done", models.BigIntegerField(default=0, verbose_name="done")),
                (
                    "total",
                    models.BigIntegerField(blank=True, null=True, verbose_name="total"),
                ),
                ("result", models.JSONField(default=dict, verbose_name="result")),
                (
                    "last_error",
                    models.TextField(blank=True, default="", verbose_name="last error"),
                ),
                (
                    "created_by_id",
                    models.BigIntegerField(blank=True, null=True, verbose_name="started by"),
                ),
                (
                    "created_by_name",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=150,
                        verbose_name="name of who started it",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="created at",
                    ),
                ),
                (
                    "started_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="started at"),
                ),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished at"),
                ),
                (
                    "cancel_requested_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="stop asked at"),
                ),
                (
                    "cancel_requested_by_id",
                    models.BigIntegerField(blank=True, null=True, verbose_name="stop asked by"),
                ),
                (
                    "waits_for",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="followers",
                        to="core.job",
                    ),
                ),
            ],
            options={
                "verbose_name": "job",
                "verbose_name_plural": "jobs",
            },
        ),
        migrations.CreateModel(
            name="PrivateFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("kind", models.CharField(max_length=60, verbose_name="kind")),
                ("name", models.CharField(max_length=255, verbose_name="name")),
                ("path", models.CharField(max_length=120, unique=True)),
                (
                    "content_type",
                    models.CharField(default="application/octet-stream", max_length=120),
                ),
                ("size", models.BigIntegerField(default=0, verbose_name="size")),
                ("sha256", models.CharField(blank=True, default="", max_length=64)),
                (
                    "owner_id",
                    models.BigIntegerField(blank=True, null=True, verbose_name="owner"),
                ),
                (
                    "owner_name",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=150,
                        verbose_name="name of the owner",
                    ),
                ),
                (
                    "city_id",
                    models.IntegerField(blank=True, null=True, verbose_name="city"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="created at",
                    ),
                ),
                (
                    "ready_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="ready at"),
                ),
                ("keep_until", models.DateTimeField(verbose_name="kept until")),
                (
                    "destroyed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="destroyed at"),
                ),
            ],
            options={
                "verbose_name": "private file",
                "verbose_name_plural": "private files",
                "indexes": [
                    models.Index(
                        condition=models.Q(("destroyed_at__isnull", True)),
                        fields=["keep_until"],
                        name="file_overdue",
                    ),
                    models.Index(fields=["sha256"], name="file_hash"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScheduleRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("kind", models.CharField(max_length=100)),
                (
                    "slot",
                    models.CharField(
                        help_text="Business date of a daily job, start of the interval of others.",
                        max_length=40,
                    ),
                ),
                ("due_at", models.DateTimeField()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "job",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="core.job",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "failed"])),
                fields=["not_before", "id"],
                name="job_due",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state", "running")),
                fields=["lease_until"],
                name="job_lease",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["-created_at"], name="job_newest"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["created_by_id", "-created_at"], name="job_of_person"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state", "dead")),
                fields=["finished_at"],
                name="job_dead",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(fields=("kind", "key"), name="job_once_per_key"),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("lease_until__isnull", False), ("state", "running")),
                    models.Q(
                        models.Q(("state", "running"), _negated=True),
                        ("lease_until__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="job_running_has_a_lease",
            ),
        ),
        migrations.AddConstraint(
            model_name="schedulerun",
            constraint=models.UniqueConstraint(fields=("kind", "slot"), name="schedule_once_per_slot"),
        ),
        migrations.RunSQL(APPEND_ONLY, NO_LONGER),
    ]
