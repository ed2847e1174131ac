import shutil

import pytest

from apps.operations.preflight.checks.commit import clean_tree, dependency_audit, documents, style
from apps.operations.preflight.errors import CannotCheck
from tests.operations.preflight.conftest import needs_git

pytestmark = needs_git
ROW = "| a promise | where/how | done | {} |\n"
LADDER = """
[tool.importlinter]
root_package = "shop"
[[tool.importlinter.contracts]]
name = "The till knows no shelf"
type = "forbidden"
source_modules = ["shop.till"]
forbidden_modules = ["shop.shelf"]
"""


def test_a_clean_tree_is_known_by_its_commit(look, checkout):
    seen = look(clean_tree, checkout.root)
    assert seen.outcome == "ok"
    assert seen.sentence.endswith("on main, by Tester: Open the shop")


def test_what_is_uncommitted_is_listed(look, checkout):
    checkout.write("README.md", "Another shop.\n")
    checkout.write("notes.txt", "new")
    seen = look(clean_tree, checkout.root)
    assert seen.outcome == "failed"
    assert seen.lines == ("changed: README.md", "new: notes.txt")


def test_without_a_repository_the_commit_cannot_be_known(look, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(CannotCheck, match="not a git repository"):
        look(clean_tree, tmp_path)


def test_an_image_without_git_says_where_to_run_it(look, checkout, monkeypatch):
    monkeypatch.setenv("PATH", str(checkout.root))
    with pytest.raises(CannotCheck, match="run preflight from a checkout"):
        look(clean_tree, checkout.root)


def test_untidy_code_is_named_and_tidy_code_passes(look, checkout):
    checkout.write("pyproject.toml", LADDER)
    for name in ("__init__", "till", "shelf"):
        checkout.write(f"shop/{name}.py", "")
    assert look(style, checkout.root).outcome == "ok"
    checkout.write("shop/shelf.py", "import os\n")
    seen = look(style, checkout.root)
    assert (seen.outcome, seen.sentence) == ("failed", "ruff check: not as agreed.")
    assert "F401" in seen.lines[0]
    checkout.write("shop/shelf.py", "")
    checkout.write("shop/till.py", "from shop import shelf\n\nprint(shelf)\n")
    assert look(style, checkout.root).sentence == "lint-imports: not as agreed."


def test_a_row_with_its_test_passes(look, checkout):
    checkout.write("tests/test_shop.py", "def test_it_opens():\n    pass\n")
    checkout.write("docs/documents.md", ROW.format("`tests/test_shop.py::test_it_opens`"))
    seen = look(documents, checkout.root)
    assert (seen.outcome, seen.sentence) == ("ok", "1 promise: 1 done.")


@pytest.mark.parametrize("proof", ["–", "`tests/test_shop.py::test_it_closes`", "`tests/gone.py::test_it_opens`"])
def test_a_promise_no_test_shows_fails(look, checkout, proof):
    checkout.write("tests/test_shop.py", "def test_it_opens():\n    pass\n")
    checkout.write("docs/documents.md", ROW.format(proof))
    assert look(documents, checkout.root).outcome == "failed"


def test_a_promise_still_to_come_is_a_warning(look, checkout):
    checkout.write("docs/documents.md", "| a promise | – | F | – |\n")
    seen = look(documents, checkout.root)
    assert (seen.outcome, seen.lines) == ("warning", ("F: a promise",))


def auditor(folder, script):
    """A stand-in for pip-audit, which asks the world."""
    folder.mkdir()
    program = folder / "pip-audit"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(folder)


@pytest.fixture
def audit(look, checkout, tmp_path, monkeypatch):
    def with_answer(script):
        monkeypatch.setenv("PATH", auditor(tmp_path / "bin", script), prepend=":")
        return look(dependency_audit, checkout.root)

    return with_answer


def test_known_vulnerabilities_fail(audit):
    seen = audit('echo "django 5.2.0 PYSEC-1 5.2.1"; echo "Found 1 known vulnerability in 1 package" >&2; exit 1')
    assert (seen.outcome, seen.lines) == ("failed", ("django 5.2.0 PYSEC-1 5.2.1",))


def test_none_known_passes(audit):
    assert audit('echo "No known vulnerabilities found" >&2').outcome == "ok"


def test_advisories_out_of_reach_are_no_verdict(audit):
    with pytest.raises(CannotCheck, match="pip-audit could not look: ConnectionError"):
        audit('echo "ConnectionError: the advisories are away" >&2; exit 1')


@pytest.mark.skipif(shutil.which("pip-audit") is not None, reason="pip-audit is installed")
def test_without_the_auditor_nothing_is_claimed(look, checkout):
    with pytest.raises(CannotCheck, match="pip-audit is not installed"):
        look(dependency_audit, checkout.root)
