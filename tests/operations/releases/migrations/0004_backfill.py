"""Release N+2: nobody writes parcels without instructions any more."""

from django.db import migrations
from django.db.models import F

from core.backfills import backfill


def copy_notes(apps, schema_editor):
    parcels = apps.get_model("parcels", "Parcel").objects.filter(instructions="").exclude(note="")
    backfill(rows=parcels, change=lambda batch: batch.update(instructions=F("note")), batch_rows=100)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("parcels", "0003_forget_fax")]
    operations = [migrations.RunPython(copy_notes, migrations.RunPython.noop)]
