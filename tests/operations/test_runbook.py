"""docs/runbook.md, done: each of its commands, in its order, with production's settings on real servers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import ROOT
from tests.operations.containers import Container

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
BLOCKS = [
    re.sub(r"^ +", "", block, flags=re.MULTILINE) for block in re.findall(r"```bash\n(.*?)```", RUNBOOK, re.DOTALL)
]


@pytest.fixture(scope="module")
def machine(parts, environ, tmp_path_factory):
    """A shop that runs, and the shell of somebody beside it."""
    home = tmp_path_factory.mktemp("machine")
    values = {**environ, "BACKUP_TARGET": str(home / "backups"), "HANOUT_DATA_DIR": str(home), "COLLECT_STATIC": "0"}
    web = Container(home / "web", "web", **values, RUN_MIGRATIONS="1").wait_until_open()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    yield {**values, "PATH": path, "HOME": str(home), "PORT": str(web.port), "SHOP_HOST": "shop.test"}
    web.process.terminate()
    web.process.wait(timeout=60)


@pytest.mark.slow
def test_every_command_of_the_runbook_does_what_it_is_there_for(machine):
    assert len(BLOCKS) >= 14
    for block in BLOCKS:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=ROOT, env=machine, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, block


def test_every_command_it_names_exists():
    commands = {path.stem for path in ROOT.glob("**/management/commands/*.py") if ".venv" not in path.parts}
    named = set(re.findall(r"manage\.py (\w+)", RUNBOOK)) - {"createsuperuser", "changepassword"}
    assert named - commands == set()


def test_every_page_it_points_to_exists():
    for page in re.findall(r"\]\((\w+\.md)\)", RUNBOOK):
        assert (ROOT / "docs" / page).is_file(), page
