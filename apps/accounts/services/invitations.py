"""The way into somebody else's company: a link mailed to one address, good for the account of that address."""

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from apps.accounts.callers import Caller
from apps.accounts.errors import (
    AlreadyMember,
    InAnotherCompany,
    InsufficientRole,
    InvitationNotFound,
    InvitationNotYours,
    LinkRejected,
    TooManyInvitations,
    TooManyMails,
)
from apps.accounts.models import Company, Invitation, Link, Membership, User
from apps.accounts.services.audit import Action, note
from apps.accounts.services.code_limits import HOUR
from apps.accounts.services.companies import Role, Standing, join, own_membership, require_role
from apps.accounts.services.links import make_link, use_link
from apps.accounts.services.mailing import mail_link, require_mail
from core.clock import now
from core.locks import lock

MOST_A_DAY = 50  # of a company, withdrawn ones too: nobody's strangers are mailed without end
MOST_MAILS_AN_HOUR = 5  # to one address, whichever companies send them
DAY = timedelta(days=1)


def invite(*, user: User, email: str, role: str, caller: Caller) -> Invitation:
    """Mail a link that lets its receiver in; an invitation still open for the address is replaced by this one.

    Raises `MailNotSent` where no mail server is set up, `InsufficientRole` (only owners invite admins),
    `AlreadyMember`, `TooManyInvitations` or `TooManyMails`.
    """
    require_mail()
    with transaction.atomic():
        membership = require_role(user=user, least=Role.OWNER if role == Role.ADMIN else Role.ADMIN)
        company = membership.company
        if Membership.objects.filter(company=company, user__email=email).exists():
            raise AlreadyMember(param="email")
        _require_within_limits(company, email)
        for earlier in Invitation.objects.open().filter(company=company, email=email).select_related("link"):
            earlier.withdraw(at=now())
        link = make_link(purpose=Link.Purpose.INVITATION, email=email)
        invitation = Invitation.objects.create(company=company, email=email, role=role, invited_by=user, link=link)
        mail_link(link)
        note(Action.INVITED, caller=caller, user=user, subject=email, company=company.pk, role=role)
        return invitation


def open_invitations(*, user: User) -> QuerySet[Invitation]:
    """What the person's company has sent and nobody followed yet, newest first. Raises `InsufficientRole`."""
    membership = own_membership(user=user, least=Role.ADMIN)
    return Invitation.objects.open().filter(company=membership.company).select_related("link").order_by("-pk")


@transaction.atomic
def withdraw_invitation(*, user: User, invitation: int) -> None:
    """The link opens nothing any more. Raises `InsufficientRole` or `InvitationNotFound`."""
    membership = require_role(user=user, least=Role.ADMIN)
    found = Invitation.objects.open().filter(company=membership.company, pk=invitation).select_related("link").first()
    if found is None:
        raise InvitationNotFound
    if found.role == Role.ADMIN and not membership.is_at_least(Role.OWNER):
        raise InsufficientRole
    found.withdraw(at=now())


def accept_invitation(*, user: User, token: str, caller: Caller) -> Standing:
    """Join the company whose link this is; all in one transaction, so that a refusal leaves the link unspent.

    Raises `LinkRejected`, `InvitationNotYours` for a link sent to another address, or `InAnotherCompany`.
    """
    try:
        with transaction.atomic():
            _lock_inviting(user.email or "")
            link = use_link(token=token, purpose=Link.Purpose.INVITATION)
            if link.email.lower() != (user.email or "").lower():
                raise InvitationNotYours
            if Membership.objects.filter(user=user).exists():
                raise InAnotherCompany
            invitation = _standing_invitation(link)
            membership = join(user=user, company=invitation.company, role=invitation.role, caller=caller)
    except IntegrityError:  # two links followed at once: one company is enough
        raise InAnotherCompany from None
    return Standing(user, membership)


def _lock_inviting(email: str) -> None:
    """Lock the companies before the link, in one order, as whoever withdraws does: nobody waits in a circle."""
    inviting = Invitation.objects.open().filter(email__iexact=email).values("company")
    list(Company.objects.select_for_update(no_key=True).filter(pk__in=inviting).order_by("pk"))


def _standing_invitation(link: Link) -> Invitation:
    """What the link stands for; raises `LinkRejected` if its company is gone, or would get an admin and no owner."""
    invitation = Invitation.objects.select_related("company").filter(link=link).first()
    if invitation is None:
        raise LinkRejected(param="token")
    owners = Membership.objects.filter(company=invitation.company, role=Role.OWNER, user__is_active=True)
    if invitation.role == Role.ADMIN and not owners.exists():
        raise LinkRejected(param="token")
    return invitation


def _require_within_limits(company: Company, email: str) -> None:
    lock(f"link:{Link.Purpose.INVITATION}:{email}")
    if Invitation.objects.filter(company=company, created_at__gt=now() - DAY).count() >= MOST_A_DAY:
        raise TooManyInvitations(most_a_day=MOST_A_DAY)
    sent = Link.objects.filter(email=email, purpose=Link.Purpose.INVITATION, created_at__gt=now() - HOUR)
    if sent.count() >= MOST_MAILS_AN_HOUR:
        raise TooManyMails(retry_after=int(HOUR.total_seconds()))
