"""What must never be read in a log, trace, metric or error body: codes, tokens, PINs, passwords, phones.

Three nets, cast over values and never over a rendered line, so that nothing a client sends can bend a line's
structure (OWASP ASVS 5.0, 16.2.5): `conceal` registers a value the moment it is known, so it is masked wherever it
turns up in the same request or job; the name of a value tells what it holds; the patterns catch what is left.
"""

import json
import math
import re
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import quote, quote_plus

MASK = "[hidden]"

_LEAST_LENGTH, _GREATEST_LENGTH, _MOST_CONCEALED = 4, 4000, 32
_DEEPEST = 6


_NOTHING: tuple[str, ...] = ()
_concealed: ContextVar[tuple[str, ...]] = ContextVar("concealed", default=_NOTHING)  # the latest last


def conceal(value: str) -> str:
    """Register a secret for the rest of this request or job, and hand it back.

    Callers pass what clients sent, unchecked: too short, too long or blank is ignored, and the latest few are kept.
    """
    secret = value.strip()
    if _LEAST_LENGTH <= len(secret) <= _GREATEST_LENGTH:
        earlier = [known for known in _concealed.get() if known != secret]
        _concealed.set((*earlier[1 - _MOST_CONCEALED :], secret))
    return value


def forget_concealed() -> None:
    """Start a request or job with nothing registered."""
    _concealed.set(_NOTHING)


def redact(text: str) -> str:
    """The text with every secret masked and phones cut to their country and last two digits."""
    return redact_shapes(_mask_concealed(text))


def redact_shapes(text: str) -> str:
    """Only what gives itself away by its form: for values whose wording is ours, which nobody may blank."""
    if not _WORTH_A_LOOK.search(text):
        return text
    text = mask_tokens(text)
    if "://" in text:
        text = _URL_PASSWORD.sub(rf"\g<head>{MASK}", text)
    if _PAIR.search(text):
        text = _HEADER.sub(rf"\g<head>{MASK}", text)
        text = _NAMED.sub(_mask_named, text)
    return _PHONE.sub(lambda match: _mask_digits(match.group()), text)


def mask_tokens(text: str) -> str:
    """Tokens alone: they hold no quote, brace or colon, so this is safe even on a finished line."""
    return _TOKEN.sub(MASK, text) if "eyJ" in text or "hr1." in text else text


def redact_value(value: Any, key: str = "", depth: int = 0) -> Any:
    """The value in JSON's types with its strings redacted; `key` is the name it goes by."""
    if isinstance(value, str):
        return _redact_text(str(value), key)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _redact_integer(int(value), key)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _redact_compound(value, key, depth + 1)


def _redact_compound(value: Any, key: str, depth: int) -> Any:
    if depth > _DEEPEST:
        return "[too deep]"
    if isinstance(value, Mapping):
        return {redact_key(name): redact_value(held, _closer(name, key), depth) for name, held in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return _redact_items(list(value), key, depth)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _redact_text(bytes(value).decode(errors="replace"), key)
    return _redact_text(repr(value) if isinstance(value, BaseException) else str(value), key)


def _redact_items(items: list[Any], key: str, depth: int) -> list[Any]:
    # ASGI and WSGI carry headers as (name, value).
    if len(items) == len(("name", "value")) and isinstance(items[0], (str, bytes)):
        key = _closer(items[0], key) if _kind(_text(items[0])) == "secret" else key
        return [redact_value(items[0], "", depth), redact_value(items[1], key, depth)]
    return [redact_value(item, key, depth) for item in items]


def redact_key(name: object) -> str:
    """Keys are structure: one that is a plain word stays, whatever was concealed."""
    text = _text(name)
    return text if _PLAIN_KEY.fullmatch(text) else redact(text)


def _closer(name: object, outer: str) -> str:
    """The name that says most about a nested value: its own, or the one of what holds it."""
    text = _text(name)
    return text if _kind(text) or not outer else outer


def _text(name: object) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)


