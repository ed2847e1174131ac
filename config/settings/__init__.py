"""`config.settings` is the module ENVIRONMENT selects; each of them may also be named directly.

Resolved lazily, because importing `config.settings.production` runs this file first.
"""

import os
from importlib import import_module
from types import ModuleType
from typing import Any

from config.env import environment_of


def _selected() -> ModuleType:
    return import_module(f"config.settings.{environment_of(os.environ)}")


def __getattr__(name: str) -> Any:
    if name.isupper():
        return getattr(_selected(), name)
    raise AttributeError(name)


def __dir__() -> list[str]:
    return [name for name in dir(_selected()) if name.isupper()]
