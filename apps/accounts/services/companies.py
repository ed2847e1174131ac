"""Companies, and how accounts of S4 come into being.

Nobody joins a company by knowing its name: who registers a new name owns the company, who registers one that exists
gets an account without a company, and answers of the same form. The way into somebody else's is an invitation.
"""

import unicodedata
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import InsufficientRole
from apps.accounts.models import Company, Membership, User
from apps.accounts.services.audit import NOBODY, Action, note
from apps.accounts.services.people import NewPerson, register_person
from apps.accounts.services.shoppers import register_shopper
from core.errors import InvalidInput

LONGEST_NAME = 200
Role = Membership.Role


@dataclass(frozen=True)
class Standing:
    """A person and what they are in their company; without one they see as little as a viewer of nothing."""

    user: User
    membership: Membership | None = None

    @property
    def id(self) -> int:
        return self.user.pk

    @property
    def email(self) -> str | None:
        return self.user.email

    @property
    def is_active(self) -> bool:
        return self.user.is_active

    @property
    def company_id(self) -> int | None:
        return self.membership.company_id if self.membership else None

    @property
    def role(self) -> str:
        return self.membership.role if self.membership else Role.VIEWER


def standing_of(*, user: User) -> Standing:
    """Where this person belongs right now."""
    return Standing(user, Membership.objects.filter(user=user).first())


@transaction.atomic
def register_with_company(*, email: str, password: str, company_name: str, caller: Caller) -> Standing:
    """Create an account as `register_shopper` does, and with a new name the company it owns.

    Raises as that does, and `InvalidInput` for what cannot be a company's name.
    """
    name = tidy_name(company_name)
    user = register_shopper(person=NewPerson(email=email), password=password, caller=caller)
    company = _founded(name) if name else None
    return Standing(user, join(user=user, company=company, role=Role.OWNER, caller=caller) if company else None)


@transaction.atomic
def create_colleague(*, owner: User, email: str, password: str, role: str, caller: Caller) -> Standing:
    """Create an account in the owner's company. Raises `InsufficientRole`, and as `register_person` does."""
    own_membership(user=owner, least=Role.OWNER)
    user = register_person(person=NewPerson(email=email), password=password, caller=caller)
    membership = require_role(user=owner, least=Role.OWNER)  # no lock is held while a password is hashed
    return Standing(user, join(user=user, company=membership.company, role=role, caller=caller))


def require_role(*, user: User, least: str) -> Membership:
    """The person's membership, with its company locked until the transaction ends; raises `InsufficientRole`.

    Whoever changes who is in a company passes here, one after the other, and is asked again what they are by then.
    """
    found = own_membership(user=user, least=least)
    Company.objects.select_for_update(no_key=True).get(pk=found.company_id)
    return own_membership(user=user, least=least)


def own_membership(*, user: User, least: str) -> Membership:
    """The person's membership; raises `InsufficientRole` unless its role is this one or includes it."""
    found = Membership.objects.select_related("company").filter(user=user).first()
    if found is None or not found.is_at_least(least):
        raise InsufficientRole
    return found


def join(*, user: User, company: Company, role: str, caller: Caller = NOBODY) -> Membership:
    """Make a person without a company a member of this one."""
    membership = Membership.objects.create(user=user, company=company, role=role)
    note(Action.JOINED_COMPANY, caller=caller, user=user, subject=user.email or "", company=company.pk, role=role)
    return membership


def company_named(name: str) -> Company:
    """The company of this name in any letter case, made if it is missing; for operators, who may name any."""
    tidy = tidy_name(name)
    if not tidy:
        raise InvalidInput({"company_name": ["A company has a name."]})
    return Company.objects.filter(name__iexact=tidy).first() or Company.objects.create(name=tidy)


def tidy_name(name: str) -> str:
    """A company's name on one line, as people see it; raises `InvalidInput` for characters nobody sees."""
    tidy = " ".join(unicodedata.normalize("NFKC", name).split())
    if len(tidy) > LONGEST_NAME or not tidy.isprintable():
        raise InvalidInput({"company_name": [f"Use at most {LONGEST_NAME} printable characters."]})
    return tidy


def _founded(name: str) -> Company | None:
    """The company, if nobody has this name yet; of two who ask at once, one gets it."""
    try:
        with transaction.atomic():
            return Company.objects.create(name=name)
    except IntegrityError:
        return None
