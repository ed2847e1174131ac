import ast
import statistics
import subprocess

from config.env import ROOT

FOLDERS = ("config", "core", "apps")


def sources():
    return [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py") if "migrations" not in path.parts]


def functions():
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}:{node.name}", node, node.end_lineno - node.lineno + 1


def test_no_file_is_longer_than_300_lines():
    assert {str(p): n for p in sources() if (n := len(p.read_text().splitlines())) > 300} == {}


def test_no_function_is_longer_than_40_lines():
    assert {name: lines for name, _, lines in functions() if lines > 40} == {}


def test_95_of_100_functions_fit_20_lines():
    lengths = [lines for _, _, lines in functions()]
    assert statistics.quantiles(lengths, n=100)[94] <= 20


def test_endpoints_translate_and_delegate_in_ten_statements():
    assert {name: len(node.body) for name, node, _ in functions() if "/api" in name and len(node.body) > 10} == {}


def test_nothing_is_imported_inside_a_function():
    hidden = [
        name
        for name, node, _ in functions()
        if any(isinstance(child, ast.Import | ast.ImportFrom) for child in ast.walk(node))
    ]
    assert hidden == []


def test_a_broad_except_stands_only_at_a_process_boundary():
    found = subprocess.run(
        ["git", "grep", "-nE", "except (Base)?Exception", "--", *(f"{folder}/**.py" for folder in FOLDERS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.splitlines()
    boundaries = ("core/outbox.py", "apps/operations/web_front.py")
    assert [line for line in found if not line.startswith(boundaries)] == []
