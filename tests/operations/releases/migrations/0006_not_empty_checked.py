from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("parcels", "0005_not_empty")]
    operations = [ValidateConstraint("parcel", "parcel_instructions_given")]
