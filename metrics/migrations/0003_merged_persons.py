"""Merged persons are few among millions; each build of a day asks for all of them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("metrics", "0002_bitmaps_uncompressed"), ("customers", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX metrics_merged_persons ON customers_customer (id) INCLUDE (merged_into_id) WHERE merged_into_id IS NOT NULL",
            "DROP INDEX metrics_merged_persons",
        )
    ]
