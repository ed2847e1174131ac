"""Where the console is, what opens it, and how often anybody may call at all."""

from typing import Annotated

from pydantic import AfterValidator

from config.variables.naming import Variables, named

TAKEN = {
    "api", "auth", "campaigns", "health", "healthz", "inbox", "media", "metrics", "shop", "static",
}  # fmt: skip

PROBED = ("health", "metrics")  # whatever begins so is neither counted nor closed


def _free(path: str) -> str:
    """With one slash, at the end, as the routes are written; the first word must lead nowhere yet."""
    first = path.split("/", maxsplit=1)[0].lower()
    if first in TAKEN or first.startswith(PROBED):
        raise ValueError("other addresses begin with that word")
    return f"{path.rstrip('/')}/"


class ConsoleVariables(Variables):
    admin_path: Annotated[str, AfterValidator(_free)] = named(
        "admin/",
        "ADMIN_PATH",
        help="Where the console is, such as back-office/; any other than admin/ is linked nowhere.",
        pattern=r"^[A-Za-z0-9-]+(/[A-Za-z0-9-]+)*/?$",
    )
    console_second_factor: bool | None = named(
        None,
        "CONSOLE_SECOND_FACTOR",
        help="1 asks operators for the code of an authenticator app besides the password; on unless in development.",
    )
    anonymous_calls_per_minute: int | None = named(
        None,
        "ANONYMOUS_CALLS_PER_MINUTE",
        help="Calls without a valid token, per client address; 0 is no limit. 600; in development 0.",
        ge=0,
    )
    person_calls_per_minute: int | None = named(
        None,
        "PERSON_CALLS_PER_MINUTE",
        help="Calls with a token, per person; 0 is no limit. 200; in development 0.",
        ge=0,
    )
