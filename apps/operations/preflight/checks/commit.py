"""Is it known what is released, and is it in order by itself: tree, style, documents, libraries."""

import re
import shutil
import sys
from collections import Counter
from pathlib import Path

from apps.operations.preflight.children import Done, last_lines, run_program
from apps.operations.preflight.errors import CannotCheck
from apps.operations.preflight.flight import Flight
from apps.operations.preflight.outcomes import Seen, bad, counted, doubtful, good
from apps.operations.preflight.registry import Part, check

LINT_SECONDS = 120
_TEST = re.compile(r"`(\S+\.py)::(\w+)`")
_PROMISED, _TO_COME = {"done", "replaced"}, re.compile(r"[A-Z]")
_KNOWN = {"done", "replaced", "refused", "later"}


@check(
    "clean-tree",
    Part.CODE,
    "Nothing is uncommitted, so the commit is what is released.",
    hint="Commit or stash what is listed, and run preflight again.",
)
def clean_tree(flight: Flight) -> Seen:
    changes, head = flight.repository.changes(), flight.repository.head
    if changes:
        return bad(f"{counted(len(changes), 'file')} differ from {head.short}.", *map(_in_words, changes[:20]))
    return good(f"{head.short} on {flight.repository.branch}, by {head.author}: {head.subject}")


def _in_words(change: str) -> str:
    state, path = change[:2].strip(), change[3:]
    return f"{'new' if state == '??' else 'gone' if state == 'D' else 'changed'}: {path}"


@check(
    "style",
    Part.CODE,
    "Style and the import ladder are as agreed.",
    hint="Run `make check`, and `make fix` for what can be mended by machine.",
)
def style(flight: Flight) -> Seen:
    ran = [
        ("ruff check", _tool(flight, "ruff", "check", "--quiet", "--output-format=concise", ".")),
        ("ruff format", _tool(flight, "ruff", "format", "--check", "--quiet", ".")),
        ("lint-imports", _tool(flight, "lint-imports", "--no-cache")),
    ]
    wrong = [(name, done) for name, done in ran if done.returncode]
    if wrong:
        names = ", ".join(name for name, _ in wrong)
        return bad(f"{names}: not as agreed.", *last_lines(wrong[0][1].stdout or wrong[0][1].stderr))
    return good("ruff and import-linter find nothing. Types are checked by `make check`.")


def _tool(flight: Flight, name: str, *arguments: str) -> Done:
    program = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if program is None:
        raise CannotCheck(f"{name} is not installed: pip install -r requirements/dev.txt.")
    return run_program(flight.root, program, *arguments, seconds=LINT_SECONDS)


@check(
    "documents",
    Part.CODE,
    "Every promise of the documents is kept by a test that exists.",
    hint="Give the row of docs/documents.md its test, or say in it why the promise is refused.",
)
def documents(flight: Flight) -> Seen:
    page = flight.root / "docs" / "documents.md"
    try:
        lines = page.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise CannotCheck(f"{page} cannot be read: {error.strerror}.") from None
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if _is_row(line)]
    if not rows:
        raise CannotCheck(f"{page} has no table.")
    wrong = [problem for row in rows if (problem := _problem(row, flight.root))]
    states = Counter(row[2] for row in rows if len(row) > 2)  # noqa: PLR2004
    told = ", ".join(f"{number} {state}" for state, number in states.most_common() if state in _KNOWN)
    if wrong:
        return bad(f"{counted(len(wrong), 'row')} of {len(rows)} promise what no test shows.", *wrong[:20])
    to_come = [f"{row[2]}: {row[0]}" for row in rows if row[2] not in _KNOWN]
    if to_come:
        return doubtful(f"{counted(len(to_come), 'promise')} still to come; {told}.", *to_come[:20])
    return good(f"{counted(len(rows), 'promise')}: {told}.")


def _is_row(line: str) -> bool:
    return line.startswith("|") and not line.startswith(("| promise |", "|---"))


def _problem(row: list[str], root: Path) -> str:
    if len(row) != 4 or not (row[2] in _KNOWN or _TO_COME.fullmatch(row[2])):  # noqa: PLR2004
        return f"{row[0]}: the row is not complete"
    tests = _TEST.findall(row[3])
    if row[2] in _PROMISED and not tests:
        return f"{row[0]}: no test"
    missing = [f"{file}::{name}" for file, name in tests if not _is_there(root / file, name)]
    return f"{row[0]}: there is no {missing[0]}" if missing else ""


def _is_there(file: Path, name: str) -> bool:
    return (
        file.is_file() and re.search(rf"^\s*def {name}\(", file.read_text(encoding="utf-8"), re.MULTILINE) is not None
    )


@check(
    "dependency-audit",
    Part.CODE,
    "No library that production installs has a known vulnerability.",
    hint="Raise the version in pyproject.toml and run `make lock`; where there is none yet, skip with the reason.",
)
def dependency_audit(flight: Flight) -> Seen:
    program = shutil.which("pip-audit", path=str(Path(sys.executable).parent)) or shutil.which("pip-audit")
    if program is None:
        raise CannotCheck("pip-audit is not installed: run this check where it is, or skip it with the reason.")
    pins = ("--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off")
    files = ("--requirement", "requirements/production.txt")
    done = run_program(flight.root, program, *pins, *files, seconds=LINT_SECONDS)
    said = last_lines(done.stdout or done.stderr)
    if done.returncode == 0:
        return good("pip-audit knows of no vulnerability in requirements/production.txt.")
    if re.search(r"^Found \d+ known vulnerabilit", done.stdout + done.stderr, re.MULTILINE):
        return bad("Libraries with known vulnerabilities would be installed.", *said)
    raise CannotCheck(f"pip-audit could not look: {said[-1] if said else 'it said nothing'}")
