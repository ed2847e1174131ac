"""Whose campaigns somebody may see (S4)."""

from datetime import datetime

from django.db import models
from django.db.models import CheckConstraint, Q
from django.db.models.functions import Lower

from apps.accounts.models.people import User
from apps.accounts.models.proofs import Link
from core.clock import now

COMPANY_ROLES = ["viewer", "admin", "owner"]


class Company(models.Model):
    """A tenant of the campaign analytics."""

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(
        null=True, blank=True, help_text="When an operator vouched for it. Anybody may register any free name."
    )

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "companies"
        # Two companies that people cannot tell apart would share their invitations' good name.
        constraints = [models.UniqueConstraint(Lower("name"), name="company_name_unique_any_case")]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What a person may do in the one company they belong to."""

    class Role(models.TextChoices):
        """Each includes the ones before."""

        VIEWER = "viewer"
        ADMIN = "admin"
        OWNER = "owner"

    user = models.OneToOneField(User, models.CASCADE, related_name="membership")
    company = models.ForeignKey(Company, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [CheckConstraint(condition=Q(role__in=COMPANY_ROLES), name="membership_role_known")]

    def __str__(self) -> str:
        return f"{self.user} · {self.role} of {self.company}"

    def is_at_least(self, role: str) -> bool:
        """Whether this role includes the other."""
        return COMPANY_ROLES.index(self.role) >= COMPANY_ROLES.index(role)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        """Neither accepted, withdrawn nor expired."""
        return self.filter(link__used_at=None, link__expires_at__gt=now())


class Invitation(models.Model):
    """The only way into somebody else's company: a link sent by mail."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=6, choices=Membership.Role, default=Membership.Role.VIEWER)
    invited_by = models.ForeignKey(User, models.CASCADE, related_name="invitations_sent")
    link = models.OneToOneField(Link, models.CASCADE, related_name="invitation")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [CheckConstraint(condition=Q(role__in=["viewer", "admin"]), name="invitation_role_known")]

    def __str__(self) -> str:
        return f"{self.email} to {self.company}"

    def withdraw(self, *, at: datetime) -> None:
        """Its link opens nothing any more; one that was followed already stays as it is."""
        Link.objects.filter(pk=self.link_id, used_at=None).update(used_at=at)
