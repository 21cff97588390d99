"""The newest refusals of a campaign or a city are found without reading its calls."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0033_experiments"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("refuses_offer", True), ("mid_call", True), _connector="OR"),
                fields=["campaign_id", "started_at"],
                name="call_refused_campaign",
            ),
        ),
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("refuses_offer", True), ("mid_call", True), _connector="OR"),
                fields=["city_id", "started_at"],
                name="call_refused_city",
            ),
        ),
    ]
