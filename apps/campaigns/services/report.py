"""The report of an import: what came in, what was done to it, what was refused."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from apps.campaigns.numbers import as_number
from apps.campaigns.services.evidence import Refusal, Repair
from apps.campaigns.services.outcome import CampaignOutcome, PeriodOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import found and did. `changed` lines differ from what is published; a dry run leaves it at that."""

    campaigns: tuple[CampaignOutcome, ...]
    refused: tuple[Refusal, ...]
    omitted: int = 0
    unchanged: int = 0
    changed: int = 0
    published: int = 0

    @property
    def is_refused(self) -> bool:
        return bool(self.refused)

    def as_json(self) -> dict[str, Any]:
        """The report in its documented shape."""
        return {
            "campaigns": [_campaign(outcome) for outcome in self.campaigns],
            "refused": [asdict(refusal) for refusal in (*self.refused, *self._rest())],
            "unchanged": self.unchanged,
            "published": self.published,
        }

    def _rest(self) -> tuple[Refusal, ...]:
        """What was found beyond the bound of the list, as its last entry."""
        reason = f"{self.omitted:,} further refusals are not listed."
        return (Refusal(self.refused[-1].file, None, None, None, reason),) if self.omitted else ()


def write_report(report: Mapping[str, Any], path: Path) -> None:
    """Write the report whole or not at all: a reader never meets half a file."""
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(report, file, ensure_ascii=False, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _campaign(outcome: CampaignOutcome) -> dict[str, Any]:
    return {
        "name": outcome.line.name,
        "line": outcome.line.position,
        "impactos_personas": outcome.persons,
        "impactos_vehiculos": outcome.vehicles,
        "status": outcome.status.value,
        "periods": [_period(period) for period in outcome.periods],
        "repairs": [_repair(repair) for repair in outcome.repairs],
    }


def _period(period: PeriodOutcome) -> dict[str, Any]:
    return {
        "period": period.label,
        "impactos_personas": as_number(period.persons),
        "impactos_vehiculos": as_number(period.vehicles),
        "status": period.status.value,
    }


def _repair(repair: Repair) -> dict[str, Any]:
    return {
        "file": repair.file,
        "row": repair.row,
        "column": repair.column,
        "before": repair.before,
        "rule": repair.rule.value,
        "after": as_number(repair.after),
        "proof": repair.proof,
    }
