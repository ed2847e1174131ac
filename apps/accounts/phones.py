"""Phones are canonical (E.164) before anything else looks at them."""

import re
import unicodedata

import phonenumbers
from django.conf import settings

from apps.accounts.errors import InvalidPhone

MAX_PHONE_CHARACTERS = 40
LEAST_DIGITS_WITHOUT_PLUS = 10
_E164 = re.compile(r"^\+[1-9]\d{6,14}$")
_SEPARATORS = re.compile(r"[\s().\-/\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


def canonical_phone(written: str) -> str:
    """The number in E.164, whatever digits, separators or `00` prefix it was written with.

    Production takes only numbers that exist by the numbering plans; elsewhere any of the right shape will do,
    so that sample numbers work. Raises `InvalidPhone`.
    """
    number = _international(written)
    if not _E164.match(number):
        raise InvalidPhone(param="phone")
    parsed = _parsed(number)
    if parsed is not None and phonenumbers.is_valid_number(parsed):
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if settings.ENVIRONMENT == "production":
        raise InvalidPhone(param="phone")
    return number


def _international(written: str) -> str:
    if len(written) > MAX_PHONE_CHARACTERS:
        raise InvalidPhone(param="phone")
    digits = ascii_digits(written)
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    if digits.startswith("+"):
        return digits
    if settings.PHONE_REGION and len(digits) < LEAST_DIGITS_WITHOUT_PLUS + 1:
        return _from_national(digits)
    # A forgotten plus is forgiven where nothing but an international number is that long; a short one is somebody's
    # national number, and read as international it would text a stranger abroad.
    return f"+{digits}" if len(digits) >= LEAST_DIGITS_WITHOUT_PLUS else ""


def _from_national(digits: str) -> str:
    """05… and 5… in the shop's own country (S0); longer ones carry their calling code."""
    try:
        parsed = phonenumbers.parse(digits, settings.PHONE_REGION)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def country_of(recipient: str) -> str:
    """The ISO code of an E.164 number's country; nothing for a mail address or a number of no plan."""
    parsed = _parsed(recipient)
    return (phonenumbers.region_code_for_number(parsed) or "") if parsed else ""


def number_range(phone: str) -> str:
    """The calling code and the three digits after it: numbers that are rented, and abused, together."""
    parsed = _parsed(phone)
    return f"+{parsed.country_code}{str(parsed.national_number)[:3]}" if parsed else phone[:6]


def _parsed(phone: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(phone) if phone.startswith("+") else None
    except phonenumbers.NumberParseException:
        return None


def ascii_digits(written: str) -> str:
    """Without separators and direction marks, Arabic-Indic and every other decimal digit as 0-9."""
    return "".join(_ascii_digit(character) for character in _SEPARATORS.sub("", written))


def _ascii_digit(character: str) -> str:
    value = unicodedata.decimal(character, None)
    if value is not None:
        return str(value)
    return "+" if character == "＋" else character
