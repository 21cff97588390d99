from django.db import migrations, models
from django.db.models import F


def as_far_as_all_facts(apps, schema_editor):
    apps.get_model("metrics", "Partition").objects.update(
        calls_recorded_until=F("recorded_until"), calls_counted_at=F("built_at")
    )


class Migration(migrations.Migration):
    dependencies = [("metrics", "0005_activity_until")]

    operations = [
        migrations.AddField(
            "partition", "calls_recorded_until", models.DateTimeField("newest call recorded", null=True)
        ),
        migrations.AddField("partition", "calls_counted_at", models.DateTimeField("calls counted", null=True)),
        migrations.RunPython(as_far_as_all_facts, migrations.RunPython.noop),
    ]
