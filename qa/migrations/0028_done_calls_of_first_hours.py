from django.db import migrations

# Also what was scored or dropped before 0024: taken back, it is scored again, and then it is a call of the first hours.
FORWARD = "UPDATE qa_scoringtask SET pick = 'first_hours' WHERE source = 'full_run' AND pick = 'random'"


class Migration(migrations.Migration):
    dependencies = [("qa", "0027_appeals_go_further")]

    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
