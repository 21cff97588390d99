"""Lots by which samples are drawn, and the trigger that keeps leads within them."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql" / "0018_lots.sql"
DROP = """
DROP TRIGGER lead_within_sample ON campaigns_lead;
DROP FUNCTION campaigns_within_sample();
DROP FUNCTION campaigns_draw(bigint, bigint);
"""


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(SQL.read_text(encoding="utf-8"))


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0017_list_samples")]
    operations = [migrations.RunPython(create, lambda apps, editor: editor.execute(DROP))]
