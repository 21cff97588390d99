from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside scorers at work."""

    atomic = False
    dependencies = [("qa", "0029_count_answers_of_evaluations")]

    operations = [
        AddIndexConcurrently(
            model_name="evaluation",
            index=models.Index(
                condition=models.Q(pick__in=["random", "stratified"], submitted_at__isnull=False, withdrawn_at=None),
                fields=["call_started_at"],
                include=(
                    "city_id",
                    "team_id",
                    "agent_id",
                    "campaign_id",
                    "probability",
                    "reported",
                    "answers_given",
                    "answers_na",
                    "is_grave",
                ),
                name="evaluation_of_figures",
            ),
        ),
    ]
