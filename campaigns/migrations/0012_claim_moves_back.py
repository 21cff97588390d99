"""The claim moves leads that are blocked for a while back from the front of their queue."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql"


def _execute(schema_editor, statements: str) -> None:
    # no parameters: the text holds % signs of its own
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statements)


def create(apps, schema_editor):
    _execute(schema_editor, (SQL / "0012_claim_moves_back.sql").read_text(encoding="utf-8"))


def before(apps, schema_editor):
    """The claim as it was."""
    text = (SQL / "0005_claim.sql").read_text(encoding="utf-8")
    start = text.index("CREATE FUNCTION campaigns_claim_lead(")
    claim = text[start : text.index("$$;", start) + 3]
    _execute(schema_editor, claim.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    _execute(
        schema_editor,
        "DROP FUNCTION campaigns_move_blocked_back(bigint, bigint, text, bigint, timestamptz, boolean, boolean, int[], interval[], bigint[], timestamptz)",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0011_open_promises"),
        ("customers", "0013_fewer_indexes"),
    ]
    operations = [migrations.RunPython(create, before)]
