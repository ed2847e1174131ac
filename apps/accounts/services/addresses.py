"""A person's addresses: one of them, if there are any, is the default.

Every change is made under the person's lock, so that two at once leave exactly one default behind; the database's
constraint only sees to it that there are not two. Whose account was deleted meanwhile gets `TokenRejected`.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.errors import AddressNotFound, TooManyAddresses
from apps.accounts.models import Address, User
from apps.accounts.services.people import locked_person

MOST = 20


@transaction.atomic
def add_address(*, user: User, particulars: Mapping[str, Any]) -> Address:
    """Keep an address; the first one is the default, as is one that asks for it. Raises `TooManyAddresses`."""
    others = _locked(user)
    count = others.count()
    if count >= MOST:
        raise TooManyAddresses(most=MOST)
    wants_default = bool(particulars.get("is_default")) or count == 0
    address = Address.objects.create(user=user, **{**particulars, "is_default": False})
    return _make_default(others, address) if wants_default else address


@transaction.atomic
def change_address(*, user: User, address: uuid.UUID, changes: Mapping[str, Any]) -> Address:
    """Change some particulars; `is_default` makes it the default, and cannot leave a person without one.

    Raises `AddressNotFound` for one that is not theirs.
    """
    mine = _locked(user)
    found = _found(mine, address)
    for name, value in changes.items():
        if name != "is_default":
            setattr(found, name, value)
    found.save()
    return _make_default(mine, found) if changes.get("is_default") else found


@transaction.atomic
def set_default_address(*, user: User, address: uuid.UUID) -> Address:
    """Make it the default in place of the one that was. Raises `AddressNotFound`."""
    mine = _locked(user)
    return _make_default(mine, _found(mine, address))


@transaction.atomic
def delete_address(*, user: User, address: uuid.UUID) -> None:
    """Delete it; in place of the default, the newest of the others becomes it. Raises `AddressNotFound`."""
    mine = _locked(user)
    found = _found(mine, address)
    found.delete()
    newest = mine.order_by("-created_at").first()
    if found.is_default and newest:
        _make_default(mine, newest)


def address_of(*, user: User, address: uuid.UUID) -> Address:
    """One of a person's addresses; raises `AddressNotFound` for one that is not theirs."""
    return _found(Address.objects.filter(user=user), address)


def _locked(user: User) -> QuerySet[Address]:
    return Address.objects.filter(user=locked_person(user))


def _found(mine: QuerySet[Address], address: uuid.UUID) -> Address:
    found = mine.filter(pk=address).first()
    if found is None:
        raise AddressNotFound
    return found


def _make_default(mine: QuerySet[Address], address: Address) -> Address:
    """The old one first: the database never sees two."""
    mine.filter(is_default=True).exclude(pk=address.pk).update(is_default=False)
    mine.filter(pk=address.pk).update(is_default=True)
    address.is_default = True
    return address
