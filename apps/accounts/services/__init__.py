"""Everything that changes who may sign in, one file per flow."""

from apps.accounts.services.addresses import (
    add_address,
    address_of,
    change_address,
    delete_address,
    set_default_address,
)
from apps.accounts.services.avatars import set_avatar
from apps.accounts.services.codes import SentCode, send_code, verify_code
from apps.accounts.services.companies import (
    Standing,
    company_named,
    confirm_company,
    create_colleague,
    find_company,
    register_with_company,
    retire_company,
    standing_of,
    tidy_name,
)
from apps.accounts.services.devices import note_device
from apps.accounts.services.email_proofs import prove_email, send_verification, verify_email, yield_email
from apps.accounts.services.google_sign_in import sign_in_with_google
from apps.accounts.services.invitations import accept_invitation, invite, open_invitations, withdraw_invitation
from apps.accounts.services.links import make_link, token_of, use_link
from apps.accounts.services.mailing import Notice, mail_link, notify, require_mail
from apps.accounts.services.members import change_role, members_of, remove_member
from apps.accounts.services.mobile import sign_in_with_passcode, sign_up
from apps.accounts.services.passwords import (
    change_own_password,
    change_password,
    check_password,
    require_good_password,
    sign_in_with_password,
)
from apps.accounts.services.people import NewPerson, is_username_free, register_person, require_unclaimed, taken
from apps.accounts.services.permissions import require_permission
from apps.accounts.services.profile import Changes, change_person, complete_profile, delete_account
from apps.accounts.services.recovery import request_password_reset, reset_password, reset_password_with_code
from apps.accounts.services.secrets import PASSCODE, PIN, change_secret, check_secret, set_up_secret
from apps.accounts.services.sessions import (
    REVOKED,
    Pair,
    SignedIn,
    end_own_session,
    end_session,
    end_sessions_of,
    idle_since,
    log_out,
    refresh_session,
    rotate_key,
    sessions_of,
    start_session,
)
from apps.accounts.services.shoppers import register_shopper, resend_verification, set_preferences, update_shopper
from apps.accounts.services.sign_in import Person, sign_in_with_code
from apps.accounts.services.spending import require_within_limits, spending_limits
from apps.accounts.services.token_checks import end_session_of_token, require_living_token, seconds_left
from apps.accounts.services.unlocking import subjects_of

__all__ = [
    "PASSCODE",
    "PIN",
    "REVOKED",
    "Changes",
    "NewPerson",
    "Notice",
    "Pair",
    "Person",
    "SentCode",
    "SignedIn",
    "Standing",
    "accept_invitation",
    "add_address",
    "address_of",
    "change_address",
    "change_own_password",
    "change_password",
    "change_person",
    "change_role",
    "change_secret",
    "check_password",
    "check_secret",
    "company_named",
    "complete_profile",
    "confirm_company",
    "create_colleague",
    "delete_account",
    "delete_address",
    "end_own_session",
    "end_session",
    "end_session_of_token",
    "end_sessions_of",
    "find_company",
    "idle_since",
    "invite",
    "is_username_free",
    "log_out",
    "mail_link",
    "make_link",
    "members_of",
    "note_device",
    "notify",
    "open_invitations",
    "prove_email",
    "refresh_session",
    "register_person",
    "register_shopper",
    "register_with_company",
    "remove_member",
    "request_password_reset",
    "require_good_password",
    "require_living_token",
    "require_mail",
    "require_permission",
    "require_unclaimed",
    "require_within_limits",
    "resend_verification",
    "reset_password",
    "reset_password_with_code",
    "retire_company",
    "rotate_key",
    "seconds_left",
    "send_code",
    "send_verification",
    "sessions_of",
    "set_avatar",
    "set_default_address",
    "set_preferences",
    "set_up_secret",
    "sign_in_with_code",
    "sign_in_with_google",
    "sign_in_with_passcode",
    "sign_in_with_password",
    "sign_up",
    "spending_limits",
    "standing_of",
    "start_session",
    "subjects_of",
    "taken",
    "tidy_name",
    "token_of",
    "update_shopper",
    "use_link",
    "verify_code",
    "verify_email",
    "withdraw_invitation",
    "yield_email",
]
