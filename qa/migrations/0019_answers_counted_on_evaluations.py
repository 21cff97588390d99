"""Counts of answers stand with the score of an evaluation: a year of figures no longer reads a year of answers."""

from django.db import migrations, models

COUNT = """
UPDATE qa_evaluation e SET answers_given = g.n, answers_na = g.na, is_grave = g.is_grave
FROM (SELECT a.evaluation_id, count(*) AS n, count(*) FILTER (WHERE a.answer = 'na') AS na,
             coalesce(bool_or(i.fails_on <> '' AND a.answer = i.fails_on), false) AS is_grave
      FROM qa_evaluationanswer a JOIN qa_formitem i ON i.id = a.item_id GROUP BY a.evaluation_id) g
WHERE g.evaluation_id = e.id AND e.submitted_at IS NOT NULL"""


class Migration(migrations.Migration):
    dependencies = [("qa", "0018_calibration")]

    operations = [
        migrations.RemoveIndex(model_name="evaluation", name="evaluation_published"),
        migrations.AddField(
            model_name="evaluation",
            name="answers_given",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="answers"),
        ),
        migrations.AddField(
            model_name="evaluation",
            name="answers_na",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="answers that do not apply"),
        ),
        migrations.AddField(
            model_name="evaluation",
            name="is_grave",
            field=models.BooleanField(db_default=False, default=False, verbose_name="failed by one answer"),
        ),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="evaluation",
            index=models.Index(
                condition=models.Q(pick__in=["random", "stratified"], submitted_at__isnull=False, withdrawn_at=None),
                fields=["call_started_at"],
                include=(
                    "city_id",
                    "team_id",
                    "agent_id",
                    "campaign_id",
                    "probability",
                    "reported",
                    "answers_given",
                    "answers_na",
                    "is_grave",
                ),
                name="evaluation_published",
            ),
        ),
        migrations.AddConstraint(
            model_name="evaluation",
            constraint=models.CheckConstraint(
                condition=models.Q(answers_na__lte=models.F("answers_given")), name="evaluation_answers_are_whole"
            ),
        ),
    ]