def _redact_text(text: str, key: str) -> str:
    kind = _kind(key)
    if kind in {"secret", "code"} and _looks_secret(text, is_code=kind == "code"):
        return MASK
    text = redact(text)
    is_phone = kind == "phone" or (kind == "party" and _ONLY_PHONE.fullmatch(text))
    return _mask_digits(text) if is_phone and sum(map(str.isdecimal, text)) >= _LEAST_PHONE else text


def _redact_integer(number: int, key: str) -> int | str:
    digits = len(str(abs(number)))
    if key.lower() in _NUMERIC_SECRETS and _LEAST_LENGTH <= digits <= _LONGEST_CODE:
        return MASK
    is_phone = digits >= _LEAST_PHONE and _kind(key) in {"phone", "party"}
    return _mask_digits(str(number)) if is_phone else number


# ---- Net one: what was concealed


def _mask_concealed(text: str) -> str:
    for form in _forms(_concealed.get()):
        if form in text:
            text = _whole(form).sub(_mask_unless_frame, text)
    return text


@lru_cache(maxsize=64)
def _forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """What to look for, the longest first; worked out when something is written, which most requests do once."""
    return tuple(sorted({form for secret in secrets for form in _written_forms(secret)}, key=len, reverse=True))


def _written_forms(secret: str) -> set[str]:
    """The secret as it stands, and as `repr`, JSON or a URL would write it into an exception's text."""
    if _UNRESERVED.fullmatch(secret):
        return {secret}
    quoted = {repr(secret), ascii(secret), json.dumps(secret), json.dumps(secret, ensure_ascii=False)}
    in_url = {quote(secret, safe="", errors="replace"), quote_plus(secret, errors="replace")}
    return {secret, *(form[1:-1] for form in quoted), *in_url}


def _whole(form: str) -> re.Pattern[str]:
    """Whole occurrences: 483920 is not in 14839201, and the lines naming a traceback's frames are skipped."""
    return re.compile(f"{_FRAME}|{_edge(form[0], '<')}(?P<secret>{re.escape(form)}){_edge(form[-1], '')}", re.MULTILINE)


def _edge(character: str, side: Literal["<", ""]) -> str:
    r"""Digits do not continue digits, letters not letters; the letter of an escape (as in `\n`) is none."""
    if character.isdecimal():
        return rf"(?{side}!\d)"
    if not character.isalpha():
        return ""
    escape = r"(?<=\\[abfnrtv])|" if side else ""
    return rf"(?:{escape}(?{side}![^\W\d]))"


def _mask_unless_frame(match: re.Match[str]) -> str:
    return MASK if match["secret"] else match.group()


_UNRESERVED = re.compile(r"[\w.~-]+", re.ASCII)
_FRAME = r'^[ |]*File "[^"\n]+(?:\.py|>)", line \d+, in [\w.<>]+$|^Traceback \(most recent call last\):$'

# ---- Net two: what goes by a telling name

_CARRIES = r"""(?:(?i:password|passwd|passcode|secret|token|credential|api[_-]?key|private[_-]?key|authorization|cookie)
    | (?<![A-Za-z])(?i:otp)(?![a-z]) | (?<=[a-z])O(?:tp|TP)(?![a-z]))"""
_CODE = "(?i:(?:(?:auth|dev|login|otp|sms|verification)[_-]?)?code|pin)"
_SECRET_KEY = re.compile(rf"(?x) {_CARRIES} | ^(?i:access|refresh)$")
_CODE_KEY = re.compile(_CODE)
_PHONE_KEY = re.compile(r"(?i)(?:phone|msisdn|mobile)(?:[_-]?(?:number|no))?$")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z_. -]*")
_NUMERIC_SECRETS = frozenset({"code", "dev_code", "otp", "pin", "passcode", "password"})
_LONGEST_CODE = 8


@lru_cache(maxsize=1024)
def _kind(key: str) -> Literal["secret", "code", "phone", "party", ""]:
    """What a value of this name holds; `party` may be a phone (`to`, `from`)."""
    if _CODE_KEY.fullmatch(key):
        return "code"
    if _SECRET_KEY.search(key):
        return "secret"
    if key.lower() in {"to", "from"}:
        return "party"
    return "phone" if _PHONE_KEY.search(key) else ""


