"""Everything that changes who may sign in, one file per flow."""

from apps.accounts.services.cleaning import Retention, count_dead_sessions, delete_dead_sessions
from apps.accounts.services.codes import SentCode, send_code, verify_code
from apps.accounts.services.devices import note_device
from apps.accounts.services.google_sign_in import sign_in_with_google
from apps.accounts.services.housekeeping import forget_old_codes
from apps.accounts.services.links import make_link, token_of, use_link
from apps.accounts.services.mailing import Notice, mail_link, notify, require_mail
from apps.accounts.services.mobile import sign_in_with_passcode, sign_up
from apps.accounts.services.passwords import (
    change_own_password,
    change_password,
    check_password,
    require_good_password,
    sign_in_with_password,
)
from apps.accounts.services.people import NewPerson, is_username_free, register_person, require_unclaimed, taken
from apps.accounts.services.profile import change_phone, complete_profile, delete_account, update_person
from apps.accounts.services.recovery import (
    request_password_reset,
    reset_password,
    reset_password_with_code,
    send_verification,
    verify_email,
)
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
    session_of,
    sessions_of,
    start_session,
)
from apps.accounts.services.sign_in import Person, sign_in_with_code
from apps.accounts.services.spending import require_within_limits, spending_limits

__all__ = [
    "PASSCODE",
    "PIN",
    "REVOKED",
    "NewPerson",
    "Notice",
    "Pair",
    "Person",
    "Retention",
    "SentCode",
    "SignedIn",
    "change_own_password",
    "change_password",
    "change_phone",
    "change_secret",
    "check_password",
    "check_secret",
    "complete_profile",
    "count_dead_sessions",
    "delete_account",
    "delete_dead_sessions",
    "end_own_session",
    "end_session",
    "end_sessions_of",
    "forget_old_codes",
    "idle_since",
    "is_username_free",
    "log_out",
    "mail_link",
    "make_link",
    "note_device",
    "notify",
    "refresh_session",
    "register_person",
    "request_password_reset",
    "require_good_password",
    "require_mail",
    "require_unclaimed",
    "require_within_limits",
    "reset_password",
    "reset_password_with_code",
    "rotate_key",
    "send_code",
    "send_verification",
    "session_of",
    "sessions_of",
    "set_up_secret",
    "sign_in_with_code",
    "sign_in_with_google",
    "sign_in_with_passcode",
    "sign_in_with_password",
    "sign_up",
    "spending_limits",
    "start_session",
    "taken",
    "token_of",
    "update_person",
    "use_link",
    "verify_code",
    "verify_email",
]
