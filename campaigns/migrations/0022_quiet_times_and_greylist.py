"""Claim and dial keep to the do-not-disturb times of persons and to the conditions of the greylist."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql"
# as 0020 has it: a subquery with OFFSET is never turned into a hash
ASKED = "AND (o.expires_at IS NULL OR o.expires_at > v_now)))"
ASKED_EACH = "AND (o.expires_at IS NULL OR o.expires_at > v_now) OFFSET 0))"


def _execute(schema_editor, statements: str) -> None:
    # no parameters: the text holds % signs of its own
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statements)


def create(apps, schema_editor):
    _execute(schema_editor, (SQL / "0022_quiet_times_and_greylist.sql").read_text(encoding="utf-8"))


def before(apps, schema_editor):
    """The three functions as they were."""
    claim = (SQL / "0012_claim_moves_back.sql").read_text(encoding="utf-8").replace(ASKED, ASKED_EACH)
    _execute(schema_editor, claim.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    dial = (SQL / "0014_register_age.sql").read_text(encoding="utf-8")
    start = dial.index("CREATE OR REPLACE FUNCTION campaigns_dial_refusal(")
    _execute(schema_editor, dial[start : dial.index("$$;", start) + 3])
    _execute(schema_editor, "DROP FUNCTION campaigns_is_quiet(bigint, timestamptz)")
    _execute(schema_editor, "DROP FUNCTION campaigns_grey_allows(bigint, text, boolean, timestamptz)")


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0021_register_sources"),
        ("customers", "0023_quiet_times_and_greylist"),
    ]
    operations = [migrations.RunPython(create, before)]
