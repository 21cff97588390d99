"""A published form stays as it was: triggers refuse every change to its stages and items, and let its status only go on."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION qa_form_is_draft(p_version bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT status = 'draft' FROM qa_formversion WHERE id = p_version), true)
$$;
CREATE FUNCTION qa_refuse_change_of_published() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE versions bigint[];
BEGIN
    IF TG_TABLE_NAME = 'qa_formstage' THEN
        versions := ARRAY[CASE WHEN TG_OP <> 'INSERT' THEN OLD.version_id END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.version_id END];
    ELSE
        versions := ARRAY(SELECT version_id FROM qa_formstage WHERE id = CASE WHEN TG_OP <> 'INSERT' THEN OLD.stage_id END
            OR id = CASE WHEN TG_OP <> 'DELETE' THEN NEW.stage_id END);
    END IF;
    IF EXISTS (SELECT FROM unnest(versions) v WHERE v IS NOT NULL AND NOT qa_form_is_draft(v)) THEN
        RAISE EXCEPTION 'a published form never changes' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER formstage_immutable BEFORE INSERT OR UPDATE OR DELETE ON qa_formstage
    FOR EACH ROW EXECUTE FUNCTION qa_refuse_change_of_published();
CREATE TRIGGER formitem_immutable BEFORE INSERT OR UPDATE OR DELETE ON qa_formitem
    FOR EACH ROW EXECUTE FUNCTION qa_refuse_change_of_published();
CREATE FUNCTION qa_form_goes_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'draft' THEN
            RAISE EXCEPTION 'a published form is archived, not deleted' USING ERRCODE = 'check_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF OLD.status = 'draft' AND NEW.status IN ('draft', 'published') THEN RETURN NEW; END IF;
    IF OLD.status = 'published' AND NEW.status = 'archived' AND (to_jsonb(NEW) - 'status') = (to_jsonb(OLD) - 'status') THEN RETURN NEW; END IF;
    IF to_jsonb(NEW) = to_jsonb(OLD) THEN RETURN NEW; END IF;
    RAISE EXCEPTION 'a published form never changes' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER formversion_goes_on BEFORE UPDATE OR DELETE ON qa_formversion
    FOR EACH ROW EXECUTE FUNCTION qa_form_goes_on();
"""
BACKWARD = """
DROP TRIGGER formversion_goes_on ON qa_formversion;
DROP TRIGGER formitem_immutable ON qa_formitem;
DROP TRIGGER formstage_immutable ON qa_formstage;
DROP FUNCTION qa_form_goes_on();
DROP FUNCTION qa_refuse_change_of_published();
DROP FUNCTION qa_form_is_draft(bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("qa", "0003_forms_and_evaluations")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
