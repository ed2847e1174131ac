"""Stock moves: every one locks its items in id order, is checked, and leaves a line in the ledger."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.products.errors import OutOfStock, StockBelowPromised, StockItemNotFound, TooMuchStock
from apps.products.models import MAX_ON_HAND, StockItem, StockMovement
from apps.products.services.indexing import note_changed

Kind = StockMovement.Kind


@dataclass(frozen=True)
class StockLine:
    """So many of one sellable thing."""

    product_id: UUID
    variant_id: UUID | None
    quantity: int


@dataclass(frozen=True)
class _Change:
    """What one unit of a movement does to the three balances."""

    kind: Kind
    on_hand: int = 0
    reserved: int = 0
    allocated: int = 0


@dataclass(frozen=True)
class _Cause:
    """Why, and by whom."""

    reference: str
    actor: User | None = None
    reason: str = ""


def receive_stock(*, lines: Iterable[StockLine], reference: str, actor: User | None = None) -> list[StockMovement]:
    """Put delivered goods on the shelf; returns the lines of the ledger. Raises `TooMuchStock`."""
    return _move(lines, _Change(Kind.RECEIVE, on_hand=1), _Cause(reference, actor), create=True)


def reserve_stock(*, lines: Iterable[StockLine], reference: str, actor: User | None = None) -> None:
    """Promise goods to an order; raises `OutOfStock` and promises nothing when any of them falls short."""
    _move(lines, _Change(Kind.RESERVE, reserved=1), _Cause(reference, actor))


def release_stock(*, lines: Iterable[StockLine], reference: str, actor: User | None = None) -> None:
    """Take a promise back."""
    _move(lines, _Change(Kind.RELEASE, reserved=-1), _Cause(reference, actor))


def allocate_stock(*, lines: Iterable[StockLine], reference: str, actor: User | None = None) -> None:
    """Turn a promise into goods set aside: the order is paid."""
    _move(lines, _Change(Kind.ALLOCATE, reserved=-1, allocated=1), _Cause(reference, actor))


def deallocate_stock(*, lines: Iterable[StockLine], reference: str, actor: User | None = None) -> None:
    """Put goods set aside back on the shelf: a paid order was cancelled before it shipped."""
    _move(lines, _Change(Kind.DEALLOCATE, allocated=-1), _Cause(reference, actor))


def ship_stock(*, lines: Iterable[StockLine], reference: str, actor: User | None = None) -> None:
    """Goods set aside leave the house."""
    _move(lines, _Change(Kind.SHIP, on_hand=-1, allocated=-1), _Cause(reference, actor))


def return_stock(
    *, lines: Iterable[StockLine], reference: str, actor: User | None = None, reason: str = ""
) -> list[StockMovement]:
    """Shipped goods came back and can be sold again; raises `TooMuchStock`."""
    return _move(lines, _Change(Kind.RETURN, on_hand=1), _Cause(reference, actor, reason), create=True)


@transaction.atomic
def adjust_stock(*, item_id: int, counted: int, reason: str, actor: User | None) -> StockMovement:
    """Make what stands on the shelf what somebody counted there; a count that agrees is written down as well.

    Raises `StockItemNotFound`, `TooMuchStock`, or `StockBelowPromised` when customers were promised more than that.
    """
    item = StockItem.objects.select_for_update().filter(pk=item_id).first()
    if item is None:
        raise StockItemNotFound
    if counted < item.reserved + item.allocated:
        raise StockBelowPromised(counted=counted, reserved=item.reserved, allocated=item.allocated)
    if counted > MAX_ON_HAND:
        raise TooMuchStock
    change = counted - item.on_hand
    item.on_hand = counted
    item.save(update_fields=["on_hand"])
    note_changed([item.product_id])
    return StockMovement.objects.create(
        item=item, kind=Kind.ADJUST, on_hand_change=change, reference="count", reason=reason, actor=actor
    )


@transaction.atomic
def _move(lines: Iterable[StockLine], change: _Change, cause: _Cause, *, create: bool = False) -> list[StockMovement]:
    wanted = _summed(lines)
    if create:
        StockItem.objects.bulk_create(
            [StockItem(product_id=product, variant_id=variant) for product, variant in wanted], ignore_conflicts=True
        )
    items = _locked(wanted)
    if change.kind is Kind.RESERVE:
        _check_available(wanted, items)
    for key, quantity in wanted.items():
        item = items[key]
        item.on_hand += change.on_hand * quantity
        item.reserved += change.reserved * quantity
        item.allocated += change.allocated * quantity
        if change.on_hand > 0 and item.on_hand > MAX_ON_HAND:
            raise TooMuchStock
    StockItem.objects.bulk_update(items.values(), ["on_hand", "reserved", "allocated"])
    note_changed(product for product, _ in wanted)
    return StockMovement.objects.bulk_create(
        StockMovement(
            item=items[key],
            kind=change.kind,
            on_hand_change=change.on_hand * quantity,
            reserved_change=change.reserved * quantity,
            allocated_change=change.allocated * quantity,
            reference=cause.reference,
            actor=cause.actor,
            reason=cause.reason,
        )
        for key, quantity in wanted.items()
    )


_Key = tuple[UUID, UUID | None]


def _summed(lines: Iterable[StockLine]) -> Mapping[_Key, int]:
    """Lines that share an item count together, or two of them could each pass a check that both fail."""
    wanted: Counter[_Key] = Counter()
    for line in lines:
        wanted[line.product_id, line.variant_id] += line.quantity
    return wanted


def _locked(wanted: Mapping[_Key, int]) -> dict[_Key, StockItem]:
    chosen = Q(pk__in=[])
    for product_id, variant_id in wanted:
        chosen |= Q(product_id=product_id, variant_id=variant_id)
    rows = StockItem.objects.filter(chosen).order_by("pk").select_for_update()
    return {(row.product_id, row.variant_id): row for row in rows}


def _check_available(wanted: Mapping[_Key, int], items: Mapping[_Key, StockItem]) -> None:
    short = []
    for (product_id, variant_id), quantity in wanted.items():
        item = items.get((product_id, variant_id))
        available = item.available if item else 0
        if available < quantity:
            short.append(
                {"product_id": product_id, "variant_id": variant_id, "wanted": quantity, "available": available}
            )
    if short:
        raise OutOfStock(items=short)
