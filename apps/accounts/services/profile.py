"""What a person changes about themselves, and their leaving."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import IntegrityError, transaction

from apps.accounts.callers import Caller
from apps.accounts.errors import FreshSignInNeeded, PhoneCodeNeeded
from apps.accounts.models import Address, Code, Company, Device, KnownNetwork, Link, Membership, Profile, Session, User
from apps.accounts.services.audit import Action, note
from apps.accounts.services.codes import send_code, verify_code
from apps.accounts.services.companies import retire_company
from apps.accounts.services.email_proofs import ask_for_email
from apps.accounts.services.mailing import Notice, notify
from apps.accounts.services.members import remove_member
from apps.accounts.services.passwords import require_good_password, require_own_password
from apps.accounts.services.people import locked_person, taken
from apps.accounts.services.sessions import end_sessions_of
from core.clock import now
from core.errors import NotAllowed
from core.outbox import enqueue
from core.redaction import conceal

PLAIN_FIELDS = frozenset({"first_name", "last_name", "username"})
FRESH = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What somebody wants to be otherwise; `fields` holds names, username and email as far as they were sent."""

    fields: Mapping[str, str | None]
    phone: str = ""
    code: str = ""
    password: str = ""


def change_person(*, user: User, changes: Changes, caller: Caller, session: uuid.UUID) -> None:
    """Change names, username, email or phone, all of it or nothing.

    A new email waits until its link was followed. A new phone is proved by a code sent to it: without one it is sent,
    and `PhoneCodeNeeded` raised; with it, other sessions end and the old number is told. Both want a fresh sign-in
    or the password: `FreshSignInNeeded`. Raises as `send_code` and `verify_code` do, and `AlreadyRegistered` for a
    username that is somebody's, or a number that has another account; only who holds the number learns that.
    """
    new_phone = changes.phone if changes.phone not in ("", user.phone) else ""
    new_email = "email" in changes.fields and changes.fields["email"] != user.email
    if new_phone or new_email:
        _require_fresh(user, session, changes.password, caller)
    if new_phone:
        _prove_phone(new_phone, changes.code, caller)
    with transaction.atomic():
        person = locked_person(user)
        for name in PLAIN_FIELDS & changes.fields.keys():
            setattr(person, name, changes.fields[name])
        _save(person, [*PLAIN_FIELDS])
        if new_email:
            ask_for_email(user=person, email=changes.fields["email"], caller=caller)
        if new_phone:
            _move_phone(person, new_phone, caller, keep=session)
    user.refresh_from_db()


def complete_profile(*, user: User, changes: Mapping[str, str | None], password: str, caller: Caller) -> str:
    """Make a visitor a client (S0) and return the role; who is one already keeps everything, the password first of all.

    Raises `InvalidInput` for a weak password, `AlreadyRegistered` for a username that is somebody's.
    """
    require_good_password(password, user=user)
    with transaction.atomic():
        person = locked_person(user)
        if not person.needs_completion:
            return person.role_state
        person.role_state, person.terms_accepted_at = User.RoleState.CLIENT, now()
        person.set_password(conceal(password))
        for name in PLAIN_FIELDS:
            setattr(person, name, changes[name])
        _save(person, [*PLAIN_FIELDS, "role_state", "terms_accepted_at", "password"])
        if changes["email"] != person.email:
            ask_for_email(user=person, email=changes["email"], caller=caller)
        note(Action.PASSWORD_CHANGED, caller=caller, user=person, first=True)
    return person.role_state


def delete_account(*, user: User, caller: Caller) -> None:
    """Take the person out of the account and leave what the books need: orders and payments keep their number.

    The phone and email are free for a new account at once. What other apps know of the person goes by jobs; an order
    that is under way keeps where it goes until it is over. Raises `NotAllowed` for operators, who are removed in the
    console, and `LastOwner` for who alone owns a company of several.
    """
    if user.is_staff:
        raise NotAllowed("Operators are removed in the console, by another operator.")
    with transaction.atomic():
        user = locked_person(user)
        notify(user, Notice.ACCOUNT_DELETED)
        note(Action.ACCOUNT_DELETED, caller=caller, user=user)
        end_sessions_of(user=user, reason=Session.EndReason.ACCOUNT_DELETED, caller=caller)
        _leave_company(user, caller)
        _forget_belongings(user)
        user.phone = user.claimed_phone = user.email = user.username = user.google_uid = None
        user.first_name = user.last_name = user.pending_email = user.passcode = user.pin = ""
        user.phone_verified_at = user.email_verified_at = user.limits_restricted_until = None
        user.is_active, user.deleted_at = False, now()
        user.set_unusable_password()
        user.groups.clear()
        user.save()
        enqueue("orders.forget_cart", user=user.pk)
        enqueue("products.forget_owner", user=user.pk)
        enqueue("payments.forget_owner", user=user.pk)


def _leave_company(user: User, caller: Caller) -> None:
    """Somebody's last owner hands it over first; a company of one goes with them."""
    mine = Membership.objects.select_related("company").filter(user=user).first()
    if mine is None:
        return
    # As everybody who changes who is in a company does, so that nobody is counted on who is just leaving too.
    Company.objects.select_for_update(no_key=True).get(pk=mine.company_id)
    if Membership.objects.filter(company=mine.company_id).exclude(pk=mine.pk).exists():
        remove_member(user=user, member=user.pk, caller=caller)
        return
    mine.delete()
    retire_company(company=mine.company)


def _forget_belongings(user: User) -> None:
    profile = Profile.objects.filter(pk=user.pk).first()
    if profile and profile.avatar:
        picture, storage = str(profile.avatar.name), profile.avatar.storage
        transaction.on_commit(lambda: storage.delete(picture))
    for model in (Profile, Address, Device, KnownNetwork, Membership):
        model._default_manager.filter(user=user).delete()  # noqa: SLF001  # Django's name for it
    # Spent and kept: they count towards how many mails an address gets in an hour.
    Link.objects.filter(user=user, used_at=None).update(used_at=now())


def _require_fresh(user: User, session: uuid.UUID, password: str, caller: Caller) -> None:
    if Session.objects.filter(pk=session, created_at__gt=now() - FRESH).exists():
        return
    if not password or not user.has_usable_password():
        raise FreshSignInNeeded
    require_own_password(user=user, password=password, caller=caller, field="password")


def _prove_phone(phone: str, code: str, caller: Caller) -> None:
    if not code:
        send_code(recipient=phone, purpose=Code.Purpose.PHONE_CHANGE, caller=caller)
        raise PhoneCodeNeeded(param="phone")
    verify_code(recipient=phone, purpose=Code.Purpose.PHONE_CHANGE, guess=code, caller=caller)


def _move_phone(person: User, phone: str, caller: Caller, *, keep: uuid.UUID) -> None:
    User.objects.filter(claimed_phone=phone).exclude(pk=person.pk).update(claimed_phone=None)
    old, person.phone, person.phone_verified_at, person.claimed_phone = person.phone or "", phone, now(), None
    if person.role_state == User.RoleState.VISITOR:
        person.role_state = User.RoleState.PHONE_ONLY
    _save(person, ["phone", "phone_verified_at", "claimed_phone", "role_state"])
    note(Action.PHONE_CHANGED, caller=caller, user=person, subject=phone)
    end_sessions_of(user=person, reason=Session.EndReason.PHONE_CHANGED, caller=caller, keep=keep)
    notify(person, Notice.PHONE_CHANGED, old_phone=old)


def _save(person: User, fields: list[str]) -> None:
    try:
        with transaction.atomic():
            person.save(update_fields=fields)
    except IntegrityError as error:
        raise taken(error) from None
