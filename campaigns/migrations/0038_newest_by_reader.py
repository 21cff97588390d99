"""The newest paths of a version are found for each reader, the reasons of skips for a team, the refusals of some days by themselves."""

import django.contrib.postgres.indexes
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0037_complaints_looked_at"),
        ("people", "0004_undecided_requests_lapse"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="call",
            index=models.Index(
                condition=models.Q(("refuses_offer", True), ("mid_call", True), _connector="OR"),
                fields=["started_at"],
                include=("city_id", "campaign_id", "disposition_id", "step_id", "mid_call", "reason"),
                name="call_refused_day",
            ),
        ),
        migrations.AddIndex(
            model_name="callpath",
            index=models.Index(
                fields=["script_version_id", "campaign_id", "-call_started_at"], name="call_path_campaign"
            ),
        ),
        migrations.AddIndex(
            model_name="callpath",
            index=models.Index(fields=["script_version_id", "city_id", "-call_started_at"], name="call_path_city"),
        ),
        migrations.AddIndex(
            model_name="callpath",
            index=models.Index(fields=["script_version_id", "team_id", "-call_started_at"], name="call_path_team"),
        ),
        migrations.AddIndex(
            model_name="leadskip",
            index=models.Index(fields=["team", "at"], include=("agent", "reason"), name="lead_skip_team"),
        ),
        migrations.AddIndex(
            model_name="leadskip",
            index=django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="lead_skip_age", pages_per_range=32),
        ),
    ]
