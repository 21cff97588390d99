"""What an approved version leads to, quotes and keeps at hand stays as it was, like its text."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION scripts_refuse_change_of_approved_links() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE current_status text; r record;
BEGIN
    IF TG_OP = 'INSERT' THEN r := NEW; ELSE r := OLD; END IF;
    IF TG_TABLE_NAME = 'scripts_scriptbranch' THEN
        SELECT v.status INTO current_status FROM scripts_scriptquestion q
        JOIN scripts_scriptstep s ON s.id = q.step_id JOIN scripts_scriptversion v ON v.id = s.version_id WHERE q.id = r.question_id;
    ELSE
        SELECT v.status INTO current_status FROM scripts_scriptstep s JOIN scripts_scriptversion v ON v.id = s.version_id WHERE s.id = r.step_id;
    END IF;
    IF current_status IS NOT NULL AND current_status NOT IN ('draft', 'in_review') THEN
        RAISE EXCEPTION 'an approved script version never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER scriptbranch_immutable BEFORE INSERT OR UPDATE OR DELETE ON scripts_scriptbranch
    FOR EACH ROW EXECUTE FUNCTION scripts_refuse_change_of_approved_links();
CREATE TRIGGER stepobjection_immutable BEFORE INSERT OR UPDATE OR DELETE ON scripts_stepobjection
    FOR EACH ROW EXECUTE FUNCTION scripts_refuse_change_of_approved_links();
CREATE TRIGGER stepquote_immutable BEFORE INSERT OR UPDATE OR DELETE ON scripts_stepquote
    FOR EACH ROW EXECUTE FUNCTION scripts_refuse_change_of_approved_links();
"""
BACKWARD = """
DROP TRIGGER stepquote_immutable ON scripts_stepquote;
DROP TRIGGER stepobjection_immutable ON scripts_stepobjection;
DROP TRIGGER scriptbranch_immutable ON scripts_scriptbranch;
DROP FUNCTION scripts_refuse_change_of_approved_links();
"""


class Migration(migrations.Migration):
    dependencies = [("scripts", "0004_guided_scripts_and_knowledge")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
