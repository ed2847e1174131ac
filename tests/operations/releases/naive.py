"""The same change as makemigrations writes it: one migration, and release N fails from its commit on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("parcels", "0001_initial")]
    operations = [
        migrations.AddField("parcel", "instructions", models.TextField(default="")),
        migrations.RemoveField("parcel", "fax"),
    ]