def _looks_secret(value: str, *, is_code: bool) -> bool:
    """Not nothing, a small count or a status; `code` also names our error codes, which are words."""
    return not (_NO_SECRET.fullmatch(value) or (is_code and _WORDS.fullmatch(value)))


def _mask_named(match: re.Match[str]) -> str:
    value = match["bare"] if match["quoted"] is None else match["quoted"]
    if not _looks_secret(value, is_code=match["code"] is not None):
        return match.group()
    quote = match["quote"] or ""
    return f"{match['head']}{quote}{MASK}{quote}"


_NO_SECRET = re.compile(r"(?i)|none|null|true|false|undefined|-?\d{1,3}(?:\.\d+)?|\[hidden\]?")
_WORDS = re.compile(r"[a-z][a-z_.-]*")
_PAIR = re.compile(r"""[=:]|["'],""")
_HEADER = re.compile(r"""(?P<head>(?i:authorization|cookie)\s*+:\s*+)(?!\[hidden\])[^\s"'](?:(?!\\[rn])[^\r\n])*+""")
_NAMED = re.compile(
    rf"""(?x) (?:(?<![\w-])|(?<=\\[nrt])) (?P<head>
            (?: (?P<code>{_CODE}) | (?i:access|refresh) | (?=[\w-]*?{_CARRIES})[\w-]++ ) (?![\w-])
            \\*+["']?[)\]]? \s*+ (?:=>|[=:]|(?<=["']),) \s*+ (?!\[hidden\])[(\[]?(?:b(?=\\*["']))?)
        (?: (?P<quote>\\*+["']) (?P<quoted>(?:(?!(?P=quote))(?:\\.|.))*+) (?:(?P=quote))?
            | (?P<bare>(?:(?i:bearer|basic|digest)\s++)?[^\s"',;&}})\]]+) )"""
)

# ---- Net three: what gives itself away

_WORTH_A_LOOK = re.compile(r"""[\d=:]|["'],|eyJ|hr1\.""")
_TOKEN = re.compile(r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))(?:eyJ[\w-]{1,300}+|hr1)\.[\w-]++\.[\w-]*+")
_URL_PASSWORD = re.compile(r"(?P<head>://[^\s:/@]*+:)[^\s/]+(?=@)")

_LEAST_PHONE = 7
_LEAST_HIDDEN = 4
_COUNTRY = 4
# Brackets, dashes, spaces, and the invisible marks which steer a number through Arabic text.
_MARKS = " \t\xa0\u2007\u202f\u200e\u200f\u202a-\u202e\u2066-\u2069()\\-\u2010-\u2015/"
_BETWEEN = f"[{_MARKS}.]{{0,3}}"
_ZERO = "[0\u0660\u06f0\uff10]"
_REST = rf"{_BETWEEN}(?!{_ZERO})\d(?:{_BETWEEN}\d){{6,14}}"
_ALONE, _ENDS = r"(?:(?<![A-Za-z_\d])|(?<=\\[nrt]))(?<![A-Za-z\d]-)", r"(?!-?[A-Za-z_\d])"
_CLOCK = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{6}(?!\d)"
_PHONE = re.compile(
    rf"(?:[+\uff0b]|%2[Bb]){_REST}(?!\d)"
    rf"|{_ALONE}(?<!\d[.,:]){_ZERO}{{2}}(?!\.){_REST}{_ENDS}"
    rf"|{_ALONE}(?<!\d\.)(?!{_CLOCK})\d{{9,15}}{_ENDS}(?![.,]\d| ?(?:[mnu\xb5\u03bc]?s|bytes)\b)"
)
_ONLY_PHONE = re.compile(rf"(?!\d{{4}}-\d\d-\d\d)[+\d{_MARKS}]+")


def _mask_digits(text: str) -> str:
    places = [place for place, character in enumerate(text) if character.isdecimal()]
    hidden = {place for place in places[:-2] if place >= _COUNTRY}
    if len(hidden) < _LEAST_HIDDEN:
        hidden = set(places[:-2])
    return "".join("*" if place in hidden else character for place, character in enumerate(text))
