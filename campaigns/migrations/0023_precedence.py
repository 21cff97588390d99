"""Of two campaigns of an exclusion group that want a person, the one with the higher precedence is served first, by the claim itself."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).resolve().parents[1] / "sql" / "0023_served_first.sql"
# (function, what stands there, what stands there from now on). The functions are read as they are: only these places of theirs change.
CHANGES = [
    (
        "campaigns_claim_lead",
        "SELECT c.id, c.product_id, c.exclusion_group, c.purpose, c.lease_seconds,",
        "SELECT c.id, c.product_id, c.exclusion_group, c.purpose, c.lease_seconds,\n"
        "            CASE WHEN c.exclusion_group <> '' THEN campaigns_served_first(c.id) END AS prior,",
    ),
    (
        "campaigns_claim_lead",
        "                    -- these and the number above are written out, not called:",
        "                    -- a promise was made to the customer, whoever else wants the person\n"
        "                    AND (k.prior IS NULL OR l.callback_agent_id IS NOT NULL\n"
        "                        OR campaigns_wanted_first(l.customer_id, k.prior, p_today, v_now) IS NULL)\n"
        "                    -- these and the number above are written out, not called:",
    ),
    (
        "campaigns_move_blocked_back",
        "    v_count int;\n",
        "    v_count int;\n    v_prior bigint[] := campaigns_served_first(p_campaign);\n",
    ),
    (
        "campaigns_move_blocked_back",
        "                CASE WHEN p.is_suppressed OR p.merged_into_id IS NOT NULL\n",
        # noon of the place's day is on that day in every session's zone but the farthest
        "                CASE WHEN v_prior IS NOT NULL AND campaigns_wanted_first(\n"
        "                    f.customer_id, v_prior, (p_day_start + interval '12 hours')::date, p_now) IS NOT NULL\n"
        "                    THEN p_now + interval '30 minutes' END,\n"
        "                CASE WHEN p.is_suppressed OR p.merged_into_id IS NOT NULL\n",
    ),
]


def _execute(schema_editor, statement, *fetch):
    # no parameters: the text holds % signs of its own
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0] if fetch else None


def _change(schema_editor, changes):
    for function, old, new in changes:
        text = _execute(schema_editor, f"SELECT pg_get_functiondef('{function}'::regproc)", "one")
        if text.count(old) != 1:
            raise RuntimeError(f"{function} reads otherwise than this migration knows: {old}")
        _execute(schema_editor, text.replace(old, new))


def create(apps, schema_editor):
    _execute(schema_editor, SQL.read_text(encoding="utf-8"))
    _change(schema_editor, CHANGES)


def remove(apps, schema_editor):
    _change(schema_editor, [(function, new, old) for function, old, new in reversed(CHANGES)])
    _execute(schema_editor, "DROP FUNCTION campaigns_served_first(bigint)")
    _execute(schema_editor, "DROP FUNCTION campaigns_wanted_first(bigint, bigint[], date, timestamptz)")


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0022_quiet_times_and_greylist")]
    operations = [
        migrations.AddField(
            model_name="campaign",
            name="precedence",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=0,
                help_text="Of two campaigns of one exclusion group that want a person, the one with the higher number is served first.",
                verbose_name="precedence",
            ),
        ),
        migrations.RunPython(create, remove),
    ]
