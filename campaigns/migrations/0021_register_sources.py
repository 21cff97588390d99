"""The age of the do-not-call registers is asked source by source; the oldest source in use decides."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql"


def _execute(schema_editor, statements: str) -> None:
    # no parameters: the text holds % signs of its own
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statements)


def create(apps, schema_editor):
    _execute(schema_editor, (SQL / "0021_register_sources.sql").read_text(encoding="utf-8"))


def before(apps, schema_editor):
    """Both functions as they were."""
    text = (SQL / "0014_register_age.sql").read_text(encoding="utf-8")
    _execute(schema_editor, "DROP TRIGGER campaigns_rules_changed ON customers_registerretirement")
    for name in ("campaigns_rules_judged", "campaigns_register_is_stale"):
        start = text.index(f"FUNCTION {name}(")
        _execute(schema_editor, "CREATE OR REPLACE " + text[start : text.index("$$;", start) + 3])


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0020_claim_asks_each_consent"),
        ("customers", "0022_register_sources"),
    ]
    operations = [migrations.RunPython(create, before)]
