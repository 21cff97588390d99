"""A campaign that comes first keeps a person from the others only while it could call the person itself."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql"

# (function, what stands there, what stands there from now on). The functions are read as they are: only these places of theirs change.
CHANGES = [
    (
        "campaigns_claim_lead",
        "NOT EXISTS (\n"
        "                        SELECT FROM campaigns_lead o\n"
        "                        WHERE o.customer_id = l.customer_id AND o.state = 'open' AND o.campaign_id = ANY (k.prior) OFFSET 0))\n",
        "campaigns_wanted_first(l.customer_id, k.prior, p_today, v_now) IS NULL)\n",
    ),
    (
        "campaigns_move_blocked_back",
        "v_prior IS NOT NULL AND EXISTS (\n"
        "                    SELECT FROM campaigns_lead o\n"
        "                    WHERE o.customer_id = f.customer_id AND o.state = 'open' AND o.campaign_id = ANY (v_prior) OFFSET 0)\n",
        # noon of the place's day is on that day in every session's zone but the farthest
        "v_prior IS NOT NULL AND campaigns_wanted_first(f.customer_id, v_prior, (p_day_start + interval '12 hours')::date, p_now) IS NOT NULL\n",
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
    _execute(schema_editor, (SQL / "0024_wanted_first.sql").read_text(encoding="utf-8"))
    _change(schema_editor, CHANGES)


def remove(apps, schema_editor):
    _change(schema_editor, [(function, new, old) for function, old, new in reversed(CHANGES)])
    _execute(schema_editor, "DROP FUNCTION campaigns_wanted_first(bigint, bigint[], date, timestamptz)")
    before = (SQL / "0023_served_first.sql").read_text(encoding="utf-8")
    _execute(schema_editor, before.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0023_precedence")]
    operations = [migrations.RunPython(create, remove)]
