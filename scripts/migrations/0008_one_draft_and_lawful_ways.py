"""A script has one draft at a time, the status of a version moves only as the work does, and no row is moved into or out of an approved text.

The triggers on steps and what hangs on them looked at the row as it was: a draft's step could be moved into an approved version. They look
at both now. Nothing guarded the row of the version itself.
"""

from django.conf import settings
from django.db import migrations, models

# Sending back while another draft was open made two: all but the newest are put aside, with their text.
SURPLUS = """
UPDATE scripts_scriptversion v SET status = 'retired' WHERE status = 'draft' AND EXISTS (
    SELECT FROM scripts_scriptversion o WHERE o.script_id = v.script_id AND o.status = 'draft' AND o.number > v.number);
"""

FORWARD = """
CREATE OR REPLACE FUNCTION scripts_refuse_change_of_approved() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE versions bigint[] := '{}'; steps bigint[] := '{}';
BEGIN
    IF TG_TABLE_NAME = 'scripts_scriptstep' THEN
        IF TG_OP <> 'INSERT' THEN versions := versions || OLD.version_id; END IF;
        IF TG_OP <> 'DELETE' THEN versions := versions || NEW.version_id; END IF;
    ELSE
        IF TG_OP <> 'INSERT' THEN steps := steps || OLD.step_id; END IF;
        IF TG_OP <> 'DELETE' THEN steps := steps || NEW.step_id; END IF;
        versions := ARRAY(SELECT version_id FROM scripts_scriptstep WHERE id = ANY(steps));
    END IF;
    IF EXISTS (SELECT FROM scripts_scriptversion WHERE id = ANY(versions) AND status NOT IN ('draft', 'in_review')) THEN
        RAISE EXCEPTION 'an approved script version never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION scripts_refuse_change_of_approved_links() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE questions bigint[] := '{}'; steps bigint[] := '{}';
BEGIN
    IF TG_TABLE_NAME = 'scripts_scriptbranch' THEN
        IF TG_OP <> 'INSERT' THEN questions := questions || OLD.question_id; END IF;
        IF TG_OP <> 'DELETE' THEN questions := questions || NEW.question_id; END IF;
        steps := ARRAY(SELECT step_id FROM scripts_scriptquestion WHERE id = ANY(questions));
    ELSE
        IF TG_OP <> 'INSERT' THEN steps := steps || OLD.step_id; END IF;
        IF TG_OP <> 'DELETE' THEN steps := steps || NEW.step_id; END IF;
    END IF;
    IF EXISTS (
        SELECT FROM scripts_scriptstep s JOIN scripts_scriptversion v ON v.id = s.version_id
        WHERE s.id = ANY(steps) AND v.status NOT IN ('draft', 'in_review')
    ) THEN
        RAISE EXCEPTION 'an approved script version never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION scripts_refuse_unlawful_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.status <> 'draft' THEN
            RAISE EXCEPTION 'a script version begins as a draft' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'DELETE' THEN
        IF OLD.status NOT IN ('draft', 'in_review') THEN
            RAISE EXCEPTION 'an approved script version is kept' USING ERRCODE = 'check_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF NEW.status <> OLD.status AND (OLD.status || '>' || NEW.status) NOT IN (
        'draft>in_review', 'in_review>draft', 'in_review>approved', 'approved>trial', 'approved>live', 'approved>retired',
        'trial>live', 'trial>retired', 'live>retired'
    ) THEN
        RAISE EXCEPTION 'a script version does not go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.status NOT IN ('draft', 'in_review') AND
        (NEW.script_id, NEW.number, NEW.based_on_id, NEW.created_by_id, NEW.created_at, NEW.changed_by_id, NEW.approved_by_id, NEW.approved_at)
        IS DISTINCT FROM
        (OLD.script_id, OLD.number, OLD.based_on_id, OLD.created_by_id, OLD.created_at, OLD.changed_by_id, OLD.approved_by_id, OLD.approved_at)
    THEN
        RAISE EXCEPTION 'an approved script version never changes' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER scriptversion_lawful BEFORE INSERT OR UPDATE OR DELETE ON scripts_scriptversion
    FOR EACH ROW EXECUTE FUNCTION scripts_refuse_unlawful_way();
"""

BACKWARD = """
DROP TRIGGER scriptversion_lawful ON scripts_scriptversion;
DROP FUNCTION scripts_refuse_unlawful_way();

CREATE OR REPLACE FUNCTION scripts_refuse_change_of_approved() RETURNS trigger LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION scripts_refuse_change_of_approved_links() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""


class Migration(migrations.Migration):
    dependencies = [
        ("scripts", "0007_notices_of_changed_articles"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunSQL(SURPLUS, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="scriptversion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "draft")), fields=("script",), name="script_one_draft"
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
