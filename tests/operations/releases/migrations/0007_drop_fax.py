"""Release N+2: the release before it has forgotten the column."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("parcels", "0006_not_empty_checked")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE parcels_parcel DROP COLUMN IF EXISTS fax",
            "ALTER TABLE parcels_parcel ADD COLUMN IF NOT EXISTS fax varchar(20) NULL",
        ),
    ]
