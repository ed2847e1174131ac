"""Codes, texts, tokens and sessions."""

from pydantic import SecretStr

from config.variables.naming import CommaList, Variables, named


class SignInVariables(Variables):
    otp_code_length: int = named(6, "OTP_CODE_LENGTH", help="Digits of a texted code.", ge=4, le=8)
    otp_allow_short_codes: bool = named(
        False, "OTP_ALLOW_SHORT_CODES", help="1 lets production use codes of fewer than 6 digits."
    )
    otp_ttl_seconds: int = named(120, "OTP_TTL_SECONDS", help="How long a code is good for.", ge=30, le=600)
    otp_max_attempts: int = named(5, "OTP_MAX_ATTEMPTS", help="Wrong guesses one code survives.", ge=1, le=10)
    otp_identity_hourly_guesses: int = named(
        15,
        "OTP_IDENTITY_HOURLY_GUESSES",
        help="Guesses per phone and rolling hour; a new code does not refill it.",
        ge=1,
        le=100,
    )
    otp_cooldown_seconds: int = named(
        60, "OTP_COOLDOWN_SECONDS", help="Wait between two texts to a phone.", ge=0, le=3600
    )
    otp_phone_hourly_limit: int = named(
        5, "OTP_PHONE_HOURLY_LIMIT", help="Texts per phone and hour; 0 is no limit.", ge=0
    )
    otp_phone_daily_limit: int = named(
        10, "OTP_PHONE_DAILY_LIMIT", help="Texts per phone and day; 0 is no limit.", ge=0
    )
    otp_ip_hourly_limit: int = named(
        50, "OTP_IP_HOURLY_LIMIT", help="Texts per client address and hour; 0 is no limit.", ge=0
    )

    otp_identity_daily_guesses: int = named(
        40, "OTP_IDENTITY_DAILY_GUESSES", help="Guesses per phone and rolling day, whatever codes it has.", ge=1, le=500
    )
    otp_project_hourly_texts: int = named(
        1000,
        "OTP_PROJECT_HOURLY_TEXTS",
        help="Texts of the whole shop per hour: past it nothing is sent, so that a flood has a price limit; 0 is none.",
        ge=0,
    )
    otp_countries: CommaList = named(
        (), "OTP_COUNTRIES", help="Countries texted to, comma list of ISO codes such as SA,AE; empty is all."
    )
    phone_region: str = named(
        "",
        "PHONE_REGION",
        help="ISO code of the country whose national numbers (05…) are understood; empty: the country must be written.",
        pattern="^([A-Z]{2})?$",
    )
    otp_blocked_range_least_texts: int = named(
        50,
        "OTP_BLOCKED_RANGE_LEAST_TEXTS",
        help="A range of numbers with so many texts in an hour, hardly any entered, is blocked for it; 0 is off.",
        ge=0,
    )
    otp_test_mode: bool = named(
        False, "OTP_TEST_MODE", "OTP_DEV_MODE", help="Staging only: 1 answers `dev_code` to the secret header below."
    )
    otp_test_key: SecretStr = named(SecretStr(""), "OTP_TEST_KEY", help="Staging only: the header's value.")
    otp_test_code: str = named(
        "", "OTP_TEST_CODE", help="Staging only: the code sent to who shows the header.", pattern="^([0-9]{4,8})?$"
    )
    otp_test_header: str = named(
        "X-OTP-TEST-KEY", "OTP_TEST_HEADER", help="Staging only: the header's name.", pattern="^[A-Za-z][A-Za-z0-9-]*$"
    )
    otp_app_bypass: bool = named(
        False, "OTP_APP_BYPASS", help="Staging only: 1 accepts any 4 digits after a send, each use audited."
    )
    otp_app_bypass_allowlist: CommaList = named(
        (), "OTP_APP_BYPASS_ALLOWLIST", help="Staging only: the phones the bypass works for; empty is all."
    )
    twilio_account_sid: str = named(
        "", "TWILIO_ACCOUNT_SID", help="With the next two: texts leave through Twilio; in development never."
    )
    twilio_auth_token: SecretStr = named(SecretStr(""), "TWILIO_AUTH_TOKEN", help="See above.")
    twilio_phone_number: str = named(
        "", "TWILIO_PHONE_NUMBER", help="The sending number (E.164), or a messaging service's id (MG…)."
    )
    bulksms_api_key: SecretStr = named(
        SecretStr(""), "BULKSMS_API_KEY", help="Bulk SMS BD: tried when Twilio fails, or alone."
    )
    bulksms_sender_id: str = named("", "BULKSMS_SENDER_ID", help="See above.")
    bulksms_api_url: str = named(
        "", "BULKSMS_API_URL", help="See above; https only: the key travels in the body.", pattern="^(https://.+)?$"
    )
    google_oauth_client_id: str = named(
        "", "GOOGLE_OAUTH_CLIENT_ID", help="Google sign-in accepts ID tokens made for this client; off when unset."
    )

    jwt_access_min: int = named(
        60, "JWT_ACCESS_MIN", "ACCESS_TOKEN_EXPIRE_MINUTES", help="Minutes an access token lives.", ge=1, le=1440
    )
    jwt_refresh_days: int = named(
        30, "JWT_REFRESH_DAYS", "REFRESH_TOKEN_EXPIRE_DAYS", help="Days a session lives at most.", ge=1, le=365
    )
    session_idle_days: int = named(
        14, "SESSION_IDLE_DAYS", help="Days without a refresh that end a session.", ge=1, le=365
    )

    keep_expired_days: int = named(
        30, "KEEP_EXPIRED_DAYS", help="Days an expired session is kept before it is deleted.", ge=0, le=3650
    )
    keep_revoked_days: int = named(
        7, "KEEP_REVOKED_DAYS", help="Days an ended session is kept before it is deleted.", ge=0, le=3650
    )
