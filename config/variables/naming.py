"""How a variable is declared: its accepted names, its default, its limits, and the sentence that explains it."""

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field


class Variables(BaseModel):
    """A group of variables, read once at start."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _split(value: Any) -> Any:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaList = Annotated[tuple[str, ...], BeforeValidator(_split)]


def named(default: Any, /, *names: str, help: str, **limits: Any) -> Any:  # noqa: A002
    """A variable with its accepted names and the sentence `.env.example` prints for it."""
    return Field(default, validation_alias=AliasChoices(*names), description=help, **limits)
