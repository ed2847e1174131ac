"""What a person changes about themselves, and their leaving."""

import uuid
from collections.abc import Mapping

from django.db import IntegrityError, transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import AlreadyRegistered, PhoneCodeNeeded
from apps.accounts.mails import can_mail
from apps.accounts.models import Address, Code, Device, KnownNetwork, Link, Membership, Profile, Session, User
from apps.accounts.services.audit import Action, note
from apps.accounts.services.codes import send_code, verify_code
from apps.accounts.services.mailing import Notice, notify
from apps.accounts.services.members import remove_member
from apps.accounts.services.passwords import require_good_password
from apps.accounts.services.people import taken
from apps.accounts.services.recovery import send_verification
from apps.accounts.services.sessions import end_sessions_of
from core.clock import now
from core.errors import NotAllowed
from core.outbox import enqueue
from core.redaction import conceal


def update_person(*, user: User, changes: Mapping[str, str | None], caller: Caller) -> None:
    """Change names, username or email; a new email is unproved, and the mail that proves it goes out.

    Raises `AlreadyRegistered` for a username or email that is somebody's; then nothing was changed.
    """
    new_email = "email" in changes and changes["email"] != user.email
    with transaction.atomic():
        if new_email:
            notify(user, Notice.EMAIL_CHANGED)
            user.email_verified_at = None
        for name, value in changes.items():
            setattr(user, name, value)
        _save(user, [*changes, "email_verified_at"])
        if new_email and user.email and can_mail():
            send_verification(user=user, caller=caller)


def complete_profile(*, user: User, changes: Mapping[str, str | None], password: str, caller: Caller) -> str:
    """Make a visitor a client (S0) and return the role; who is one already keeps everything, the password first of all.

    Raises `InvalidInput` for a weak password, `AlreadyRegistered` for a username or email that is somebody's.
    """
    if not user.needs_completion:
        return user.role_state
    require_good_password(password, user=user)
    with transaction.atomic():
        user.role_state, user.terms_accepted_at = User.RoleState.CLIENT, now()
        user.set_password(conceal(password))
        _save(user, ["role_state", "terms_accepted_at", "password"])
        update_person(user=user, changes=changes, caller=caller)
        note(Action.PASSWORD_CHANGED, caller=caller, user=user, first=True)
    return user.role_state


def change_phone(*, user: User, phone: str, code: str, caller: Caller, keep: uuid.UUID) -> None:
    """Move to a new number, proved by a code sent to it: other sessions end, and the old number is told.

    Without a code one is sent and `PhoneCodeNeeded` raised. Raises as `send_code` and `verify_code` do, and
    `AlreadyRegistered` for a number that has another account; only who holds the number learns that.
    """
    if not code:
        send_code(recipient=phone, purpose=Code.Purpose.PHONE_CHANGE, caller=caller)
        raise PhoneCodeNeeded(param="phone")
    verify_code(recipient=phone, purpose=Code.Purpose.PHONE_CHANGE, guess=code, caller=caller)
    with transaction.atomic():
        User.objects.filter(claimed_phone=phone).update(claimed_phone=None)
        old, user.phone, user.phone_verified_at, user.claimed_phone = user.phone or "", phone, now(), None
        if user.role_state == User.RoleState.VISITOR:
            user.role_state = User.RoleState.PHONE_ONLY
        _save(user, ["phone", "phone_verified_at", "claimed_phone", "role_state"])
        note(Action.PHONE_CHANGED, caller=caller, user=user, subject=phone)
        end_sessions_of(user=user, reason=Session.EndReason.PHONE_CHANGED, caller=caller, keep=keep)
        notify(user, Notice.PHONE_CHANGED, old_phone=old)


def delete_account(*, user: User, caller: Caller) -> None:
    """Take the person out of the account and leave what the books need: orders and payments keep their number.

    The phone and email are free for a new account at once. Raises `NotAllowed` for operators, who are removed in the
    console, and `LastOwner` for who alone owns a company of several.
    """
    if user.is_staff:
        raise NotAllowed("Operators are removed in the console, by another operator.")
    with transaction.atomic():
        notify(user, Notice.ACCOUNT_DELETED)
        note(Action.ACCOUNT_DELETED, caller=caller, user=user)
        end_sessions_of(user=user, reason=Session.EndReason.ACCOUNT_DELETED, caller=caller)
        _leave_company(user, caller)
        _forget_belongings(user)
        user.phone = user.claimed_phone = user.email = user.username = user.google_uid = None
        user.first_name = user.last_name = user.passcode = user.pin = ""
        user.phone_verified_at = user.email_verified_at = user.limits_restricted_until = None
        user.is_active, user.deleted_at = False, now()
        user.set_unusable_password()
        user.groups.clear()
        user.save()
        enqueue("orders.forget_cart", user=user.pk)


def _leave_company(user: User, caller: Caller) -> None:
    """Somebody's last owner hands it over first; a company of one goes with them."""
    mine = Membership.objects.filter(user=user).first()
    if mine and Membership.objects.filter(company=mine.company_id).exclude(pk=mine.pk).exists():
        remove_member(user=user, member=user.pk, caller=caller)


def _forget_belongings(user: User) -> None:
    profile = Profile.objects.filter(pk=user.pk).first()
    if profile and profile.avatar:
        picture, storage = str(profile.avatar.name), profile.avatar.storage
        transaction.on_commit(lambda: storage.delete(picture))
    for model in (Profile, Address, Device, KnownNetwork, Membership):
        model._default_manager.filter(user=user).delete()  # noqa: SLF001  # Django's name for it
    Link.objects.filter(email=user.email or "").delete()


def _save(user: User, fields: list[str]) -> None:
    try:
        with transaction.atomic():
            user.save(update_fields=fields)
    except IntegrityError as error:
        refusal: AlreadyRegistered = taken(error)
        user.refresh_from_db()
        raise refusal from None
