"""An item is answered by Yes and No or by points, 0 to its most. Answers, decisions of appeals and agreed answers are held to what the item has.

What an answer earns and whether it fails the call stand here once more beside qa.scoring, for sums in the database (a test holds both together).
"""

from django.db import migrations, models
from django.db.models import F, Q

ANSWERS = [
    ("yes", "Yes"),
    ("no", "No"),
    ("na", "Does not apply"),
    *[(str(points), str(points)) for points in range(11)],
]

FORWARD = """
CREATE FUNCTION qa_earned(p_answer text, p_good text, p_most int) RETURNS double precision LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_answer = 'na' OR p_answer = '' THEN NULL WHEN p_most IS NULL THEN (p_answer = p_good)::int::double precision
        ELSE p_answer::double precision / p_most END
$$;
CREATE FUNCTION qa_is_fatal(p_answer text, p_fails_on text, p_fails_up_to int) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(CASE WHEN p_answer = 'na' OR p_answer = '' THEN false WHEN p_fails_up_to IS NULL THEN p_answer = p_fails_on
        ELSE p_answer::int <= p_fails_up_to END, false)
$$;
CREATE FUNCTION qa_answer_fits(p_item bigint, p_answer text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN p_answer = 'na' THEN true WHEN most_points IS NULL THEN p_answer IN ('yes', 'no')
        WHEN p_answer ~ '^([0-9]|10)$' THEN p_answer::int <= most_points ELSE false END FROM qa_formitem WHERE id = p_item
$$;
CREATE FUNCTION qa_refuse_other_answer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE item bigint; answer text;
BEGIN
    IF TG_TABLE_NAME = 'qa_evaluationanswer' THEN
        item := NEW.item_id; answer := NEW.answer;
    ELSIF TG_TABLE_NAME = 'qa_appeal' THEN
        IF NEW.right_answer = '' THEN RETURN NEW; END IF;
        SELECT item_id INTO item FROM qa_evaluationanswer WHERE id = NEW.answer_id;
        answer := NEW.right_answer;
    ELSE
        item := NEW.item_id; answer := NEW.right_answer;
    END IF;
    -- an item that is not there is refused by its foreign key
    IF qa_answer_fits(item, answer) IS FALSE THEN
        RAISE EXCEPTION 'the item has no such answer' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER evaluationanswer_fits BEFORE INSERT OR UPDATE OF answer, item_id ON qa_evaluationanswer
    FOR EACH ROW EXECUTE FUNCTION qa_refuse_other_answer();
CREATE TRIGGER appeal_fits BEFORE INSERT OR UPDATE OF right_answer, answer_id ON qa_appeal
    FOR EACH ROW EXECUTE FUNCTION qa_refuse_other_answer();
CREATE TRIGGER calibrationdecision_fits BEFORE INSERT OR UPDATE OF right_answer, item_id ON qa_calibrationdecision
    FOR EACH ROW EXECUTE FUNCTION qa_refuse_other_answer();
"""
BACKWARD = """
DROP TRIGGER calibrationdecision_fits ON qa_calibrationdecision;
DROP TRIGGER appeal_fits ON qa_appeal;
DROP TRIGGER evaluationanswer_fits ON qa_evaluationanswer;
DROP FUNCTION qa_refuse_other_answer();
DROP FUNCTION qa_answer_fits(bigint, text);
DROP FUNCTION qa_is_fatal(text, text, int);
DROP FUNCTION qa_earned(text, text, int);
"""


class Migration(migrations.Migration):
    dependencies = [("qa", "0025_items_say_what_asks_for_them")]
    operations = [
        migrations.AddField(
            "formitem",
            "most_points",
            models.PositiveSmallIntegerField(
                blank=True,
                choices=[(most, f"0 to {most} points") for most in range(2, 11)],
                null=True,
                verbose_name="answered by",
            ),
        ),
        migrations.AddField(
            "formitem",
            "fails_up_to",
            models.PositiveSmallIntegerField(blank=True, null=True, verbose_name="points that fail the call, up to"),
        ),
        migrations.AddConstraint(
            "formitem",
            models.CheckConstraint(
                name="form_item_one_kind_of_answer",
                condition=Q(most_points=None, fails_up_to=None)
                | Q(most_points__isnull=False, most_points__gte=2, most_points__lte=10, good="yes", fails_on="")
                & (Q(fails_up_to=None) | Q(fails_up_to__gte=0, fails_up_to__lt=F("most_points"))),
            ),
        ),
        migrations.AlterField(
            "evaluationanswer", "answer", models.CharField(choices=ANSWERS, max_length=3, verbose_name="answer")
        ),
        migrations.AlterField(
            "appeal",
            "right_answer",
            models.CharField(blank=True, choices=ANSWERS, default="", max_length=3, verbose_name="right answer"),
        ),
        migrations.AlterField(
            "calibrationdecision",
            "right_answer",
            models.CharField(choices=ANSWERS, max_length=3, verbose_name="agreed answer"),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
