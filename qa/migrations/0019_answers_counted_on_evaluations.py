"""Counts of answers stand with the score of an evaluation: a year of figures no longer reads a year of answers. What is there is counted later."""

from django.db import migrations, models


class Migration(migrations.Migration):
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
        migrations.AddConstraint(
            model_name="evaluation",
            constraint=models.CheckConstraint(
                condition=models.Q(answers_na__lte=models.F("answers_given")), name="evaluation_answers_are_whole"
            ),
        ),
    ]
