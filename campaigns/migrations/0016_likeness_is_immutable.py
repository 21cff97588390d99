"""What a training found stays as it was found: a trigger refuses to change or remove it."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION campaigns_refuse_change_of_likeness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a training found never changes' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER likeness_immutable BEFORE UPDATE OR DELETE ON campaigns_likenessmodel
    FOR EACH ROW EXECUTE FUNCTION campaigns_refuse_change_of_likeness();
"""
BACKWARD = """
DROP TRIGGER likeness_immutable ON campaigns_likenessmodel;
DROP FUNCTION campaigns_refuse_change_of_likeness();
"""


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0015_likeness")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
