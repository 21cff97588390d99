"""The claim and the dial ask how old the do-not-call register is."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql"


def _execute(schema_editor, statements: str) -> None:
    # no parameters: the text holds % signs of its own
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statements)


def create(apps, schema_editor):
    _execute(schema_editor, (SQL / "0014_register_age.sql").read_text(encoding="utf-8"))


def before(apps, schema_editor):
    """Both functions as they were."""
    text = (SQL / "0005_claim.sql").read_text(encoding="utf-8")
    _execute(schema_editor, "DROP TRIGGER campaigns_rules_changed ON customers_register")
    for name in ("campaigns_rules_judged", "campaigns_dial_refusal"):
        start = text.index(f"CREATE FUNCTION {name}(")
        function = text[start : text.index("$$;", start) + 3]
        _execute(schema_editor, function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    _execute(schema_editor, "DROP FUNCTION campaigns_register_is_stale(bigint, bigint, date)")


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0013_leads_of_person"),
        ("customers", "0017_registers"),
    ]
    operations = [migrations.RunPython(create, before)]
