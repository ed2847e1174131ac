"""What became of texts a provider had accepted: reported in any order and more than once, settled once."""

import structlog
from django.db.models import Q
from prometheus_client import Counter

from apps.accounts.models import CodeSend
from apps.accounts.texts import Report
from core.clock import now

log = structlog.get_logger(__name__)
DELIVERIES = Counter("hanout_text_deliveries_total", "Texts by what became of them.", ["outcome", "country"])

State = CodeSend.State
# "Delivered" has the last word, so that the reports' order does not matter; what never left was never reported on.
_MAY_BECOME = {
    State.DELIVERED: Q(state__in=[State.QUEUED, State.SENT, State.UNDELIVERED]),
    State.UNDELIVERED: Q(state__in=[State.QUEUED, State.SENT]),
}


def settle_text(*, provider: str, report: Report) -> None:
    """Write down a provider's report. One that is repeated, late or about a text we do not know changes nothing.

    A text that was lost on its way stays counted: it left, and it was paid for.
    """
    if not report.reference or report.state is None:
        return
    sends = CodeSend.objects.filter(provider=provider, reference=report.reference)
    error = "" if report.state == State.DELIVERED else report.error[:100]
    moved = sends.filter(_MAY_BECOME[report.state]).update(state=report.state, error=error, settled_at=now())
    if moved:
        country = sends.values_list("country", flat=True).get()
        DELIVERIES.labels(outcome=report.state.value, country=country).inc()
        log.info("text_settled", provider=provider, outcome=report.state.value, country=country, error=error)
