from django.db import migrations

from core.migration_operations import note_changes


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_changes_of_rooms"),
        ("customers", "0031_nineteen_attempts_at_most"),
    ]

    operations = [
        note_changes("rules", "customers_rulepack", "customers_contactrule"),
        note_changes("sources", "customers_source"),
    ]
