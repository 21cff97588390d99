"""Bitmaps are compressed already: storing them as they are spares the time of trying again."""

from django.db import migrations

SETS = (
    "customers_called",
    "customers_reached",
    "customers_right_party",
    "customers_won",
    "customers_cancelled",
    "inbound_customers",
    "inbound_won",
    "customers_recommended",
    "customers_accepted",
    "customers_complained",
)


def statement(table: str, storage: str) -> str:
    return f"ALTER TABLE {table} " + ", ".join(f"ALTER COLUMN {name}_ids SET STORAGE {storage}" for name in SETS)


class Migration(migrations.Migration):
    dependencies = [("metrics", "0001_initial")]
    operations = [
        migrations.RunSQL(statement(table, "EXTERNAL"), statement(table, "EXTENDED"))
        for table in ("metrics_dayfigures", "metrics_periodfigures")
    ]
