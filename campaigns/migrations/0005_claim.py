"""The claim: one function that hands out a lead with all rules inside."""

from pathlib import Path

from django.db import migrations

DROP = """
DROP FUNCTION campaigns_dial_refusal(bigint, date, timestamptz);
DROP FUNCTION campaigns_claim_lead(bigint, bigint, bigint, date, timestamptz);
DROP FUNCTION campaigns_has_consent(bigint, timestamptz);
DROP FUNCTION campaigns_number_to_dial(bigint, bigint, bigint, timestamptz);
DROP FUNCTION campaigns_is_suppressed(bigint, bigint, bigint, timestamptz);
DROP FUNCTION campaigns_rules_now(bigint, bigint, date, timestamptz);
DROP FUNCTION campaigns_rules_changed() CASCADE;
DROP TABLE campaigns_rules_kept, campaigns_rules_version;
DROP FUNCTION campaigns_rules_judged(bigint, bigint, date, timestamptz);
"""


def create(apps, schema_editor):
    sql = Path(__file__).resolve().parents[1] / "sql" / "0005_claim.sql"
    # no parameters: the text holds % signs of its own
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(sql.read_text(encoding="utf-8"))


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0004_live_calls"),
        ("customers", "0002_first_partitions"),
        ("people", "0001_initial"),
        ("scripts", "0001_initial"),
    ]
    operations = [migrations.RunPython(create, lambda apps, editor: editor.execute(DROP))]
