from django.db import migrations

from core.migration_operations import ReferenceInRuns


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0011_references_in_sets"),
    ]

    operations = [
        ReferenceInRuns("customer", "city"),
        ReferenceInRuns("customer", "source"),
        ReferenceInRuns("phone", "customer"),
        ReferenceInRuns("consent", "customer"),
    ]
