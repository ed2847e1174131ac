from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("next_release", "0001_expand")]
    operations = [
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY next_release_origin ON products_product (origin)",
            "DROP INDEX CONCURRENTLY next_release_origin",
        ),
    ]
