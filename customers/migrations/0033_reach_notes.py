"""Who keeps for all persons whether they have a number to call and a consent is told of whom that may have changed.

A note is written in the transaction of the change, with its number: whether somebody who looked earlier saw it is a question to the snapshot
of that look. Of entries in lists the numbers are noted, not whose they are: who reads may see a number that who wrote did not. A statement
that changes many is noted without either: everything is to be looked at again.
"""

from django.db import migrations

NOTES = """
CREATE TABLE customers_reach_note (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- both NULL: many
    persons bigint[],
    numbers bytea[]
);
CREATE INDEX customers_reach_note_xid ON customers_reach_note (xid);
CREATE INDEX customers_reach_note_at ON customers_reach_note (at);

CREATE FUNCTION customers_note_reach() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    v_most CONSTANT int := 1000;
    v_persons bigint[] := '{}';
    v_numbers bytea[] := '{}';
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        v_persons := array_fill(0::bigint, ARRAY[v_most + 1]);
    ELSIF TG_TABLE_NAME = 'customers_suppression' AND TG_OP = 'INSERT' THEN
        v_numbers := ARRAY(SELECT s.phone_blind FROM made s WHERE s.phone_blind IS NOT NULL LIMIT v_most + 1);
    ELSIF TG_TABLE_NAME = 'customers_suppression' AND TG_OP = 'DELETE' THEN
        v_numbers := ARRAY(SELECT s.phone_blind FROM gone s WHERE s.phone_blind IS NOT NULL LIMIT v_most + 1);
    ELSIF TG_TABLE_NAME = 'customers_suppression' THEN
        v_numbers := ARRAY(
            SELECT x.phone_blind FROM (SELECT phone_blind FROM made UNION SELECT phone_blind FROM gone) x WHERE x.phone_blind IS NOT NULL LIMIT v_most + 1);
    ELSIF TG_OP = 'INSERT' THEN
        v_persons := ARRAY(SELECT m.customer_id FROM made m LIMIT v_most + 1);
    ELSIF TG_OP = 'DELETE' THEN
        v_persons := ARRAY(SELECT g.customer_id FROM gone g LIMIT v_most + 1);
    ELSE
        v_persons := ARRAY(SELECT x.customer_id FROM (SELECT customer_id FROM made UNION SELECT customer_id FROM gone) x LIMIT v_most + 1);
    END IF;
    IF cardinality(v_persons) + cardinality(v_numbers) > v_most THEN
        INSERT INTO customers_reach_note (persons, numbers) VALUES (NULL, NULL);
    ELSIF cardinality(v_persons) + cardinality(v_numbers) > 0 THEN
        INSERT INTO customers_reach_note (persons, numbers) VALUES (v_persons, v_numbers);
    END IF;
    RETURN NULL;
END $$;
"""
TABLES = ("customers_phone", "customers_consent", "customers_suppression")
EVENTS = {
    "insert": "AFTER INSERT ON {table} REFERENCING NEW TABLE AS made",
    "update": "AFTER UPDATE ON {table} REFERENCING OLD TABLE AS gone NEW TABLE AS made",
    "delete": "AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone",
    "truncate": "AFTER TRUNCATE ON {table}",
}


def triggers():
    for table in TABLES:
        for event, when in EVENTS.items():
            name = f"{table}_reach_{event}"
            yield (
                f"CREATE TRIGGER {name} {when.format(table=table)} FOR EACH STATEMENT EXECUTE FUNCTION customers_note_reach()",
                f"DROP TRIGGER {name} ON {table}",
            )
            # also where other triggers are off, as while the demo is stored
            yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}", None


MAKE = [NOTES, *(make for make, _drop in triggers())]
DROP = [
    *(drop for _make, drop in triggers() if drop),
    "DROP FUNCTION customers_note_reach()",
    "DROP TABLE customers_reach_note",
]


class Migration(migrations.Migration):
    dependencies = [("customers", "0032_changes_are_noted")]
    operations = [migrations.RunSQL(MAKE, DROP)]
