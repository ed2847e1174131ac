"""Everything that changes who may sign in, one file per flow."""

from apps.accounts.services.cleaning import Retention, count_dead_sessions, delete_dead_sessions
from apps.accounts.services.codes import SentCode, send_code, verify_code
from apps.accounts.services.devices import note_device
from apps.accounts.services.housekeeping import forget_old_codes
from apps.accounts.services.links import make_link, token_of, use_link
from apps.accounts.services.mailing import Notice, mail_link, notify, require_mail
from apps.accounts.services.passwords import (
    change_own_password,
    change_password,
    check_password,
    require_good_password,
    sign_in_with_password,
)
from apps.accounts.services.people import NewPerson, register_person, require_unclaimed, taken
from apps.accounts.services.recovery import (
    request_password_reset,
    reset_password,
    reset_password_with_code,
    send_verification,
    verify_email,
)
from apps.accounts.services.sessions import (
    Pair,
    SignedIn,
    end_session,
    end_sessions_of,
    refresh_session,
    rotate_key,
    session_of,
    start_session,
)
from apps.accounts.services.sign_in import Person, sign_in_with_code

__all__ = [
    "NewPerson",
    "Notice",
    "Pair",
    "Person",
    "Retention",
    "SentCode",
    "SignedIn",
    "change_own_password",
    "change_password",
    "check_password",
    "count_dead_sessions",
    "delete_dead_sessions",
    "end_session",
    "end_sessions_of",
    "forget_old_codes",
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
    "reset_password",
    "reset_password_with_code",
    "rotate_key",
    "send_code",
    "send_verification",
    "session_of",
    "sign_in_with_code",
    "sign_in_with_password",
    "start_session",
    "taken",
    "token_of",
    "use_link",
    "verify_code",
    "verify_email",
]
