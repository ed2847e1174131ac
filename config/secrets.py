"""The signing secret: given in production, made up once per checkout in development."""

import hmac
import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from config.env import Env, Environment
from config.refusals import SettingsRefused


def secret_key(env: Env) -> str:
    """SECRET_KEY, or outside production one that is generated and kept, so sign-ins survive a restart."""
    given = env.secret_key.get_secret_value()
    if given or env.environment is Environment.PRODUCTION:
        return given
    if env.testing:
        return secrets.token_urlsafe(50)
    try:
        return keep(env.data_dir / "secret_key", secrets.token_urlsafe(50))
    except OSError as error:
        raise SettingsRefused(
            f"Cannot write to {env.data_dir}: {error.strerror}. Make the folder writable, or set HANOUT_DATA_DIR."
        ) from None


def derived_secret(key: str, purpose: str) -> str:
    """A secret of its own for one purpose, the same in all processes that share the key."""
    return hmac.new(key.encode(), f"hanout.{purpose}".encode(), "sha256").hexdigest()


def parts(listed: SecretStr) -> list[str]:
    """Several secrets in one variable, with commas: during a rotation the old one counts beside the new one."""
    return [part for piece in listed.get_secret_value().split(",") if (part := piece.strip())]


def keep(path: Path, value: str) -> str:
    """Write `value` to a private file unless one is there already; return what the file holds.

    The link is the atomic step: of two processes starting at once, both end with the same value.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(value)
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
