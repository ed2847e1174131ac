from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            "Parcel",
            [
                ("id", models.BigAutoField(primary_key=True)),
                ("code", models.CharField(max_length=40, unique=True)),
                ("note", models.TextField(default="")),
                ("fax", models.CharField(max_length=20, null=True)),
            ],
        ),
    ]
