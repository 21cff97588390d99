from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0007_one_lead_per_agent")]

    operations = [
        migrations.AlterField(
            model_name="callimport",
            name="status",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting to be checked"),
                    ("checking", "Being checked"),
                    ("checked", "Checked, not yet imported"),
                    ("importing", "Being imported"),
                    ("partly", "Partly imported"),
                    ("imported", "Imported"),
                    ("failed", "Could not be read"),
                    ("cancelled", "Given up"),
                ],
                default="waiting",
                max_length=10,
                verbose_name="status",
            ),
        ),
    ]
