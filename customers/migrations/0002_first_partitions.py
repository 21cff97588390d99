"""The first month partitions of the contact ledger, and room on a customer's page for the budget's frequent updates."""

from django.db import migrations
from django.utils import timezone


def first_partitions(apps, schema_editor):
    from core.partitions import ensure_partitions

    ensure_partitions("customers_contact", timezone.localdate().replace(day=1), 4)


class Migration(migrations.Migration):
    dependencies = [("customers", "0001_initial"), ("core", "0001_initial")]
    operations = [
        migrations.RunPython(first_partitions, migrations.RunPython.noop),
        migrations.RunSQL("ALTER TABLE customers_customer SET (fillfactor = 85)", migrations.RunSQL.noop),
    ]
