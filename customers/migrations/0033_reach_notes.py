"""Who keeps for all persons whether they have a number to call and a consent is told of whom that may have changed.

A note is written in the transaction of the change, with its number: whether somebody who looked earlier saw it is a question to the snapshot
of that look. A statement that changes many is noted without names: everything is to be looked at again.
"""

from django.db import migrations

NOTES = """
CREATE TABLE customers_reach_note (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    persons bigint[]
);
CREATE INDEX customers_reach_note_xid ON customers_reach_note (xid);
CREATE INDEX customers_reach_note_at ON customers_reach_note (at);

CREATE FUNCTION customers_note_reach() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_most CONSTANT int := 5000;
    v_rows bigint := 0;
    v_persons bigint[] := '{}';
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        v_rows := v_most + 1;
    ELSIF TG_OP = 'INSERT' THEN
        SELECT count(*) INTO v_rows FROM (SELECT FROM made LIMIT v_most + 1) x;
    ELSE
        SELECT count(*) INTO v_rows FROM (SELECT FROM gone LIMIT v_most + 1) x;
    END IF;
    IF v_rows = 0 THEN RETURN NULL; END IF;
    IF v_rows > v_most THEN
        INSERT INTO customers_reach_note (persons) VALUES (NULL);
        RETURN NULL;
    END IF;
    -- numbers on lists: whose they are
    IF TG_TABLE_NAME = 'customers_suppression' AND TG_OP = 'INSERT' THEN
        SELECT array_agg(n.customer_id) INTO v_persons FROM made s JOIN customers_phone n ON n.blind_index = s.phone_blind;
    ELSIF TG_TABLE_NAME = 'customers_suppression' AND TG_OP = 'DELETE' THEN
        SELECT array_agg(n.customer_id) INTO v_persons FROM gone s JOIN customers_phone n ON n.blind_index = s.phone_blind;
    ELSIF TG_TABLE_NAME = 'customers_suppression' THEN
        SELECT array_agg(n.customer_id) INTO v_persons
        FROM (SELECT phone_blind FROM made UNION SELECT phone_blind FROM gone) s JOIN customers_phone n ON n.blind_index = s.phone_blind;
    ELSIF TG_OP = 'INSERT' THEN
        SELECT array_agg(m.customer_id) INTO v_persons FROM made m;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(g.customer_id) INTO v_persons FROM gone g;
    ELSE
        SELECT array_agg(x.customer_id) INTO v_persons FROM (SELECT customer_id FROM made UNION SELECT customer_id FROM gone) x;
    END IF;
    IF cardinality(v_persons) > 0 THEN
        INSERT INTO customers_reach_note (persons) VALUES (v_persons);
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
