"""Release N+1: its code forgets the column; release N still reads and writes it."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("parcels", "0002_expand")]
    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("parcel", "fax")]),
    ]
