"""No stage is entered while its gate is closed, whoever writes; an override stays for ever, and no gate is taken away.

A campaign without a row for the stage (history of another system) has no gate to pass.
"""

from django.db import migrations

FORWARD = """
CREATE FUNCTION campaigns_stage_is_guarded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM campaigns_gate WHERE campaign_id = NEW.id AND stage = NEW.stage AND status NOT IN ('passed', 'overridden')) THEN
        RAISE EXCEPTION 'the gate before stage % is not passed', NEW.stage USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER campaign_stage_is_guarded BEFORE UPDATE OF stage ON campaigns_campaign
    FOR EACH ROW WHEN (NEW.stage IS DISTINCT FROM OLD.stage) EXECUTE FUNCTION campaigns_stage_is_guarded();
CREATE FUNCTION campaigns_gate_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a gate is never taken away' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.campaign_id <> NEW.campaign_id OR OLD.stage <> NEW.stage THEN
        RAISE EXCEPTION 'a gate guards one stage of one campaign' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.status = 'overridden' AND to_jsonb(NEW) <> to_jsonb(OLD) THEN
        RAISE EXCEPTION 'an override stays as it was' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER gate_stays BEFORE UPDATE OR DELETE ON campaigns_gate FOR EACH ROW EXECUTE FUNCTION campaigns_gate_stays();
"""
BACKWARD = """
DROP TRIGGER gate_stays ON campaigns_gate;
DROP FUNCTION campaigns_gate_stays();
DROP TRIGGER campaign_stage_is_guarded ON campaigns_campaign;
DROP FUNCTION campaigns_stage_is_guarded();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0039_recordings_above")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
