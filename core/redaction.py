"""What must never be read in a log, trace, metric or error body: codes, tokens, PINs, passwords, phones.

Two nets: `conceal` registers a value the moment it is made, so it is masked wherever it turns up in the same
request or job; the patterns catch what came from outside (OWASP ASVS 5.0, 16.2.5).
"""

import re
from contextvars import ContextVar

MASK = "[hidden]"
_concealed: ContextVar[frozenset[str]] = ContextVar("concealed", default=frozenset())
_LEAST_LENGTH = 4

_NAMED = re.compile(
    r"""(?ix) (?<![\w-]) (?P<name> ["']?
            (?: [\w-]*(?:password|passcode|secret|token|otp)[\w-]* | access | refresh | authorization | cookie
                | (?P<digits>(?:dev_)?code|pin) )
            ["']? \s* [=:] \s* )
        (?P<quote>["']?) (?P<value> (?:Bearer\s+)? [^\s"',;&})\]]+ )"""
)
_TOKEN = re.compile(r"\b(?:eyJ[\w-]+|hr1)\.[\w-]+\.[\w-]*")
_URL_PASSWORD = re.compile(r"(?P<head>\b\w+://[^\s:/@]*:)[^\s@/]+(?P<tail>@)")
_PHONE = re.compile(r"(?<![\w.])\+\d{3}(?P<middle>\d{3,10})(?P<last>\d{2})(?!\d)")


def conceal(value: str) -> str:
    """Register a secret for the rest of this request or job, and hand it back."""
    if len(value) >= _LEAST_LENGTH:
        _concealed.set(_concealed.get() | {value})
    return value


def forget_concealed() -> None:
    """Start a request or job with nothing registered."""
    _concealed.set(frozenset())


def redact(text: str) -> str:
    """The text with every secret masked and phones cut to their country and last two digits."""
    for secret in _concealed.get():
        text = text.replace(secret, MASK)
    text = _TOKEN.sub(MASK, text)
    text = _URL_PASSWORD.sub(rf"\g<head>{MASK}\g<tail>", text)
    text = _NAMED.sub(_mask_value, text)
    return _PHONE.sub(_mask_phone, text)


def _mask_value(match: re.Match[str]) -> str:
    # `code` also names our error codes, which are words.
    is_word = match["digits"] and not any(character.isdigit() for character in match["value"])
    return match.group() if is_word else f"{match['name']}{match['quote']}{MASK}"


def _mask_phone(match: re.Match[str]) -> str:
    whole = match.group()
    return f"{whole[:4]}{'*' * len(match['middle'])}{match['last']}"
