"""Reviews of checkpoints: a closed one never changes, nor do its items, and none is taken away."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION qa_gate_review_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a review of a checkpoint is never taken away' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.closed_at IS NOT NULL AND to_jsonb(NEW) <> to_jsonb(OLD) THEN
        RAISE EXCEPTION 'a closed review never changes' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER gate_review_stays BEFORE UPDATE OR DELETE ON qa_gatereview FOR EACH ROW EXECUTE FUNCTION qa_gate_review_stays();
CREATE FUNCTION qa_gate_review_item_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'an item of a review is never taken away' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (SELECT FROM qa_gatereview WHERE id = NEW.review_id AND closed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'a closed review never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.review_id, NEW.key, NEW.kind) <> (OLD.review_id, OLD.key, OLD.kind) THEN
        RAISE EXCEPTION 'an item stays with its review' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER gate_review_item_stays BEFORE INSERT OR UPDATE OR DELETE ON qa_gatereviewitem
    FOR EACH ROW EXECUTE FUNCTION qa_gate_review_item_stays();
"""
BACKWARD = """
DROP TRIGGER gate_review_item_stays ON qa_gatereviewitem;
DROP FUNCTION qa_gate_review_item_stays();
DROP TRIGGER gate_review_stays ON qa_gatereview;
DROP FUNCTION qa_gate_review_stays();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0040_stages_are_guarded"),
        ("qa", "0016_complaints_traced"),
        ("scripts", "0008_one_draft_and_lawful_ways"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GateReview",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("opened_at", models.DateTimeField(verbose_name="opened")),
                (
                    "verdict",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pass", "Pass the gate"),
                            ("back", "Send back"),
                            ("early", "Too early for rates"),
                            ("overridden", "Overridden by two persons"),
                        ],
                        default="",
                        max_length=10,
                        verbose_name="verdict",
                    ),
                ),
                ("reason", models.TextField(blank=True, default="", verbose_name="reason")),
                (
                    "more_calls",
                    models.PositiveIntegerField(null=True, verbose_name="more calls until rates can be judged"),
                ),
                ("evidence", models.JSONField(null=True, verbose_name="what stood at the verdict")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed")),
                (
                    "closed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="closed by",
                    ),
                ),
                (
                    "form",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="qa.qualityform",
                        verbose_name="form",
                    ),
                ),
                (
                    "gate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reviews",
                        to="campaigns.gate",
                        verbose_name="gate",
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="opened by",
                    ),
                ),
                (
                    "script_version",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="scripts.scriptversion",
                        verbose_name="script version",
                    ),
                ),
            ],
            options={
                "verbose_name": "review of a checkpoint",
            },
        ),
        migrations.CreateModel(
            name="GateReviewItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.PositiveSmallIntegerField()),
                ("key", models.CharField(max_length=20, verbose_name="item")),
                (
                    "kind",
                    models.CharField(
                        choices=[("machine", "Machine"), ("qa", "QA")], max_length=7, verbose_name="filled by"
                    ),
                ),
                (
                    "result",
                    models.CharField(
                        choices=[("open", "open"), ("ok", "in order"), ("failed", "not in order")],
                        default="open",
                        max_length=6,
                        verbose_name="result",
                    ),
                ),
                ("found", models.JSONField(default=dict, verbose_name="what the machine saw")),
                ("remark", models.CharField(blank=True, default="", max_length=500, verbose_name="remark")),
                ("at", models.DateTimeField(null=True, verbose_name="at")),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "review",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="items", to="qa.gatereview"
                    ),
                ),
            ],
            options={
                "verbose_name": "item of a review",
            },
        ),
        migrations.AddConstraint(
            model_name="gatereview",
            constraint=models.UniqueConstraint(
                condition=models.Q(("closed_at", None)), fields=("gate",), name="gate_review_open_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="gatereview",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("closed_at", None),
                        ("closed_by", None),
                        ("evidence", None),
                        ("more_calls", None),
                        ("reason", ""),
                        ("script_version", None),
                        ("verdict", ""),
                    ),
                    models.Q(
                        models.Q(("verdict", ""), _negated=True),
                        ("closed_at__isnull", False),
                        ("closed_by__isnull", False),
                        ("evidence__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="gate_review_verdict_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="gatereview",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("verdict", "back"), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="gate_review_back_says_why",
            ),
        ),
        migrations.AddConstraint(
            model_name="gatereviewitem",
            constraint=models.UniqueConstraint(fields=("review", "key"), name="gate_review_item_once"),
        ),
        migrations.AddConstraint(
            model_name="gatereviewitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("at__isnull", False), ("by", None), ("kind", "machine"), ("remark", "")),
                    models.Q(("at", None), ("by", None), ("kind", "qa"), ("remark", ""), ("result", "open")),
                    models.Q(
                        ("at__isnull", False), ("by__isnull", False), ("kind", "qa"), ("result__in", ["ok", "failed"])
                    ),
                    _connector="OR",
                ),
                name="gate_review_item_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="gatereviewitem",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "qa"), ("result", "failed"), _negated=True),
                    models.Q(("remark", ""), _negated=True),
                    _connector="OR",
                ),
                name="gate_review_item_failed_says_what",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
