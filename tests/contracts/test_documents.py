"""`docs/documents.md` tells the truth: real tests and files, every variable and address, nothing twice."""

import ast
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

import pytest

from apps.health.urls import urlpatterns as health
from config.api import MOUNTED, contract_schema
from config.env import ROOT, Env

PAGE = ROOT / "docs" / "documents.md"
STATES = {"done", "replaced", "refused", "C", "F", "later"}
THERE = {"done", "replaced"}
FILE = re.compile(r"`((?:apps|config|core|deploy|docs|requirements|tests)/[^`:]*|manage\.py)`")
ADDRESS = re.compile(r"`([A-Z]+) (/[^`]*)`")
READ_BY_DJANGO = {"DJANGO_SETTINGS_MODULE"}


@dataclass(frozen=True)
class Row:
    heading: str
    promise: str
    where: str
    state: str
    shown_by: str

    @property
    def tests(self):
        return re.findall(r"`(\S+\.py)::(\w+)`", self.shown_by)

    @property
    def variables(self):
        return re.findall(r"`([A-Z][A-Z0-9_]+)`", self.promise) if "variables" in self.heading else []


def lines_of_tables():
    heading = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("#"):
            heading = line.strip("# ")
        elif line.startswith("|") and not line.startswith(("| promise |", "|---")):
            yield heading, [cell.strip() for cell in line.strip("|").split(" | ")]


@cache
def rows():
    return [Row(heading, *cells) for heading, cells in lines_of_tables()]


@cache
def defined_in(file):
    path = ROOT / file
    tree = ast.parse(path.read_text()) if path.is_file() else ast.Module([], [])
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def names_of(field):
    return set(field.validation_alias.choices)


def test_every_row_has_four_cells():
    assert [cells for _, cells in lines_of_tables() if len(cells) != 4] == []
    assert len(rows()) > 500


def test_every_row_has_a_known_state():
    assert [row.promise for row in rows() if row.state not in STATES] == []


def test_what_is_there_is_shown_by_a_test_and_what_is_to_come_by_none():
    assert [row.promise for row in rows() if row.state in THERE and not row.tests] == []
    assert [row.promise for row in rows() if row.state in STATES - THERE - {"refused"} and row.tests] == []


def test_what_is_there_says_where_and_what_is_refused_says_why():
    assert [row.promise for row in rows() if row.state in THERE | {"refused"} and row.where.strip(" –") == ""] == []


def test_every_test_that_is_named_exists():
    named = {test for row in rows() for test in row.tests}
    assert sorted(f"{file}::{name}" for file, name in named if name not in defined_in(file)) == []


def test_nothing_but_tests_is_named_as_proof():
    assert [row.promise for row in rows() if re.sub(r"`\S+\.py::test_\w+`", "", row.shown_by).strip(", –")] == []


def test_every_file_that_is_named_exists():
    named = {path for row in rows() for path in FILE.findall(row.where)}
    assert named
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_no_row_is_repeated():
    assert [promise for promise, count in Counter(row.promise for row in rows()).items() if count > 1] == []


def test_no_variable_is_explained_twice():
    assert [name for name, count in Counter(n for row in rows() for n in row.variables).items() if count > 1] == []


def test_a_variable_is_done_exactly_when_it_is_read():
    read = {name for field in Env.model_fields.values() for name in names_of(field)} | READ_BY_DJANGO
    assert {name for row in rows() if row.state == "done" for name in row.variables} == read


@pytest.mark.parametrize("name", Env.model_fields)
def test_every_name_of_a_variable_is_read(name):
    field = Env.model_fields[name]
    for variable in names_of(field):
        assert Env.model_validate({variable: field.default}).model_fields_set == {name}


def test_every_address_of_the_contracts_is_a_row():
    documented = {address for row in rows() if row.state in THERE for address in ADDRESS.findall(row.promise)}
    contracts = {
        (method.upper(), path)
        for _, api in MOUNTED
        for path, methods in contract_schema(api)["paths"].items()
        for method in methods
    }
    assert sorted(contracts - documented) == []
    assert {("GET", f"/{pattern.pattern}") for pattern in health} <= documented


@pytest.mark.django_db
def test_every_address_listed_as_done_answers(sign_in, operator):
    staff = sign_in(operator)
    staff.force_login(operator)
    listed = {address for row in rows() if row.state == "done" for address in ADDRESS.findall(row.promise)}
    plain = {(method, path) for method, path in listed if method in {"GET", "HEAD"} and not re.search("[{<]", path)}
    replies = {(method, path): staff.generic(method, path).status_code for method, path in plain}
    for wants_a_question_or_a_company in (
        "/api/products/search/", "/api/accounts/username-availability/", "/auth/invitations"
    ):  # fmt: skip
        replies.pop(("GET", wants_a_question_or_a_company))
    assert {address: status for address, status in replies.items() if status != 200} == {}
