"""The one way in for campaign numbers."""

from pathlib import Path

from apps.campaigns.services.delivery import read_delivery
from apps.campaigns.services.publishing import preview, publish, record_refusal
from apps.campaigns.services.report import ImportReport
from core.clock import now


def import_campaigns(
    *, directory: Path, dry_run: bool = False, requested_by: str = "", company: str = ""
) -> ImportReport:
    """Publish the delivery in a folder, all or nothing. A refusal is not raised: it is what the report says.

    A refused delivery publishes nothing and stays on record; a dry run writes nothing at all. Raises
    `CampaignsOfAnotherCompany` when a `company` is named and a delivered campaign is another's; nothing is written.
    """
    started_at = now()
    delivery = read_delivery(directory)
    if dry_run:
        return preview(delivery, company=company)
    if delivery.refused:
        return record_refusal(delivery, requested_by=requested_by, started_at=started_at)
    return publish(delivery, requested_by=requested_by, started_at=started_at, company=company)
