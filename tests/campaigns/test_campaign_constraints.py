"""What the database itself refuses, whoever writes to it."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from apps.campaigns.models import Campaign, CampaignPeriod, CampaignSite, Finding, ImportRun, Repair

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        (Campaign, {"name": "verano_centro", "part": 1}),
        (Campaign, {"part": 0}),
        (Campaign, {"status": "guessed"}),
        (Campaign, {"tipo_campania": "semanal"}),
        (Campaign, {"fecha_fin": "1999-01-01"}),
        (Campaign, {"impactos_personas": -1}),
        (Campaign, {"alcance": 10**12}),
        (Campaign, {"nse_ab": "1.5"}),
        (Campaign, {"hourly_vehicle_counts": [1, 2, 3]}),
        (CampaignPeriod, {"period": "2025-17"}),
        (CampaignPeriod, {"status": "guessed"}),
        (CampaignPeriod, {"impactos_periodo_vehiculos": -1}),
        (CampaignSite, {"fecha_uso_fin": "1999-01-01"}),
        (CampaignSite, {"per_hom": "-0.1"}),
        (CampaignSite, {"mes": None, "impactos_mensuales": 5}),
        (Repair, {"rule": "invented"}),
        (Repair, {"proof": ""}),
        (Finding, {"severity": "wild"}),
        (ImportRun, {"state": "half"}),
        (ImportRun, {"state": "refused", "published": 3}),
    ],
)
def test_an_impossible_row_is_refused(demo, table, changes):
    demo.publish()
    with pytest.raises(IntegrityError), transaction.atomic():
        table.objects.update(**changes)


def test_the_import_a_campaign_came_from_cannot_be_removed_under_it(demo):
    demo.publish()
    with pytest.raises(ProtectedError):
        ImportRun.objects.get().delete()
    assert Campaign.objects.count() == 7
