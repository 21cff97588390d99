from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("metrics", "0004_right_party_in_calls")]

    operations = [
        migrations.AddField("watermark", "activity_until", models.DateTimeField("activity built until", null=True))
    ]
