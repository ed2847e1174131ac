"""The devices somebody uses, and which of them messages are pushed to."""

from apps.accounts.callers import Caller
from apps.accounts.models import Device, User
from core.clock import now

MOST_DEVICES = 20


def note_device(*, user: User, caller: Caller, os: str = "", info: str = "", push_token: str = "") -> None:
    """Remember the device somebody uses and make it the one messages are pushed to (V1: one at a time)."""
    if not caller.device_id:
        return
    told = {"os": os[:50], "info": info[:255], "push_token": push_token}
    Device.objects.filter(user=user).exclude(device_id=caller.device_id).update(is_active=False)
    Device.objects.update_or_create(
        user=user,
        device_id=caller.device_id,
        defaults={"is_active": True, "seen_at": now()} | {name: value for name, value in told.items() if value},
    )
    # Clients choose these ids: without an end, one person could fill the table.
    newest_first = Device.objects.filter(user=user).order_by("-seen_at", "-pk").values_list("pk", flat=True)
    Device.objects.filter(pk__in=list(newest_first[MOST_DEVICES:])).delete()
