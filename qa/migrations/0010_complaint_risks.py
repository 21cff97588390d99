"""What customers of a campaign might complain of; a row is never deleted, and a cleared one never changes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION qa_risk_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a complaint risk is cleared, not deleted' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.cleared_at IS NOT NULL AND to_jsonb(NEW) <> to_jsonb(OLD) THEN
        RAISE EXCEPTION 'a cleared complaint risk never changes' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER risk_stays BEFORE UPDATE OR DELETE ON qa_complaintrisk FOR EACH ROW EXECUTE FUNCTION qa_risk_stays();
"""
BACKWARD = """
DROP TRIGGER risk_stays ON qa_complaintrisk;
DROP FUNCTION qa_risk_stays();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0039_recordings_above"),
        ("qa", "0009_full_run"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ComplaintRisk",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("words", models.CharField(max_length=300, verbose_name="what could be complained of")),
                ("cause", models.CharField(blank=True, default="", max_length=200, verbose_name="where it was seen")),
                ("added_at", models.DateTimeField(verbose_name="added")),
                ("cleared_at", models.DateTimeField(null=True, verbose_name="cleared")),
                (
                    "cleared_why",
                    models.CharField(blank=True, default="", max_length=500, verbose_name="why it is cleared"),
                ),
                (
                    "added_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="added by",
                    ),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="complaint_risks",
                        to="campaigns.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "cleared_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="cleared by",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person in charge",
                    ),
                ),
            ],
            options={
                "verbose_name": "complaint risk",
                "indexes": [models.Index(fields=["campaign", "added_at"], name="risk_of_campaign")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("cleared_at", None)),
                        fields=("campaign", "words"),
                        name="risk_open_once_per_words",
                    ),
                    models.CheckConstraint(condition=models.Q(("words", ""), _negated=True), name="risk_says_what"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cleared_at", None), ("cleared_by", None), ("cleared_why", "")),
                            models.Q(
                                ("cleared_at__isnull", False),
                                ("cleared_by__isnull", False),
                                models.Q(("cleared_why", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="risk_clearing_is_whole",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
