from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("parcels", "0004_backfill")]
    operations = [
        AddConstraintNotValid(
            "parcel",
            models.CheckConstraint(condition=~models.Q(instructions=""), name="parcel_instructions_given"),
        ),
    ]
