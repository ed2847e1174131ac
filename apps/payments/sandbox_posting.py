"""The sandbox's voice: it tells the shop by HTTP, as a gateway far away would."""

import requests
from django.conf import settings

from apps.payments.gateway import PATIENCE_SECONDS
from apps.payments.sandbox_gateway import signed
from apps.payments.webhooks import SIGNATURE

WEBHOOK = "/api/payments/webhook/"


def post_event(body: bytes) -> None:
    """Post one event to the shop; raises if it was not taken, so that the job tries again as a gateway would."""
    headers = {"Content-Type": "application/json", SIGNATURE: signed(body)}
    reply = requests.post(
        f"{settings.SANDBOX_POSTS_TO}{WEBHOOK}",
        data=body,
        headers=headers,
        timeout=PATIENCE_SECONDS,
        allow_redirects=False,
    )
    reply.raise_for_status()
