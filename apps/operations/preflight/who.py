"""Who asked: a name and a machine."""

import getpass
import platform


def who_is_here() -> str:
    """The account and the machine; containers may have neither name."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "unknown"
    return f"{name} on {platform.node() or 'a machine without a name'}"
