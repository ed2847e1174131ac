"""The record of who proved what, when and from where."""

from django.db import models
from django.db.models import F, Index


class AuditEvent(models.Model):
    """One thing that happened at the door; written once, never changed (OWASP ASVS 5.0, 16.3)."""

    class Action(models.TextChoices):
        CODE_SENT = "code_sent"
        CODE_NOT_SENT = "code_not_sent"
        CODE_REFUSED = "code_refused", "code not sent: a limit"
        CODE_ACCEPTED = "code_accepted"
        CODE_REJECTED = "code_rejected"
        CODE_BYPASSED = "code_bypassed", "any code accepted (staging)"
        RANGE_BLOCKED = "range_blocked", "a range of numbers was blocked"
        SIGNED_IN = "signed_in"
        SIGN_IN_REFUSED = "sign_in_refused"
        REGISTERED = "registered"
        LOCKED = "locked", "locked after wrong tries"
        TOKEN_REUSED = "token_reused", "an old refresh token was used"  # a name
        SESSION_ENDED = "session_ended"
        PASSWORD_CHANGED = "password_changed"  # noqa: S105  # a name
        PASSCODE_CHANGED = "passcode_changed"
        PIN_CHANGED = "pin_changed"
        PHONE_CHANGED = "phone_changed"
        EMAIL_VERIFIED = "email_verified"
        EMAIL_CHANGED = "email_changed"
        GOOGLE_LINKED = "google_linked"
        FACTOR_ADDED = "factor_added", "second factor set up"
        FACTOR_PROVED = "factor_proved", "second factor given"
        FACTOR_REFUSED = "factor_refused", "second factor refused"
        FACTOR_REMOVED = "factor_removed", "second factor removed"
        RECOVERY_CODE_USED = "recovery_code_used"
        RECOVERY_CODES_MADE = "recovery_codes_made"
        KEY_ROTATED = "key_rotated", "the signing key was rotated"
        INVITED = "invited"
        JOINED_COMPANY = "joined_company"
        ACCOUNT_ASKED = "account_asked", "an account for a colleague was asked for"
        COMPANY_CONFIRMED = "company_confirmed"
        ROLE_CHANGED = "role_changed", "role in a company changed"
        LEFT_COMPANY = "left_company"
        ACCOUNT_DELETED = "account_deleted"

    at = models.DateTimeField()
    action = models.CharField(max_length=20, choices=Action)
    user = models.ForeignKey("accounts.User", models.SET_NULL, null=True, related_name="audit_events")
    subject = models.CharField(max_length=254, blank=True, help_text="The phone or email it was about.")
    address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=255, blank=True)
    details = models.JSONField(default=dict)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            Index(F("user"), F("at"), name="audit_user"),
            Index(F("subject"), F("at"), name="audit_subject"),
            Index(F("action"), F("at"), name="audit_action"),
            Index(F("at"), name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.get_action_display()} at {self.at:%Y-%m-%d %H:%M:%S}"
