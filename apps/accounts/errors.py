"""What sign-in refuses."""

from core.errors import DomainError, OutsidePartyUnavailable, TooManyRequests


class InvalidPhone(DomainError):
    status = 400
    code = "invalid_phone"
    message = "Enter a phone number with its country code, such as +966512345678."


class CodeRejected(DomainError):
    """Wrong, spent, expired and never sent are one answer: which of them it was is the owner's business."""

    status = 400
    code = "code_rejected"
    message = "That code is wrong or has expired. Ask for a new one."


class TooManyGuesses(TooManyRequests):
    code = "too_many_guesses"
    message = "Too many wrong codes for this number. Wait before trying again."


class TooManyTexts(TooManyRequests):
    code = "too_many_texts"
    message = "Too many codes were asked for. Wait before asking again."


class TextNotSent(OutsidePartyUnavailable):
    code = "text_not_sent"
    message = "The text could not be sent. Nothing was counted; try again in a moment."


class InvalidCredentials(DomainError):
    status = 401
    code = "invalid_credentials"
    message = "No active account fits this email and password."


class AccountInactive(DomainError):
    status = 403
    code = "account_inactive"
    message = "This account is closed. Contact the shop."


class TokenRejected(DomainError):
    status = 401
    code = "token_rejected"
    message = "This token is not valid or has expired. Sign in again."
