"""What registering refuses, in V1's words."""

from core.errors import DomainError


class RegistrationRefused(DomainError):
    """Unknown, expired, finished with another password, or begun another way: one answer for all."""

    status = 400
    code = "registration_refused"
    message = "Invalid or expired registration session. Start again."


class CodeNotProved(DomainError):
    status = 400
    code = "code_not_proved"
    message = "OTP not verified. Verify the code sent to your email address first."
