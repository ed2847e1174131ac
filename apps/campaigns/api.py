"""S4: campaigns, under /campaigns/."""

from typing import Annotated

import orjson
from django.http import HttpResponse
from ninja import Path, Query, Router

from apps.accounts.auth import UserRequest, bearer
from apps.campaigns import queries, schemas
from apps.campaigns.numbers import as_number

router = Router(tags=["Campaigns"], auth=bearer)


@router.get("", response=schemas.CampaignPage, summary="Browse campaigns")
def list_campaigns(request: UserRequest, query: Query[schemas.CampaignQuery]) -> HttpResponse:
    """Campaign lines, newest first; lines of one name are listed one by one. Both dates, or neither."""
    page = queries.list_campaigns(
        user=request.auth,
        kind=query.tipo_campania,
        start_date=query.start_date,
        end_date=query.end_date,
        skip=query.skip,
        limit=query.limit,
    )
    return _answer(page)


@router.get("{name}", response=schemas.CampaignDetail, summary="One campaign, with periods and sites")
def get_campaign(request: UserRequest, name: Annotated[str, Path(..., max_length=schemas.MAX_NAME)]) -> HttpResponse:
    """A name with several lines answers as one campaign: impacts added up, reach as bounds, the lines as parts."""
    return _answer(queries.find_campaign(user=request.auth, name=name))


def _answer(record: queries.Record) -> HttpResponse:
    """Rows straight to JSON; checking them against their schema again would take twice as long as reading them."""
    return HttpResponse(orjson.dumps(record, default=as_number), content_type="application/json")
