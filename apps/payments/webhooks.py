"""Where gateways tell us something: raw bytes are proved first and read second. Answers before anything is done."""

from http import HTTPStatus

import orjson
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from pydantic import ValidationError

from apps.payments import services
from apps.payments.errors import InvalidWebhook
from apps.payments.gateway import SIGNATURE, gateway
from apps.payments.schemas import NoticeIn
from core.errors import BodyTooLarge, NotFound


@csrf_exempt
@require_POST
def gateway_webhook(request: HttpRequest) -> HttpResponse:
    """The shop's gateway. An event it repeats is answered like the first time, and changes nothing."""
    body = _body(request)
    till = gateway()
    told = till.read_event(body, request.headers.get(SIGNATURE, ""))
    services.keep_event(provider=till.name, told=told, body=body)
    return JsonResponse({"status": "success"})


@csrf_exempt
@require_POST
def provider_webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """A provider without an SDK: S0's form, signed with WEBHOOK_SECRET_<PROVIDER>."""
    if not services.secrets_of(provider):
        raise NotFound
    body = _body(request)
    headers = request.headers
    envelope = services.Envelope(
        headers.get("X-Event-Id", "")[:256], headers.get("X-Timestamp", ""), headers.get("X-Signature", "")
    )
    services.prove_notice(provider=provider, envelope=envelope, body=body)
    is_new = services.apply_notice(provider=provider, envelope=envelope, notice=_notice(body), body=body)
    return JsonResponse({"ok": True, "status": "accepted" if is_new else "duplicate_ignored"}, status=HTTPStatus.OK)


def _notice(body: bytes) -> services.Notice:
    try:
        return NoticeIn.model_validate(orjson.loads(body)).as_notice()
    except (orjson.JSONDecodeError, ValidationError):
        raise InvalidWebhook from None


def _body(request: HttpRequest) -> bytes:
    if len(request.body) > services.MOST_BYTES:
        raise BodyTooLarge
    return request.body
