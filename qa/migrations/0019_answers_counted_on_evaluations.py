"""Counts of answers stand with the score of an evaluation: a year of figures no longer reads a year of answers.

Beside scorers at work: rows are counted some at a time, each time in a transaction of its own, and indexes come and go without holding the table.
Broken off after its columns are there, the rest is run by hand: the count may be run again.
"""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

ROWS = 5000
COUNT = """
UPDATE qa_evaluation e SET answers_given = g.n, answers_na = g.na, is_grave = g.is_grave
FROM (SELECT a.evaluation_id, count(*) AS n, count(*) FILTER (WHERE a.answer = 'na') AS na,
             coalesce(bool_or(i.fails_on <> '' AND a.answer = i.fails_on), false) AS is_grave
      FROM qa_evaluationanswer a JOIN qa_formitem i ON i.id = a.item_id
      WHERE a.evaluation_id > %(after)s AND a.evaluation_id <= %(after)s + %(rows)s GROUP BY a.evaluation_id) g
WHERE g.evaluation_id = e.id AND e.submitted_at IS NOT NULL"""


def count(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM qa_evaluation")
        last = cursor.fetchone()[0]
        for after in range(0, last, ROWS):
            cursor.execute(COUNT, {"after": after, "rows": ROWS})


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("qa", "0018_calibration")]

    operations = [
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
        migrations.RunPython(count, migrations.RunPython.noop),
        RemoveIndexConcurrently(model_name="evaluation", name="evaluation_published"),
        AddIndexConcurrently(
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
