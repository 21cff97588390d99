"""Claim and dial keep to the conditions of the greylist."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql"


def _execute(schema_editor, statements: str) -> None:
    # no parameters: the text holds % signs of its own
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statements)


def create(apps, schema_editor):
    _execute(schema_editor, (SQL / "0023_greylist.sql").read_text(encoding="utf-8"))


def before(apps, schema_editor):
    text = (SQL / "0022_quiet_times.sql").read_text(encoding="utf-8")
    _execute(schema_editor, text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    _execute(schema_editor, "DROP FUNCTION campaigns_grey_allows(bigint, text, boolean, timestamptz)")


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0022_quiet_times"),
        ("customers", "0022_greylist"),
    ]
    operations = [migrations.RunPython(create, before)]
