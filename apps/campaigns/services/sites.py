"""The site file against the campaigns: who the sites belong to, how many there are, and what is odd about them."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from unicodedata import normalize

from apps.campaigns.services.evidence import Finding, Refusal
from apps.campaigns.services.layout import SITES
from apps.campaigns.services.lines import CampaignLine, SiteRow
from apps.campaigns.vocabulary import Severity

_LISTED_ROWS = 8
_SEPARATORS = re.compile(r"[\s-]+")


def normalised_code(code: str) -> str:
    """A code to compare by: capitals, and one hyphen wherever there are spaces or hyphens."""
    return _SEPARATORS.sub("-", normalize("NFKC", code).upper()).strip("-")


def site_count_refusals(lines: Sequence[CampaignLine], rows: Sequence[SiteRow]) -> list[Refusal]:
    """A line's number of sites must be the number of sites listed; lines of one name may share sites."""
    listed = len({normalised_code(row.code) for row in rows})
    if max(line.sites for line in lines) <= listed <= sum(line.sites for line in lines):
        return []
    reason = f"The site file lists {listed} sites for this name."
    return [line.row.refuse("sites", reason) for line in lines]


def site_notes(lines: Sequence[CampaignLine], rows: Sequence[SiteRow]) -> list[Finding]:
    """What a reader of a name's sites should know."""
    return [*_foreign_dates(lines, rows), *_blank_months(rows), *_repeated_rows(rows)]


def _foreign_dates(lines: Sequence[CampaignLine], rows: Sequence[SiteRow]) -> Iterable[Finding]:
    used = Counter((row.starts_on, row.ends_on) for row in rows)
    for (starts_on, ends_on), count in used.items():
        if any(line.starts_on <= ends_on and starts_on <= line.ends_on for line in lines):
            continue
        yield _note(
            "sites_outside_campaign",
            f"{_rows(count)} used from {starts_on} to {ends_on}, "
            f"while the campaign ran from {lines[0].starts_on} to {lines[0].ends_on}.",
            column="fecha_uso_inicio",
        )


def _blank_months(rows: Sequence[SiteRow]) -> Iterable[Finding]:
    if blank := [row.row.number for row in rows if row.values["mes"] is None]:
        text = f"{_rows(len(blank))} without monthly figures: {_listed(blank)}."
        yield _note("site_months_missing", text, column="mes")


def _repeated_rows(rows: Sequence[SiteRow]) -> Iterable[Finding]:
    received = Counter(row.row.cells for row in rows)
    if repeated := [row.row.number for row in rows if received[row.row.cells] > 1]:
        text = f"{_rows(len(repeated))} the same as another, word for word: {_listed(repeated)}; all are kept."
        yield _note("site_rows_repeated", text)


def _note(code: str, text: str, *, column: str = "") -> Finding:
    return Finding(severity=Severity.NOTE, code=code, text=text, file=SITES.file, column=column)


def _rows(count: int) -> str:
    return "1 site row is" if count == 1 else f"{count} site rows are"


def _listed(numbers: Sequence[int]) -> str:
    first = ", ".join(str(row) for row in numbers[:_LISTED_ROWS])
    more = " and others" if len(numbers) > _LISTED_ROWS else ""
    return f"row {first}" if len(numbers) == 1 else f"rows {first}{more}"
