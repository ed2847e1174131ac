"""People, how they prove who they are, their sessions, and what was noted about all that."""

from apps.accounts.models.audit import AuditEvent
from apps.accounts.models.codes import Code, CodeQuerySet, CodeSend, Guess
from apps.accounts.models.companies import Company, Invitation, Membership
from apps.accounts.models.development import DevelopmentMessage
from apps.accounts.models.people import Address, Device, Profile, User, UserManager
from apps.accounts.models.proofs import KnownNetwork, Link, Lockout
from apps.accounts.models.second_factors import FACTOR_LASTS, RecoveryCode, SecondFactor
from apps.accounts.models.sessions import Session, SessionQuerySet, SigningKey

__all__ = [
    "FACTOR_LASTS",
    "Address",
    "AuditEvent",
    "Code",
    "CodeQuerySet",
    "CodeSend",
    "Company",
    "DevelopmentMessage",
    "Device",
    "Guess",
    "Invitation",
    "KnownNetwork",
    "Link",
    "Lockout",
    "Membership",
    "Profile",
    "RecoveryCode",
    "SecondFactor",
    "Session",
    "SessionQuerySet",
    "SigningKey",
    "User",
    "UserManager",
]
