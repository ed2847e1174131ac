"""Where providers report what became of a text."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.accounts.services.delivery import settle_text
from apps.accounts.texts import twilio
from core.errors import NotAllowed, NotFound

SIGNATURE = "X-Twilio-Signature"


@csrf_exempt
@require_POST
def twilio_report(request: HttpRequest) -> HttpResponse:
    """Twilio's status callback; its signature covers the address and every field."""
    provider = twilio()
    if provider is None:
        # Without a token there is nothing to check a signature with, and an empty one would accept anybody's.
        raise NotFound
    report = provider.read_report(
        address=request.get_full_path(), fields=request.POST, signature=request.headers.get(SIGNATURE, "")
    )
    if report is None:
        raise NotAllowed("The signature is missing or wrong.")
    settle_text(provider=provider.name, report=report)
    return HttpResponse(status=204)
