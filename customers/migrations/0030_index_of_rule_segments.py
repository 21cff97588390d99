from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside claims and imports, which write to the table all the time."""

    atomic = False
    dependencies = [("customers", "0029_segment_rules_and_grey_hours")]

    operations = [
        AddIndexConcurrently(
            "customer",
            models.Index(
                fields=["rule_segments"],
                name="customer_rule_segments",
                condition=models.Q(rule_segments__isnull=False),
            ),
        ),
    ]
