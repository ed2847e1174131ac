"""What happens to every request on its way in and out."""

import pytest
from django.db import OperationalError
from django.test import RequestFactory
from pydantic import BaseModel, ConfigDict, ValidationError

from core.client_address import client_address
from core.contracts import as_domain_error
from core.errors import DatabaseUnavailable, InternalError
from core.ids import request_id

pytestmark = pytest.mark.django_db


def test_a_request_id_is_echoed_and_in_the_error_body(api):
    reply = api.send("GET", "/api/nothing/", HTTP_X_REQUEST_ID="abc-12345")
    assert reply["X-Request-ID"] == reply.json()["request_id"] == "abc-12345"


@pytest.mark.parametrize("offered", ["", "short", "x" * 65, "with space 1", "line\nbreak12", "ünïcödé-id"])
def test_an_id_that_could_harm_a_log_is_replaced(offered):
    assert request_id(offered).startswith("req_")


def test_every_answer_says_how_long_it_took(api):
    assert api.send("GET", "/health/live/")["X-Response-Time"].endswith("s")


@pytest.mark.parametrize(
    ("trusted", "forwarded", "expected"),
    [
        (0, "1.1.1.1", "127.0.0.1"),
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.1", "1.1.1.1"),
        (2, "1.1.1.1", "127.0.0.1"),
        (1, "not-an-address", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_a_forwarded_address_counts_through_trusted_proxies_only(settings, trusted, forwarded, expected):
    settings.TRUSTED_PROXY_COUNT = trusted
    assert client_address(RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded)) == expected


def test_a_database_that_went_away_is_503(api, monkeypatch):
    def gone(*args, **kwargs):
        raise OperationalError("server closed the connection; host=db.internal")

    monkeypatch.setattr("apps.products.listing.Shelf.count", gone)
    reply = api.send("GET", "/api/products/")
    assert (reply.status_code, reply.json()["code"]) == (503, "database_unavailable")
    assert "db.internal" not in reply.content.decode()


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    items: list[str]


class Row:
    def __init__(self, error):
        self.error = error

    @property
    def items(self):
        raise self.error


@pytest.mark.parametrize(
    ("error", "meaning"), [(OperationalError("gone"), DatabaseUnavailable), (AttributeError("typo"), InternalError)]
)
def test_a_database_lost_while_the_answer_is_written_is_no_mistake_of_ours(error, meaning):
    with pytest.raises(ValidationError) as found:
        Shown.model_validate(Row(error))
    assert type(as_domain_error(found.value)) is meaning
