"""Everything that changes who may sign in, one file per flow."""

from apps.accounts.services.cleaning import Retention, count_dead_sessions, delete_dead_sessions
from apps.accounts.services.codes import SentCode, send_code, verify_code
from apps.accounts.services.housekeeping import forget_old_codes
from apps.accounts.services.passwords import (
    change_own_password,
    change_password,
    check_password,
    require_good_password,
    sign_in_with_password,
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
    "refresh_session",
    "require_good_password",
    "rotate_key",
    "send_code",
    "session_of",
    "sign_in_with_code",
    "sign_in_with_password",
    "start_session",
    "verify_code",
]
