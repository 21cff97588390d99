"""What was approved stays as it was: triggers refuse to change the text of a version once calls may use it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION scripts_refuse_change_of_approved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE version_of bigint; current_status text;
BEGIN
    IF TG_TABLE_NAME = 'scripts_scriptstep' THEN
        version_of := CASE WHEN TG_OP = 'INSERT' THEN NEW.version_id ELSE OLD.version_id END;
    ELSE
        SELECT version_id INTO version_of FROM scripts_scriptstep
        WHERE id = CASE WHEN TG_OP = 'INSERT' THEN NEW.step_id ELSE OLD.step_id END;
    END IF;
    SELECT status INTO current_status FROM scripts_scriptversion WHERE id = version_of;
    IF current_status IS NOT NULL AND current_status NOT IN ('draft', 'in_review') THEN
        RAISE EXCEPTION 'an approved script version never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER scriptstep_immutable BEFORE INSERT OR UPDATE OR DELETE ON scripts_scriptstep
    FOR EACH ROW EXECUTE FUNCTION scripts_refuse_change_of_approved();
CREATE TRIGGER scriptquestion_immutable BEFORE INSERT OR UPDATE OR DELETE ON scripts_scriptquestion
    FOR EACH ROW EXECUTE FUNCTION scripts_refuse_change_of_approved();
"""
BACKWARD = """
DROP TRIGGER scriptquestion_immutable ON scripts_scriptquestion;
DROP TRIGGER scriptstep_immutable ON scripts_scriptstep;
DROP FUNCTION scripts_refuse_change_of_approved();
"""


class Migration(migrations.Migration):
    dependencies = [("scripts", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
