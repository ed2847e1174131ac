"""What the campaign contract refuses."""

from core.errors import DomainError, NotFound


class CampaignNotFound(NotFound):
    code = "campaign_not_found"
    message = "Campaign not found"


class DatesReversed(DomainError):
    status = 400
    code = "dates_reversed"
    message = "start_date must not be after end_date."


class CampaignsOfAnotherCompany(DomainError):
    code = "campaigns_of_another_company"
    message = "These campaigns belong to another company."
