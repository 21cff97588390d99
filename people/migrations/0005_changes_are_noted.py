from django.db import migrations

from core.migration_operations import note_changes


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_changes_of_rooms"),
        ("people", "0004_undecided_requests_lapse"),
    ]

    operations = [
        note_changes("people", "people_user", "people_membership", "people_team", "people_city", "people_zone"),
    ]
