"""Who is what in a company; it never loses its last owner."""

from django.db import transaction
from django.db.models import QuerySet

from apps.accounts.callers import Caller
from apps.accounts.errors import InsufficientRole, LastOwner, MemberNotFound
from apps.accounts.models import Invitation, Membership, User
from apps.accounts.services.audit import Action, note
from apps.accounts.services.companies import Role, Standing, require_role, retire_company
from core.clock import now


def members_of(*, user: User) -> list[Standing]:
    """Everybody in the person's company, in the order they came; nobody without one."""
    members = Membership.objects.filter(company__memberships__user=user).select_related("user").order_by("pk")
    return [Standing(member.user, member) for member in members]


@transaction.atomic
def change_role(*, owner: User, member: int, role: str, caller: Caller) -> Standing:
    """Give somebody in the company another role. Raises `InsufficientRole`, `MemberNotFound` or `LastOwner`."""
    mine = require_role(user=owner, least=Role.OWNER)
    found = _found(mine, member)
    if role != Role.OWNER:
        _require_other_owner(found)
    found.role = role
    found.save(update_fields=["role"])
    if not found.is_at_least(Role.ADMIN):
        _withdraw_invitations(found)
    _note(Action.ROLE_CHANGED, owner, found, caller)
    return Standing(found.user, found)


@transaction.atomic
def remove_member(*, user: User, member: int, caller: Caller) -> None:
    """Take somebody out of the company: an owner anybody, everybody themselves. The account stays.

    What they saw there they see no more with the next request; the invitations they sent are withdrawn, and a company
    nobody is left in is retired. Raises `InsufficientRole`, `MemberNotFound` or `LastOwner`.
    """
    mine = require_role(user=user, least=Role.VIEWER)
    if member != user.pk and not mine.is_at_least(Role.OWNER):
        raise InsufficientRole
    found = _found(mine, member)
    _require_other_owner(found)
    _withdraw_invitations(found)
    _note(Action.LEFT_COMPANY, user, found, caller)
    found.delete()
    retire_company(company=mine.company)


def _found(mine: Membership, member: int) -> Membership:
    found = Membership.objects.filter(company=mine.company, user=member).select_related("user").first()
    if found is None:
        raise MemberNotFound
    return found


def _require_other_owner(found: Membership) -> None:
    """Somebody whose account is closed owns nothing any more."""
    others = Membership.objects.filter(company=found.company_id, role=Role.OWNER, user__is_active=True)
    if found.role == Role.OWNER and not others.exclude(pk=found.pk).exists():
        raise LastOwner


def _withdraw_invitations(found: Membership) -> None:
    open_ones: QuerySet[Invitation] = Invitation.objects.open().filter(company=found.company_id, invited_by=found.user)
    for invitation in open_ones.select_related("link"):
        invitation.withdraw(at=now())


def _note(action: str, by: User, about: Membership, caller: Caller) -> None:
    note(
        action,
        caller=caller,
        user=about.user,
        subject=about.user.email or "",
        company=about.company_id,
        role=about.role,
        by=by.pk,
    )
