"""What desks ask again and again, as functions; changes of what desks keep in memory are noted."""

from pathlib import Path

from django.db import migrations

from core.migration_operations import note_changes

SQL = Path(__file__).resolve().parents[1] / "sql" / "0041_desk.sql"
DROP = """
DROP FUNCTION campaigns_own_promises(bigint, int);
DROP FUNCTION campaigns_own_day(bigint, timestamptz, timestamptz);
DROP FUNCTION campaigns_history(bigint, int);
DROP FUNCTION campaigns_enter_state(bigint, bigint, text, text, bigint, timestamptz);
DROP FUNCTION campaigns_pulse(bigint);
DROP FUNCTION campaigns_withdrawn(bigint, timestamptz);
"""


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(SQL.read_text(encoding="utf-8"))


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0040_stages_are_guarded"),
        ("core", "0003_changes_of_rooms"),
        ("customers", "0032_changes_are_noted"),
        ("scripts", "0009_changes_are_noted"),
    ]

    operations = [
        migrations.RunPython(create, lambda apps, schema_editor: schema_editor.execute(DROP)),
        note_changes(
            "campaigns",
            "campaigns_campaign",
            "campaigns_campaign_packs",
            "campaigns_disposition",
            "campaigns_retryrule",
            "campaigns_experiment",
            "campaigns_experimentarm",
        ),
    ]
