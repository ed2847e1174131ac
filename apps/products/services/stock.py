"""Stock moves: every one locks its items in id order, is checked, and leaves a line in the ledger."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from apps.products.errors import OutOfStock
from apps.products.models import StockItem, StockMovement

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


def receive_stock(*, lines: Iterable[StockLine], reference: str) -> list[StockMovement]:
    """Put delivered goods on the shelf; returns the lines of the ledger."""
    return _move(lines, _Change(Kind.RECEIVE, on_hand=1), reference, create=True)


def reserve_stock(*, lines: Iterable[StockLine], reference: str) -> None:
    """Promise goods to an order; raises `OutOfStock` and promises nothing when any of them falls short."""
    _move(lines, _Change(Kind.RESERVE, reserved=1), reference)


def release_stock(*, lines: Iterable[StockLine], reference: str) -> None:
    """Take a promise back."""
    _move(lines, _Change(Kind.RELEASE, reserved=-1), reference)


def allocate_stock(*, lines: Iterable[StockLine], reference: str) -> None:
    """Turn a promise into goods set aside: the order is paid."""
    _move(lines, _Change(Kind.ALLOCATE, reserved=-1, allocated=1), reference)


def deallocate_stock(*, lines: Iterable[StockLine], reference: str) -> None:
    """Put goods set aside back on the shelf: a paid order was cancelled before it shipped."""
    _move(lines, _Change(Kind.DEALLOCATE, allocated=-1), reference)


@transaction.atomic
def _move(lines: Iterable[StockLine], change: _Change, reference: str, *, create: bool = False) -> list[StockMovement]:
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
    StockItem.objects.bulk_update(items.values(), ["on_hand", "reserved", "allocated"])
    return StockMovement.objects.bulk_create(
        StockMovement(
            item=items[key],
            kind=change.kind,
            on_hand_change=change.on_hand * quantity,
            reserved_change=change.reserved * quantity,
            allocated_change=change.allocated * quantity,
            reference=reference,
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
