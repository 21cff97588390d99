"""The rule packs that ship exist in every installation: without hours nobody would be called."""

from django.db import migrations


def add_packs(apps, schema_editor):
    from customers.services.packs import seed

    seed(apps.get_model("customers", "RulePack"), apps.get_model("customers", "ContactRule"))


class Migration(migrations.Migration):
    dependencies = [("customers", "0003_history_and_lift_reason")]
    operations = [migrations.RunPython(add_packs, migrations.RunPython.noop)]
