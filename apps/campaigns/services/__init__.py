"""The only writers of campaigns."""

from apps.campaigns.services.evidence import Finding, number
from apps.campaigns.services.importing import import_campaigns
from apps.campaigns.services.outcome import CampaignOutcome
from apps.campaigns.services.report import ImportReport, write_report

__all__ = ["CampaignOutcome", "Finding", "ImportReport", "import_campaigns", "number", "write_report"]
