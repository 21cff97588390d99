"""From the first signature on a session stays as it is, but for the other signature; of its steps it is only said whether they were done."""

import django.db.models.deletion
from django.db import migrations, models


FORWARD = """
CREATE FUNCTION staffing_signed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.coach_signed_at IS NULL AND OLD.agent_signed_at IS NULL THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE'
        AND (to_jsonb(NEW) - 'coach_signed_at' - 'agent_signed_at') = (to_jsonb(OLD) - 'coach_signed_at' - 'agent_signed_at')
        AND NEW.coach_signed_at IS NOT DISTINCT FROM coalesce(OLD.coach_signed_at, NEW.coach_signed_at)
        AND NEW.agent_signed_at IS NOT DISTINCT FROM coalesce(OLD.agent_signed_at, NEW.agent_signed_at)
    THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'a signed session never changes' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER coachingsession_signed BEFORE UPDATE OR DELETE ON staffing_coachingsession
    FOR EACH ROW EXECUTE FUNCTION staffing_signed_stays();
CREATE FUNCTION staffing_signed_steps_stay() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE sessions bigint[];
BEGIN
    sessions := ARRAY[CASE WHEN TG_OP <> 'INSERT' THEN OLD.session_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.session_id END];
    IF EXISTS (SELECT FROM staffing_coachingsession WHERE id = ANY(sessions) AND (coach_signed_at IS NOT NULL OR agent_signed_at IS NOT NULL))
        AND NOT (TG_OP = 'UPDATE' AND (to_jsonb(NEW) - 'is_done' - 'looked_at') = (to_jsonb(OLD) - 'is_done' - 'looked_at'))
    THEN RAISE EXCEPTION 'a signed session never changes' USING ERRCODE = 'check_violation'; END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER coachingstep_signed BEFORE INSERT OR UPDATE OR DELETE ON staffing_coachingstep
    FOR EACH ROW EXECUTE FUNCTION staffing_signed_steps_stay();
"""
BACKWARD = """
DROP TRIGGER coachingstep_signed ON staffing_coachingstep;
DROP FUNCTION staffing_signed_steps_stay();
DROP TRIGGER coachingsession_signed ON staffing_coachingsession;
DROP FUNCTION staffing_signed_stays();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("qa", "0012_published_evaluations"),
        ("staffing", "0001_coaching_sessions"),
    ]

    operations = [
        migrations.AddField(
            model_name="coachingsession",
            name="aim",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="qa.formitem",
                verbose_name="what it is measured by",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
