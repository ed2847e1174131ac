"""The settings a release will run with: those of this process, or of a file that is going to be its environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from dotenv import dotenv_values

from apps.operations.preflight.errors import CannotCheck, PreflightRefused

_OFF = {"", "0", "false", "no", "off"}


@dataclass(frozen=True)
class Given:
    """Variables, and where they come from in words; never printed, because they are secrets."""

    values: Mapping[str, str]
    source: str
    is_file: bool = False

    def word(self, name: str) -> str:
        return self.values.get(name, "").strip()

    def is_on(self, name: str) -> bool:
        return self.word(name).lower() not in _OFF

    @property
    def environment(self) -> str:
        """What they call themselves."""
        named = (self.word(name).lower() for name in ("ENVIRONMENT", "ENV", "DJANGO_ENV"))
        return next((word for word in named if word), "development")

    def loaded(self, environment: Any = None) -> Any:
        """As our own typed settings; raises `CannotCheck` with every problem in it, a line each."""
        try:
            return type(settings.ENV).load(self.values, environment=environment)
        except SystemExit as refused:  # SettingsRefused, by the name its base has here below
            raise CannotCheck(str(refused)) from None


def given_here() -> Given:
    return Given(dict(os.environ), "this process")


def given_by(file: Path) -> Given:
    """A file of NAME=value lines; raises `PreflightRefused`."""
    try:
        with file.open(encoding="utf-8") as lines:
            found = dotenv_values(stream=lines, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise PreflightRefused(f"{file} cannot be read: {reason}.") from None
    values = {name: value for name, value in found.items() if value}
    if not values:
        raise PreflightRefused(f"{file} sets nothing: write a NAME=value line for each variable.")
    return Given(values, file.name, is_file=True)
