"""Everything that changes who may sign in, one file per flow."""

from apps.accounts.services.codes import send_code, verify_code
from apps.accounts.services.housekeeping import forget_old_codes
from apps.accounts.services.passwords import change_password, check_password, sign_in_with_password
from apps.accounts.services.sessions import SignedIn, end_session, refresh_session, start_session
from apps.accounts.services.sign_in import sign_in_with_code

__all__ = [
    "SignedIn",
    "change_password",
    "check_password",
    "end_session",
    "forget_old_codes",
    "refresh_session",
    "send_code",
    "sign_in_with_code",
    "sign_in_with_password",
    "start_session",
    "verify_code",
]
