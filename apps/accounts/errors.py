"""What sign-in refuses."""

from core.errors import DomainError, NotAllowed, NotFound, OutsidePartyUnavailable, TooManyRequests
from core.pictures import PictureRejected as PictureRejected


class InvalidPhone(DomainError):
    status = 400
    code = "invalid_phone"
    message = "Enter a phone number with its country code, such as +966512345678."


class PhoneCodeNeeded(DomainError):
    status = 400
    code = "phone_code_needed"
    message = "A code was sent to the new number. Send the same request again with it as `code`."


class CountryNotServed(DomainError):
    status = 400
    code = "country_not_served"
    message = "Texts are not sent to this country."


class CodeRejected(DomainError):
    """Wrong, spent, expired and never sent are one answer: which of them it was is the owner's business."""

    status = 400
    code = "code_rejected"
    message = "That code is wrong or has expired. Ask for a new one."


class TooManyGuesses(TooManyRequests):
    code = "too_many_guesses"
    message = "Too many wrong codes. Wait before trying again."


class TooManyTexts(TooManyRequests):
    code = "too_many_texts"
    message = "Too many codes were asked for. Wait before asking again."


class TextsPaused(TooManyRequests):
    """Codes to a range of numbers are hardly ever entered: somebody is paid for them, not signing in."""

    code = "texts_paused"
    message = "Codes to numbers like this one are paused for now. Try again later."


class ShopBusy(OutsidePartyUnavailable):
    """The breaker on what all texts together may cost has opened."""

    code = "texts_exhausted"
    message = "The shop cannot send more codes at the moment. Nothing was counted; try again later."


class TextNotSent(OutsidePartyUnavailable):
    """No provider could be reached."""

    code = "text_not_sent"
    message = "The text could not be sent. Nothing was counted; try again in a moment."


class TextRefused(TextNotSent):
    """A provider answered, and would not send it."""

    status = 502
    code = "text_refused"
    message = "The text was refused on its way. Nothing was counted; try again in a moment."


class TooManyMails(TooManyRequests):
    code = "too_many_mails"
    message = "Too many mails were asked for. Wait before asking again."


class NumberCannotReceive(DomainError):
    """The provider knows this number cannot be texted."""

    status = 400
    code = "number_cannot_receive"
    message = "This number cannot receive texts."


class MailNotSent(OutsidePartyUnavailable):
    code = "mail_not_sent"
    message = "The shop cannot send mails at the moment. Nothing was counted; try again later."


class InvalidCredentials(DomainError):
    status = 401
    code = "invalid_credentials"
    message = "No active account fits this email and password."


class PasswordLocked(TooManyRequests):
    code = "password_locked"
    message = "Too many wrong passwords. Wait, or sign in another way."


class PasscodeLocked(TooManyRequests):
    code = "passcode_locked"
    message = "Too many wrong passcodes. Wait, or sign in another way."


class PinLocked(TooManyRequests):
    code = "pin_locked"
    message = "Too many wrong PINs. Wait before trying again."


class SecondFactorLocked(TooManyRequests):
    code = "second_factor_locked"
    message = "Too many wrong codes. Wait before trying again."


class SecondFactorRejected(DomainError):
    status = 400
    code = "second_factor_rejected"
    message = "That code is not right, or was used before. Wait for the next one the app shows."


class SecondFactorUnreadable(DomainError):
    code = "second_factor_unreadable"
    message = (
        "The shop's secret key was replaced, so the codes of your app prove nothing any more. Type a recovery code "
        "and set up the app anew; or ask another operator to remove your second factor."
    )


class SecondFactorAlreadySet(DomainError):
    code = "second_factor_already_set"
    message = "An authenticator app was set up meanwhile. Sign in with it."


class PasscodeInvalid(DomainError):
    status = 400
    code = "passcode_invalid"
    message = "That passcode is not right."


class PinInvalid(DomainError):
    status = 400
    code = "pin_invalid"
    message = "That PIN is not right."


class SecretAlreadySet(DomainError):
    """Setting up never overwrites: that would let a stolen token replace what it cannot know."""

    status = 400
    code = "already_set"
    message = "It is set already. Change it with the current one."


class SecretNotSet(DomainError):
    status = 400
    code = "not_set"
    message = "It is not set up yet."


class AccountInactive(DomainError):
    status = 403
    code = "account_inactive"
    message = "This account is closed. Contact the shop."


class TokenRejected(DomainError):
    status = 401
    code = "token_rejected"
    message = "This token is not valid or has expired. Sign in again."


class TokenExpired(TokenRejected):
    code = "token_expired"
    message = "This token has expired. Refresh it, or sign in again."


class GoogleTokenRejected(DomainError):
    status = 400
    code = "google_token_rejected"
    message = "Google does not vouch for this sign-in. Try again."


class GoogleUnavailable(DomainError):
    status = 400
    code = "google_unavailable"
    message = "Google sign-in is not available here. Sign in another way."


class FreshSignInNeeded(DomainError):
    """Who holds a session that is not new may have found the phone on a bench (OWASP ASVS 5.0, 7.5.1)."""

    status = 403
    code = "fresh_sign_in_needed"
    message = "Sign in again to change your phone or email, or send your password along."


class LinkRejected(DomainError):
    status = 400
    code = "link_rejected"
    message = "This link is not valid, was used already or has expired. Ask for a new one."


class AlreadyRegistered(DomainError):
    status = 400
    code = "already_registered"
    message = "An account with these details exists already."


class LimitsRestricted(DomainError):
    status = 403
    code = "restricted_24hr"
    message = "After a change of passcode or PIN, smaller amounts only for 24 hours."


class TransactionLimitExceeded(DomainError):
    status = 400
    code = "limit_transaction_exceeded"
    message = "This is more than one transaction may be."


class DailyLimitExceeded(DomainError):
    status = 400
    code = "limit_daily_exceeded"
    message = "This is more than may be spent in a day."


class MonthlyLimitExceeded(DomainError):
    status = 400
    code = "limit_monthly_exceeded"
    message = "This is more than may be spent in a month."


class AddressNotFound(NotFound):
    code = "address_not_found"
    message = "There is no such address."


class TooManyAddresses(DomainError):
    status = 400
    code = "too_many_addresses"
    message = "No more addresses fit. Delete one first."


class NoEmail(DomainError):
    status = 400
    code = "no_email"
    message = "This account has no email address."


class ForeignOrigin(NotAllowed):
    """A page of a site nobody listed may not use the cookie its visitor happens to have."""

    code = "foreign_origin"
    message = "Requests from this site are not accepted here."


class InsufficientRole(NotAllowed):
    code = "insufficient_role"
    message = "Insufficient role"


class MemberNotFound(NotFound):
    code = "member_not_found"
    message = "There is no such person in the company."


class LastOwner(DomainError):
    status = 409
    code = "last_owner"
    message = "A company keeps at least one owner. Make somebody else an owner first."


class AlreadyMember(DomainError):
    status = 400
    code = "already_member"
    message = "This person is in the company already."


class InAnotherCompany(DomainError):
    status = 400
    code = "in_another_company"
    message = "This account belongs to a company already. Leave it first."


class InvitationNotFound(NotFound):
    code = "invitation_not_found"
    message = "There is no such open invitation."


class InvitationNotYours(NotAllowed):
    code = "invitation_not_yours"
    message = "This invitation was sent to another email address. Sign in with that one."


class TooManyInvitations(DomainError):
    status = 400
    code = "too_many_invitations"
    message = "Too many invitations are open or were sent today. Withdraw some, or wait."
