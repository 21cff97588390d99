"""Recordings have moved up to quality, which came to hold them; nothing was ever stored here."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0035_region_queue"),
    ]

    operations = [
        migrations.DeleteModel(
            name="Recording",
        ),
    ]
