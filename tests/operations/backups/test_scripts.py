"""S4's scripts by their own names, with the exit codes it gave them; and the whole way through processes."""

import re
import subprocess

import pytest

from config.env import ROOT
from tests.operations.backups.conftest import databases, environ, run

pytestmark = pytest.mark.slow


def script(name, *arguments, **given):
    return subprocess.run(
        [ROOT / "scripts" / name, *arguments], env=environ(**given), capture_output=True, text=True, check=False
    )


def test_s4s_scripts_back_up_and_restore(target, shop, tmp_path):
    made = script("backup_db.sh", str(tmp_path / "dumps"), BACKUP_DIR=target.where)
    assert (made.returncode, made.stderr) == (0, "")
    (dump,) = (tmp_path / "dumps").iterdir()
    assert re.fullmatch(r"db-backup-\d{8}T\d{6}Z\.dump", dump.name)
    assert dump.read_bytes().startswith(b"PGDMP")
    restored = script("restore_db.sh", "latest", "--into", f"{shop}_by_script", BACKUP_DIR=target.where)
    assert (restored.returncode, restored.stderr) == (0, "")
    assert databases(shop) == [shop, f"{shop}_by_script"]
    again = script("restore_db.sh", "latest", "--into", f"{shop}_by_script", BACKUP_DIR=target.where)
    assert (again.returncode, "exists already" in again.stderr) == (3, True)
    run(f'DROP DATABASE "{shop}_by_script"')


def test_their_exit_codes_tell_what_went_wrong(target, files, tmp_path):
    nowhere = {"BACKUP_DIR": str(tmp_path / "file" / "backups")}
    (tmp_path / "file").touch()
    assert script("backup_db.sh", "--help").returncode == 2
    assert script("restore_db.sh").returncode == 2
    assert script("backup_db.sh", **nowhere).returncode == 2
    files.lay_out(target, files.plain[:-10])
    assert script("restore_db.sh", "latest", BACKUP_DIR=target.where).returncode == 4
