from django.db import migrations

from core.migration_operations import note_changes


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0003_changes_of_rooms"),
        ("scripts", "0008_one_draft_and_lawful_ways"),
    ]

    operations = [
        note_changes(
            "scripts",
            "scripts_product",
            "scripts_offer",
            "scripts_script",
            "scripts_scriptversion",
            "scripts_scriptstep",
            "scripts_scriptquestion",
            "scripts_scriptbranch",
            "scripts_stepobjection",
            "scripts_stepquote",
            "scripts_article",
            "scripts_objection",
            "scripts_objectionanswer",
            "scripts_scenario",
        ),
    ]
