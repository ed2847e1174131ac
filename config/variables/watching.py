"""Who hears of what goes wrong."""

from pydantic import SecretStr

from config.variables.naming import Variables, named


class WatchingVariables(Variables):
    sentry_dsn: SecretStr = named(
        SecretStr(""), "SENTRY_DSN", help="Where unexpected errors are reported; unset: nowhere but the log."
    )
    sentry_environment: str = named("", "SENTRY_ENVIRONMENT", help="The name reports carry; ENVIRONMENT when unset.")
    sentry_traces_rate: float = named(
        0.0, "SENTRY_TRACES_RATE", help="The share of requests whose timing is sent as well, 0 to 1.", ge=0, le=1
    )
