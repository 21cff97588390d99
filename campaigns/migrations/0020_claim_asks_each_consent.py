"""The claim asks for the consent of each person it looks at. In a long queue the planner read all consents into a hash instead, at every claim."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parents[1] / "sql" / "0012_claim_moves_back.sql"
ASKED = "AND (o.expires_at IS NULL OR o.expires_at > v_now)))"
# a subquery with OFFSET is never turned into a hash
ASKED_EACH = "AND (o.expires_at IS NULL OR o.expires_at > v_now) OFFSET 0))"


def _claim() -> str:
    text = SQL.read_text(encoding="utf-8")
    return text[text.index("CREATE OR REPLACE FUNCTION campaigns_claim_lead(") :]


def _execute(schema_editor, statement: str) -> None:
    # no parameters: the text holds % signs of its own
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(statement)


def create(apps, schema_editor):
    claim = _claim()
    if claim.count(ASKED) != 1:
        raise RuntimeError("the claim asks for consents in another way than this migration knows")
    _execute(schema_editor, claim.replace(ASKED, ASKED_EACH))


def before(apps, schema_editor):
    _execute(schema_editor, _claim())


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0019_stock_alert_days")]
    operations = [migrations.RunPython(create, before)]
