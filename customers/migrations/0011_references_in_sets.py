import django.db.models.deletion
from django.db import migrations, models

from core.migration_operations import ReferenceInSets


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0010_held_rows"),
        ("people", "0002_export_requests"),
    ]

    operations = [
        migrations.AlterField(
            model_name="consent",
            name="customer",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="consents",
                to="customers.customer",
                verbose_name="customer",
            ),
        ),
        migrations.AlterField(
            model_name="customer",
            name="city",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                to="people.city",
                verbose_name="city",
            ),
        ),
        migrations.AlterField(
            model_name="customer",
            name="source",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="customers.source",
                verbose_name="source",
            ),
        ),
        migrations.AlterField(
            model_name="phone",
            name="customer",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="phones",
                to="customers.customer",
                verbose_name="customer",
            ),
        ),
        ReferenceInSets("customer", "city"),
        ReferenceInSets("customer", "source"),
        ReferenceInSets("phone", "customer"),
        ReferenceInSets("consent", "customer"),
    ]
