"""The wrap-up of a campaign; a finished one never changes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION qa_wrap_up_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL AND (TG_OP = 'DELETE' OR to_jsonb(NEW) <> to_jsonb(OLD)) THEN
        RAISE EXCEPTION 'a finished wrap-up never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER wrap_up_stays BEFORE UPDATE OR DELETE ON qa_wrapup FOR EACH ROW EXECUTE FUNCTION qa_wrap_up_stays();
"""
BACKWARD = """
DROP TRIGGER wrap_up_stays ON qa_wrapup;
DROP FUNCTION qa_wrap_up_stays();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0040_stages_are_guarded"),
        ("qa", "0013_surveys"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WrapUp",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("made_at", models.DateTimeField(verbose_name="made")),
                ("content", models.JSONField(verbose_name="content")),
                ("keep", models.TextField(blank=True, default="", max_length=4000, verbose_name="what to keep")),
                ("change", models.TextField(blank=True, default="", max_length=4000, verbose_name="what to change")),
                ("digest", models.CharField(max_length=64, verbose_name="digest")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished")),
                (
                    "campaign",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wrap_up",
                        to="campaigns.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "finished_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="finished by",
                    ),
                ),
                (
                    "made_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="made by",
                    ),
                ),
            ],
            options={
                "verbose_name": "wrap-up of a campaign",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("digest__regex", "^[0-9a-f]{64}$")), name="wrap_up_digest"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("finished_by", None)),
                            models.Q(("finished_at__isnull", False), ("finished_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="wrap_up_finish_is_whole",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
