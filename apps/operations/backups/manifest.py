"""What a backup says about itself, and what a restored one must therefore contain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

PRODUCT = "hanout"


@dataclass(frozen=True)
class Manifest:
    """Known before the first byte of the dump."""

    taken_at: datetime
    version: str
    commit: str
    database: str
    postgres: str
    postgres_major: int
    pg_dump: str
    migrations: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            **vars(self),
            "product": PRODUCT,
            "taken_at": self.taken_at.isoformat(),
            "migrations": list(self.migrations),
        }

    @classmethod
    def of_json(cls, given: Mapping[str, Any]) -> Self:
        """Raises `ValueError`, `KeyError` or `TypeError` for what is no manifest of ours."""
        if given["product"] != PRODUCT:
            raise ValueError(given["product"])
        known = {name: given[name] for name in cls.__dataclass_fields__}
        known["taken_at"] = datetime.fromisoformat(given["taken_at"])
        return cls(**known | {"migrations": tuple(given["migrations"])})


@dataclass(frozen=True)
class Figures:
    """How many rows a table has, and the sum of their hashes, which their order does not change."""

    rows: int
    checksum: str


@dataclass(frozen=True)
class Contents:
    """Read in the snapshot that was dumped; `sequences` alone live outside of snapshots, so each has two bounds.

    `complaints` is what made no sense already then: a faithful copy of it is no fault of the backup.
    """

    tables: Mapping[str, Figures] = field(default_factory=dict)
    sequences: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    objects: Mapping[str, bool] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(figures.rows for figures in self.tables.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "tables": {name: [figures.rows, figures.checksum] for name, figures in self.tables.items()},
            "sequences": {name: list(bounds) for name, bounds in self.sequences.items()},
            "objects": dict(self.objects),
            "complaints": list(self.complaints),
        }

    @classmethod
    def of_json(cls, given: Mapping[str, Any]) -> Self:
        return cls(
            {name: Figures(*figures) for name, figures in given["tables"].items()},
            {name: (low, high) for name, (low, high) in given["sequences"].items()},
            given["objects"],
            tuple(given["complaints"]),
        )
