"""Release N+1: release N does not know the column and leaves it to its default."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("parcels", "0001_initial")]
    operations = [migrations.AddField("parcel", "instructions", models.TextField(db_default=""))]
