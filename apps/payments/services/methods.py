"""Cards a person may pay with again."""

from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.models import User
from apps.payments.errors import MethodNotFound
from apps.payments.models import GatewayCustomer, SavedMethod
from core.outbox import enqueue


def saved_methods(user: User) -> QuerySet[SavedMethod]:
    """The default first, then the newest."""
    return SavedMethod.objects.filter(user=user)


@transaction.atomic
def set_default_method(*, user: User, method_id: UUID) -> SavedMethod:
    """Pay with this one unless told otherwise; raises `MethodNotFound`."""
    mine = {method.pk: method for method in saved_methods(user).order_by("pk").select_for_update()}
    if method_id not in mine:
        raise MethodNotFound
    saved_methods(user).filter(is_default=True).update(is_default=False)
    chosen = mine[method_id]
    chosen.is_default = True
    chosen.save(update_fields=["is_default"])
    return chosen


@transaction.atomic
def forget_method(*, user: User, method_id: UUID) -> None:
    """The shop forgets it at once, the gateway by a job; raises `MethodNotFound`."""
    method = saved_methods(user).select_for_update().filter(pk=method_id).first()
    if method is None:
        raise MethodNotFound
    enqueue("payments.forget_card", gateway_name=method.gateway, card=method.reference)
    method.delete()


@transaction.atomic
def forget_methods(*, user_id: int) -> None:
    """Somebody left: the shop forgets their cards and what gateways call them, gateways forget the cards by jobs."""
    for method in SavedMethod.objects.select_for_update().filter(user_id=user_id).order_by("pk"):
        enqueue("payments.forget_card", gateway_name=method.gateway, card=method.reference)
        method.delete()
    GatewayCustomer.objects.filter(user_id=user_id).delete()
