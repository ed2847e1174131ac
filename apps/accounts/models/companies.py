"""Whose campaigns somebody may see (S4)."""

from django.db import models
from django.db.models import CheckConstraint, Q

from apps.accounts.models.people import User
from apps.accounts.models.proofs import Link

COMPANY_ROLES = ["viewer", "admin", "owner"]


class Company(models.Model):
    """A tenant of the campaign analytics."""

    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "companies"

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


class Invitation(models.Model):
    """The only way into somebody else's company: a link sent by mail."""

    company = models.ForeignKey(Company, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=6, choices=Membership.Role, default=Membership.Role.VIEWER)
    invited_by = models.ForeignKey(User, models.CASCADE, related_name="invitations_sent")
    link = models.OneToOneField(Link, models.CASCADE, related_name="invitation")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [CheckConstraint(condition=Q(role__in=["viewer", "admin"]), name="invitation_role_known")]

    def __str__(self) -> str:
        return f"{self.email} to {self.company}"
