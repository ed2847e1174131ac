from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = [("products", "0001_initial")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE products_product ADD COLUMN origin text DEFAULT '' NOT NULL",
            "ALTER TABLE products_product DROP COLUMN origin",
        ),
    ]
