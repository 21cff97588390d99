"""The rules for keeping recordings that are shipped: half a year, sales three years as the orders; each can be changed."""

from django.db import migrations

SHIPPED = [
    (False, 180, "Quality and complaints are settled within half a year."),
    (True, 1095, "As long as the order of the call is kept."),
]


def ship(apps, schema_editor):
    rule = apps.get_model("qa", "KeepRule")
    for of_sales, days, basis in SHIPPED:
        rule.objects.get_or_create(product=None, of_sales=of_sales, defaults={"days": days, "basis": basis})


class Migration(migrations.Migration):
    dependencies = [
        ("qa", "0001_recordings"),
    ]

    operations = [migrations.RunPython(ship, migrations.RunPython.noop, elidable=False)]
