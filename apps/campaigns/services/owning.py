"""Whose campaigns they are: all lines of a name, and with them its sites, belong to one company or to none.

A delivery names campaigns by nothing but their name, so without this one company's delivery could replace the numbers
of another's campaign and take it over.
"""

from collections.abc import Collection

from apps.accounts.services import company_named, find_company
from apps.campaigns.errors import CampaignsOfAnotherCompany
from apps.campaigns.models import Campaign

_MOST_NAMED = 5


def require_free(names: Collection[str], *, company: str) -> None:
    """Raise `CampaignsOfAnotherCompany` if a campaign of these names belongs to another company than this one.

    The company is named as `find_company` takes it, and what that refuses is refused here.
    """
    if not company:
        return
    receiver = find_company(company)
    others = Campaign.objects.filter(name__in=names).exclude(company=None).exclude(company=receiver)
    if taken := sorted(set(others.values_list("name", flat=True))):
        raise CampaignsOfAnotherCompany(
            f"These campaigns belong to another company: {', '.join(taken[:_MOST_NAMED])}.", count=len(taken)
        )


def assign(names: Collection[str], *, company: str) -> None:
    """Give the lines of these names that are nobody's to the company; else to whom their name belonged before."""
    free = Campaign.objects.filter(name__in=names, company=None)
    if company:
        free.update(company=company_named(company))
        return
    owned = Campaign.objects.filter(name__in=names).exclude(company=None)
    for name, owner in owned.values_list("name", "company").distinct().order_by():
        free.filter(name=name).update(company=owner)
