from django.db import migrations, models

FUNCTION = """
CREATE FUNCTION core_note_change() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- inserted, never updated: writers of a room do not wait for one another
    INSERT INTO core_change (room, weight) VALUES (TG_ARGV[0], floor(random() * 9007199254740991) + 1);
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_ring_check"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoomChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("room", models.CharField(max_length=20)),
                ("weight", models.DecimalField(decimal_places=0, max_digits=40)),
            ],
            options={
                "verbose_name": "change of a room",
                "db_table": "core_change",
            },
        ),
        # everybody who is signed in reads all rows with each request: the dead ones go soon
        migrations.RunSQL(
            "ALTER TABLE core_change SET (autovacuum_vacuum_threshold = 50, autovacuum_vacuum_scale_factor = 0)",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION core_note_change()"),
    ]
