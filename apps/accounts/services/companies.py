"""Companies, and how accounts of S4 come into being.

Nobody joins a company by knowing its name: who registers a new name owns the company, who registers one that exists
gets an account without a company, and answers of the same form. The way into somebody else's is an invitation.

A registered name proves nothing about who is behind it: a company is confirmed by an operator, or made by one.
"""

import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q, QuerySet

from apps.accounts.callers import Caller
from apps.accounts.errors import InsufficientRole
from apps.accounts.models import AuditEvent, Company, Invitation, Membership, User
from apps.accounts.services.audit import NOBODY, Action, note
from apps.accounts.services.email_proofs import offer_verification
from apps.accounts.services.people import NewPerson, register_person
from apps.accounts.services.shoppers import register_shopper
from core.clock import now
from core.errors import InvalidInput, TooManyRequests

LONGEST_NAME = 200
MOST_ACCOUNTS_A_DAY = 50  # asked for by a company, refused ones too: the answer tells which emails have an account
DAY = timedelta(days=1)
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


def create_colleague(*, owner: User, email: str, password: str, role: str, caller: Caller) -> Standing:
    """Create an account in the owner's company, and mail the link that proves its email where mails can leave.

    Raises `InsufficientRole`, `TooManyRequests`, and as `register_person` does.
    """
    _count_asked(owner, email, caller)
    with transaction.atomic():
        user = register_person(person=NewPerson(email=email), password=password, caller=caller)
        membership = require_role(user=owner, least=Role.OWNER)  # no lock is held while a password is hashed
        joined = join(user=user, company=membership.company, role=role, caller=caller)
        offer_verification(user=user)
        return Standing(user, joined)


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


def retire_company(*, company: Company) -> None:
    """Close a company whose last member has left; one that has members stays as it is. In the caller's transaction.

    One with campaigns remains, unconfirmed and nobody's: whose they are is for an operator to say, and its name is
    not there for the next one to register.
    """
    left = Company.objects.select_for_update(no_key=True).filter(pk=company.pk).first()
    if left is None or left.memberships.exists():
        return
    for invitation in Invitation.objects.open().filter(company=left).select_related("link"):
        invitation.withdraw(at=now())
    try:
        left.delete()
    except ProtectedError:
        Company.objects.filter(pk=company.pk).update(confirmed_at=None)


@transaction.atomic
def confirm_company(*, company: Company, by: User, caller: Caller = NOBODY) -> None:
    """An operator vouches that the company is who its name says; twice is once."""
    if Company.objects.filter(pk=company.pk, confirmed_at=None).update(confirmed_at=now()):
        note(Action.COMPANY_CONFIRMED, caller=caller, user=by, subject=company.name, company=company.pk)


def find_company(wanted: str, *, among: QuerySet[Company] | None = None) -> Company | None:
    """The company an operator means by an id, or by a name in any letter case; a name may be nobody's yet.

    Raises `InvalidInput` for an id that is nobody's, and for the name of a company nobody confirmed: it may have been
    registered by whoever hopes to receive what is meant for its namesake.
    """
    tidy = tidy_name(wanted)
    if not tidy:
        raise InvalidInput({"company": ["A company has a name."]})
    is_id = tidy.isdecimal()
    companies = Company.objects.all() if among is None else among
    found = companies.filter(Q(pk=int(tidy)) if is_id else Q(name__iexact=tidy)).first()
    if is_id and found is None:
        raise InvalidInput({"company": [f"There is no company with the id {tidy}."]})
    if found and not is_id and found.confirmed_at is None:
        why = f"No operator confirmed the company {found.name}"
        raise InvalidInput({}, f"{why}: confirm it in the console, or name it by id: --company {found.pk}.")
    return found


def company_named(wanted: str) -> Company:
    """As `find_company`, and a missing one is made; locked until the caller's transaction ends."""
    name = tidy_name(wanted)
    if find_company(wanted) is None:
        Company.objects.get_or_create(name__iexact=name, defaults={"name": name, "confirmed_at": now()})
    found = find_company(wanted, among=Company.objects.select_for_update(no_key=True))
    if found is None:
        raise InvalidInput({"company": ["It was deleted just now."]})
    return found


def tidy_name(name: str) -> str:
    """A company's name on one line, as people see it; raises `InvalidInput` for characters nobody sees."""
    tidy = " ".join(unicodedata.normalize("NFKC", name).split())
    if len(tidy) > LONGEST_NAME or not tidy.isprintable():
        raise InvalidInput({"company_name": [f"Use at most {LONGEST_NAME} printable characters."]})
    return tidy


def _count_asked(owner: User, email: str, caller: Caller) -> None:
    """Write down who asks for whose account, in a transaction of its own: a refusal afterwards counts as well."""
    with transaction.atomic():
        company = require_role(user=owner, least=Role.OWNER).company_id
        asked = AuditEvent.objects.filter(action=Action.ACCOUNT_ASKED, at__gt=now() - DAY, details__company=company)
        if asked.count() >= MOST_ACCOUNTS_A_DAY:
            raise TooManyRequests(
                f"A company makes at most {MOST_ACCOUNTS_A_DAY} accounts a day.", retry_after=int(DAY.total_seconds())
            )
        note(Action.ACCOUNT_ASKED, caller=caller, user=owner, subject=email, company=company)


def _founded(name: str) -> Company | None:
    """The company, if nobody has this name yet; of two who ask at once, one gets it."""
    try:
        with transaction.atomic():
            return Company.objects.create(name=name)
    except IntegrityError:
        return None
