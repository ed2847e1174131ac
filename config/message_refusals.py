"""What is wrong with the settings of codes, texts and mails."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from phonenumbers import SUPPORTED_REGIONS

# Half an account is a typo in a variable's name, found out when the first customer waits for a code.
_TOGETHER = (
    ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_PHONE_NUMBER"),
    ("BULKSMS_API_URL", "BULKSMS_API_KEY", "BULKSMS_SENDER_ID"),
    ("EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD"),
)
_OFF = {"", "0", "false", "no", "off"}
_OWN_MACHINE = {"localhost", "127.0.0.1", "::1", "0.0.0.0"}  # noqa: S104  # compared with, not listened on


def sign_in_problems(values: Mapping[str, str], *, is_production: bool) -> Iterator[str]:
    """What no environment takes. Production takes no test mode at all, and says so itself."""
    countries = [part.strip() for part in values.get("OTP_COUNTRIES", "").split(",")]
    unknown = [country for country in countries if country and country.upper() not in SUPPORTED_REGIONS]
    if unknown:
        yield f"OTP_COUNTRIES: {', '.join(unknown)} is no country; list ISO codes such as SA,AE."
    region = values.get("PHONE_REGION", "")
    if region and region.upper() not in SUPPORTED_REGIONS:
        yield f"PHONE_REGION: {region} is no country; write an ISO code such as SA."
    is_test_mode = any(values.get(name, "").lower() not in _OFF for name in ("OTP_TEST_MODE", "OTP_DEV_MODE"))
    if is_test_mode and not is_production and not values.get("OTP_TEST_KEY"):
        yield "OTP_TEST_KEY is missing: without it OTP_TEST_MODE would show codes to nobody, or to everybody."


def sending_problems(values: Mapping[str, str]) -> Iterator[str]:
    """What production demands of texts and mails, should it send any."""
    for names in _TOGETHER:
        missing = [name for name in names if not values.get(name)]
        if 0 < len(missing) < len(names):
            yield f"{', '.join(missing)} must be set as well: {', '.join(names)} go together."
    if values.get("EMAIL_HOST"):
        yield from _unreachable(values, "FRONTEND_URL", why="mailed links lead there")
        if values.get("ACTIVATION_URL"):
            yield from _unreachable(values, "ACTIVATION_URL", why="activation mails lead there")
    if values.get("PUBLIC_URL"):
        yield from _unreachable(values, "PUBLIC_URL", why="providers report there")


def _unreachable(values: Mapping[str, str], name: str, *, why: str) -> Iterator[str]:
    try:
        parts = urlsplit(values.get(name, ""))
        is_right = parts.scheme == "https" and parts.hostname is not None and parts.hostname not in _OWN_MACHINE
    except ValueError:
        is_right = False
    if not is_right:
        yield f"{name} must be an https:// address of the real site: {why}."
