from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_pending_email")]

    operations = [
        migrations.AddField(
            "lockout",
            "day_tries",
            models.PositiveIntegerField(db_default=0, help_text="Without a day's rest; strangers have a budget."),
        ),
        migrations.AddField("lockout", "day_expires_at", models.DateTimeField(db_default=Now())),
        migrations.AlterField(
            "lockout",
            "subject",
            models.CharField(help_text="The person, or the hash of a login nobody has.", max_length=64),
        ),
        migrations.AddIndex("code", models.Index(models.F("created_at"), name="code_time")),
        migrations.AddIndex("guess", models.Index(models.F("created_at"), name="guess_time")),
        migrations.AddIndex("link", models.Index(models.F("expires_at"), name="link_expiry")),
        migrations.AddIndex("lockout", models.Index(models.F("expires_at"), name="lockout_expiry")),
    ]
