"""Where in its file an operation stands, and which findings the file answers for."""

import ast
import io
import re
import sys
import tokenize
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from django.db.migrations import Migration

from apps.operations.migrating.rules import RULES

ROOT = Path(__file__).resolve().parents[3]
LEAST_REASON_CHARACTERS = 10
_SAFE = re.compile(r"#\s*safe\b", re.IGNORECASE)
_WRITTEN = re.compile(r"#\s*safe:\s*(?P<rule>[a-z-]+)\s*:\s*(?P<reason>.+)")


@dataclass(frozen=True)
class Span:
    """First and last line of an operation."""

    first: int
    last: int


@dataclass(frozen=True)
class Suppression:
    """`# safe: <rule>: <reason>`; with `fault`, one that does not count."""

    line: int
    rule: str
    reason: str
    fault: str = ""


class Source:
    """A migration's file."""

    def __init__(self, migration: Migration) -> None:
        self.path = Path(str(sys.modules[migration.__module__].__file__))
        self._text = self.path.read_text(encoding="utf-8")
        self._count = len(migration.operations)

    @property
    def shown(self) -> str:
        """The path as a person in the checkout would open it."""
        return str(self.path.relative_to(ROOT)) if self.path.is_relative_to(ROOT) else str(self.path)

    @cached_property
    def whole(self) -> Span:
        """The class, for findings about all of it."""
        for node in ast.parse(self._text).body:
            if isinstance(node, ast.ClassDef) and node.name == "Migration":
                return Span(node.lineno, node.lineno)
        return Span(1, 1)

    @cached_property
    def spans(self) -> list[Span]:
        """One per operation; operations made by a `*loop` share its lines."""
        written = self._written()
        loops = [number for number, node in enumerate(written) if isinstance(node, ast.Starred)]
        if not written or len(loops) > 1 or (not loops and len(written) != self._count):
            return [self.whole] * self._count
        spans = [_span(node) for node in written]
        if not loops:
            return spans
        (loop,) = loops
        return [*spans[:loop], *[spans[loop]] * (self._count - len(written) + 1), *spans[loop + 1 :]]

    def _written(self) -> list[ast.expr]:
        for node in ast.walk(ast.parse(self._text)):
            match node:
                case ast.Assign(targets=[ast.Name(id="operations")], value=ast.List(elts=written)):
                    return written
        return []

    @cached_property
    def suppressions(self) -> list[Suppression]:
        """Every comment that begins with `safe`."""
        tokens = tokenize.generate_tokens(io.StringIO(self._text).readline)
        return [
            _suppression(token.string, token.start[0])
            for token in tokens
            if token.type == tokenize.COMMENT and _SAFE.match(token.string)
        ]

    def covers(self, suppression: Suppression, span: Span) -> bool:
        """On the operation, or in the comments right above it."""
        if span.first <= suppression.line <= span.last:
            return True
        between = self._text.splitlines()[suppression.line - 1 : span.first - 1]
        return suppression.line < span.first and all(line.strip().startswith("#") for line in between)


def _span(node: ast.expr) -> Span:
    return Span(node.lineno, node.end_lineno or node.lineno)


def _suppression(comment: str, line: int) -> Suppression:
    written = _WRITTEN.match(comment)
    if written is None:
        return Suppression(line, "", "", "it names no rule or no reason")
    rule, reason = written["rule"], written["reason"].strip()
    fault = ""
    if rule not in RULES or rule == "suppression":
        fault = f"there is no rule {rule}"
    elif len(reason) < LEAST_REASON_CHARACTERS:
        fault = "its reason says too little"
    return Suppression(line, rule, reason, fault)
