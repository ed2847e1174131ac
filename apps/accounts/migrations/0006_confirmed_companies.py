from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models.functions import Now


def confirm_what_operators_made(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Who registers a company is its first member; of one with nobody in it an import is the likely maker."""
    companies = apps.get_model("accounts", "Company").objects
    companies.filter(memberships=None, invitations=None).update(confirmed_at=Now())


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_door_indexes")]

    operations = [
        migrations.AddField(
            "company",
            "confirmed_at",
            models.DateTimeField(
                blank=True, help_text="When an operator vouched for it. Anybody may register any free name.", null=True
            ),
        ),
        migrations.RunPython(confirm_what_operators_made, migrations.RunPython.noop),
    ]
