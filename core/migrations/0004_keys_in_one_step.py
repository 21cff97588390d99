from django.db import migrations

# Whoever waits for the first post with a key waits for so long and no longer; the rest of the transaction waits as it always does.
FUNCTION = """
CREATE FUNCTION core_take_key(p_user bigint, p_key text, p_fingerprint bytea, p_wait text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_taken boolean;
BEGIN
    PERFORM set_config('lock_timeout', p_wait, true);
    INSERT INTO core_idempotencykey (user_id, key, fingerprint) VALUES (p_user, p_key, p_fingerprint) ON CONFLICT DO NOTHING;
    v_taken := FOUND;
    PERFORM set_config('lock_timeout', '0', true);
    RETURN v_taken;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_changes_of_rooms"),
    ]

    operations = [migrations.RunSQL(FUNCTION, "DROP FUNCTION core_take_key(bigint, text, bytea, text)")]
