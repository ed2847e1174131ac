"""Several lines of one name as one campaign: impacts add up, reach never does."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from apps.campaigns.vocabulary import CAMPAIGN_SHARES, Status

Record = dict[str, Any]

_SEVEREST_FIRST = (Status.FLAGGED, Status.REPAIRED, Status.AS_RECEIVED)
# These describe one line's audience; nothing in the lines says how the audiences overlap.
_NOT_MERGEABLE = (
    "id",
    "part",
    "alcance",
    "numero_de_sitios",
    "frecuencia_calculada",
    "frecuencia_promedio",
    "hourly_vehicle_counts",
    *(share for shares in CAMPAIGN_SHARES for share in shares),
)


def merged(parts: Sequence[Record]) -> Record:
    """The campaign that the parts are; what cannot be known of it is None, its reach lies between two bounds."""
    return {
        **dict.fromkeys(_NOT_MERGEABLE),
        "name": parts[0]["name"],
        "status": _severest(part["status"] for part in parts),
        "tipo_campania": _common(parts, "tipo_campania"),
        "fecha_inicio": min(part["fecha_inicio"] for part in parts),
        "fecha_fin": max(part["fecha_fin"] for part in parts),
        "universo_zona_metro": _common(parts, "universo_zona_metro"),
        "impactos_personas": sum(part["impactos_personas"] for part in parts),
        "impactos_vehiculos": _proven_sum(parts),
        **_reach_bounds(parts),
        "periods": _merged_periods(parts),
        "findings": [finding for part in parts for finding in part["findings"]],
    }


def _reach_bounds(parts: Sequence[Record]) -> Record:
    """Everyone reached by all of them at the least, nobody by two of them at the most."""
    reached = [part["alcance"] for part in parts]
    universe = _common(parts, "universo_zona_metro")
    most = sum(reached) if universe is None else min(sum(reached), universe)
    return {"alcance_min": max(reached), "alcance_max": most}


def _proven_sum(parts: Sequence[Record]) -> int | None:
    """The vehicles of all parts, unless one part's are more than its persons and so not proven."""
    vehicles: list[int] = [part["impactos_vehiculos"] for part in parts]
    is_proven = all(count <= part["impactos_personas"] for count, part in zip(vehicles, parts, strict=True))
    return sum(vehicles) if is_proven else None


def _merged_periods(parts: Sequence[Record]) -> list[Record]:
    labels = sorted({period["period"] for part in parts for period in part["periods"]})
    return [
        _merged_period(label, [p for part in parts for p in part["periods"] if p["period"] == label])
        for label in labels
    ]


def _merged_period(label: str, periods: Sequence[Record]) -> Record:
    status = _severest(period["status"] for period in periods)
    vehicles = sum((period["impactos_periodo_vehiculos"] for period in periods), Decimal(0))
    return {
        "period": label,
        "impactos_periodo_personas": sum((period["impactos_periodo_personas"] for period in periods), Decimal(0)),
        "impactos_periodo_vehiculos": None if status == Status.FLAGGED else vehicles,
        "status": status,
    }


def _severest(statuses: Iterable[str]) -> str:
    found = set(statuses)
    return next(status.value for status in _SEVEREST_FIRST if status in found)


def _common(parts: Sequence[Record], column: str) -> Any:
    """The value all parts share, or None."""
    values = {part[column] for part in parts}
    return values.pop() if len(values) == 1 else None
