"""Every environment variable Hanout reads, typed and frozen.

The variables themselves stand in `config/variables/`, by subject.
"""

import os
from collections.abc import Mapping
from typing import Self

from dotenv import dotenv_values
from pydantic import ValidationError

from config.backup_refusals import backup_problems
from config.file_refusals import file_problems
from config.message_refusals import sign_in_problems
from config.migration_refusals import migration_problems
from config.payment_refusals import provider_problems
from config.refusals import Problems, SettingsRefused, production_problems, url_problems, value_problems
from config.variables.backups import BackupVariables
from config.variables.console import ConsoleVariables
from config.variables.files import FileVariables
from config.variables.migrations import MigrationVariables
from config.variables.payments import PaymentVariables
from config.variables.process import ROOT, SWITCHES, Environment, ProcessVariables
from config.variables.search import SearchVariables
from config.variables.shop import ShopVariables
from config.variables.sign_in import SignInVariables
from config.variables.watching import WatchingVariables

__all__ = ["ROOT", "SWITCHES", "Env", "Environment", "current", "environment_of", "select"]


class Env(
    ShopVariables,
    PaymentVariables,
    SearchVariables,
    BackupVariables,
    FileVariables,
    MigrationVariables,
    SignInVariables,
    ConsoleVariables,
    WatchingVariables,
    ProcessVariables,
):
    """The process environment, read once at start; frozen."""

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, *, environment: Environment | None = None) -> Self:
        """Read the environment; raise `SettingsRefused` naming every problem at once.

        `environment` is what a directly named settings module stands for, whatever ENVIRONMENT says.
        """
        given = os.environ if environ is None else environ
        values = {key: value.strip() for key, value in given.items() if value.strip()}
        chosen = environment or environment_of(values)
        values["ENVIRONMENT"] = chosen
        problems = Problems(
            [
                *url_problems(values),
                *file_problems(values),
                *backup_problems(values),
                *migration_problems(values),
                *provider_problems(values),
                *sign_in_problems(values, is_production=chosen is Environment.PRODUCTION),
            ]
        )
        try:
            env = cls.model_validate(values)
        except ValidationError as error:
            problems.extend(value_problems(error))
        if chosen is Environment.PRODUCTION:
            problems.extend(production_problems(values))
        problems.raise_if_any(chosen)
        return env


_SPELLINGS = {
    "": Environment.DEVELOPMENT,
    "dev": Environment.DEVELOPMENT,
    "development": Environment.DEVELOPMENT,
    "base": Environment.DEVELOPMENT,
    "local": Environment.DEVELOPMENT,
    "test": Environment.DEVELOPMENT,
    "testing": Environment.DEVELOPMENT,
    "staging": Environment.STAGING,
    "prod": Environment.PRODUCTION,
    "production": Environment.PRODUCTION,
}


def environment_of(values: Mapping[str, str]) -> Environment:
    """Which environment the variables select; a misspelt one is refused, or a typo would open production."""
    named = {name: word for name in SWITCHES if (word := values.get(name, "").strip().lower())}
    if unknown := [name for name, word in named.items() if word not in _SPELLINGS]:
        raise SettingsRefused(f"{unknown[0]} is {named[unknown[0]]!r}: use development, staging or production.")
    if len({_SPELLINGS[word] for word in named.values()}) > 1:
        raise SettingsRefused(f"{' and '.join(named)} name different environments: set one of them.")
    return _SPELLINGS[next(iter(named.values()), "")]


_current: list[Env] = []


def select(environment: Environment) -> None:
    """Fix the environment for this process; a settings module calls it before it imports the base."""
    _current[:] = [Env.load(_with_dotenv(environment), environment=environment)]


def current() -> Env:
    """The environment of this process, chosen by ENVIRONMENT unless a settings module chose before."""
    if not _current:
        select(environment_of(os.environ))
    return _current[0]


def _with_dotenv(environment: Environment) -> Mapping[str, str]:
    """The process environment over `.env`, which counts in development alone."""
    if environment is not Environment.DEVELOPMENT:
        return os.environ
    kept = {key: value for key, value in dotenv_values(ROOT / ".env").items() if value}
    if environment_of(kept) is not Environment.DEVELOPMENT:
        raise SettingsRefused("ENVIRONMENT in .env does nothing: .env is read in development only. Set it outside.")
    return {**kept, **os.environ}
