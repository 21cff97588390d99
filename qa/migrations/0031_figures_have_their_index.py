from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    """Beside scorers at work: the one that holds more took its place."""

    atomic = False
    dependencies = [("qa", "0030_index_of_figures")]
    operations = [RemoveIndexConcurrently(model_name="evaluation", name="evaluation_published")]
