"""Beside scorers at work: rows are counted some at a time, each time in a transaction of its own; broken off it begins again."""

from django.db import migrations

ROWS = 5000
COUNT = """
UPDATE qa_evaluation e SET answers_given = g.n, answers_na = g.na, is_grave = g.is_grave
FROM (SELECT a.evaluation_id, count(*) AS n, count(*) FILTER (WHERE a.answer = 'na') AS na,
             bool_or(qa_is_fatal(a.answer, i.fails_on, i.fails_up_to)) AS is_grave
      FROM qa_evaluationanswer a JOIN qa_formitem i ON i.id = a.item_id
      WHERE a.evaluation_id > %(after)s AND a.evaluation_id <= %(after)s + %(rows)s GROUP BY a.evaluation_id) g
WHERE g.evaluation_id = e.id AND e.submitted_at IS NOT NULL AND e.answers_given = 0"""


def count(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM qa_evaluation")
        for after in range(0, cursor.fetchone()[0], ROWS):
            cursor.execute(COUNT, {"after": after, "rows": ROWS})


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("qa", "0028_done_calls_of_first_hours")]
    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
