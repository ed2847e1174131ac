"""The script that runs before anything is installed: real environments, real pip, a wheel of our own, no network."""

import ast
import errno
import hashlib
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pip
import psutil
import pytest

from config import venv

PATIENCE_SECONDS = 60
ANNOUNCEMENT = "Installing what Hanout needs (about a minute the first time)...\n"
WAITING = "Waiting for another make to finish installing...\n"
WHEEL = "tiny-1.0-py3-none-any.whl"
WHEEL_FILES = {
    "tiny.py": "",
    "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
    "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "tiny-1.0.dist-info/RECORD": "tiny.py,,\ntiny-1.0.dist-info/METADATA,,\ntiny-1.0.dist-info/WHEEL,,\n",
}


class Project:
    """A folder with the script and with lists of one package, which a wheel beside them provides."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        for folder in ("config", "requirements"):
            (root / folder).mkdir(parents=True)
        shutil.copy(venv.__file__, root / "config")
        with zipfile.ZipFile(root / WHEEL, "w") as wheel:
            for name, text in WHEEL_FILES.items():
                wheel.writestr(name, text)
        digest = hashlib.sha256((root / WHEEL).read_bytes()).hexdigest()
        self.good = f'--no-index\n--find-links "{root}"\ntiny==1.0 --hash=sha256:{digest}\n'
        self.pin(embedded=self.good, dev=self.good + "# more\n")

    def pin(self, **lists: str) -> None:
        for name, text in lists.items():
            (self.root / "requirements" / f"{name}.txt").write_text(text)

    def make_venv_by_hand(self) -> None:
        """Without a pip of its own, which would take seconds: it borrows ours."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.venv], check=True)
        (packages,) = self.venv.glob("lib/python*/site-packages")
        (packages / "borrowed.pth").write_text(str(Path(pip.__file__).parents[1]))

    def start(self, name: str = "embedded", **options: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, self.root / "config" / "venv.py", name],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
            env={**os.environ, "PIP_RETRIES": "1"},
        )

    def run(self, name: str = "embedded") -> tuple[int, str, str]:
        process = self.start(name)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err

    def has_tiny(self) -> bool:
        return bool(list(self.venv.glob("lib/python*/site-packages/tiny.py")))


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    return Project(tmp_path / "a project")


@pytest.fixture
def project(empty: Project) -> Project:
    empty.make_venv_by_hand()
    return empty


@pytest.fixture
def silent_index() -> Iterator[str]:
    """Takes connections and never answers: pip hangs for as long as a test wants."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"--index-url http://127.0.0.1:{server.getsockname()[1]}/\ntiny==1.0 --hash=sha256:{'0' * 64}\n"


def pip_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The pip that hangs, once it does."""
    while True:
        for child in psutil.Process(process.pid).children():
            with suppress(psutil.NoSuchProcess):
                if "pip" in child.cmdline() and child.net_connections():
                    return child


def test_a_first_call_installs_what_is_pinned_and_the_next_has_nothing_to_do(empty):
    assert empty.run() == (0, ANNOUNCEMENT, "")
    assert empty.has_tiny()
    assert (empty.venv / "bin" / "pip").exists()
    assert empty.run() == (0, "", "")


def test_a_venv_made_by_hand_is_completed_and_not_replaced(project):
    (project.venv / "mine").touch()
    assert project.run() == (0, ANNOUNCEMENT, "")
    assert project.has_tiny()
    assert (project.venv / "mine").exists()


def test_what_dev_installed_is_enough_for_embedded_but_not_the_reverse(project):
    assert project.run("dev") == (0, ANNOUNCEMENT, "")
    assert project.run("embedded") == (0, "", "")
    project.pin(dev=project.good + "# changed\n")
    assert project.run("embedded") == (0, ANNOUNCEMENT, "")
    assert project.run("dev") == (0, ANNOUNCEMENT, "")


def test_two_at_once_install_once(project):
    both = [project.start(), project.start()]
    outputs = [process.communicate(timeout=PATIENCE_SECONDS) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    outputs.remove((ANNOUNCEMENT, ""))
    assert outputs in [[("", "")], [(WAITING, "")]]


def test_after_kill_9_the_next_call_awaits_the_orphan_and_builds_anew(project, silent_index):
    (project.venv / "half made").mkdir()
    project.pin(embedded=silent_index)
    killed = project.start()
    orphan = pip_of(killed)
    killed.kill()
    killed.communicate()
    project.pin(embedded=project.good)
    following = project.start()
    assert following.stdout.readline() == WAITING
    orphan.kill()
    assert following.communicate(timeout=PATIENCE_SECONDS) == (ANNOUNCEMENT, "")
    assert project.has_tiny()
    assert not (project.venv / "half made").exists()


def test_ctrl_c_ends_without_a_traceback_and_takes_pip_along(project, silent_index):
    project.pin(embedded=silent_index)
    process = project.start()
    child = pip_of(process)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE_SECONDS) == (ANNOUNCEMENT, "")
    assert process.returncode == 130
    assert not child.is_running()


def test_a_venv_whose_python_or_stamp_was_lost_is_not_trusted(project):
    assert project.run()[0] == 0
    for lost in (project.venv / "installed.json", project.venv / "bin" / "python"):
        kept = lost.rename(lost.with_name("kept"))
        lost.symlink_to("/nowhere")
        assert not venv.Environment(project.root).has("embedded")
        kept.rename(lost)
        assert venv.Environment(project.root).has("embedded")


def test_a_venv_that_moved_or_is_of_another_python_is_not_used(project, monkeypatch):
    assert project.run()[0] == 0
    moved = project.root.with_name("moved")
    shutil.copytree(project.root, moved, symlinks=True)
    assert not venv.Environment(moved)._is_usable()
    assert venv.Environment(project.root)._is_usable()
    monkeypatch.setattr(sys, "base_prefix", "/opt/another")
    assert not venv.Environment(project.root).has("embedded")
    assert not venv.Environment(project.root)._is_usable()


def test_a_terminal_sees_a_bar_that_is_gone_in_the_end(project):
    ours, theirs = pty.openpty()
    process = project.start(stdout=theirs)
    os.close(theirs)
    assert process.communicate(timeout=PATIENCE_SECONDS) == (None, "")
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert f"\rPreparing   [{'-' * 30}]  0/1 " in shown
    assert shown.endswith(" \r")
    assert "\n" not in shown


def test_a_wheel_that_is_not_the_pinned_one_is_refused(project):
    project.pin(embedded=project.good[:-9] + "00000000\n")
    status, _, told = project.run()
    assert status == 1
    assert told.startswith("A package is not the one that was tested: check the mirror it came from and run make")
    assert f"The whole log is in {project.venv / 'install.log'}\n" in told
    assert not project.has_tiny()


def test_an_index_out_of_reach_is_named_and_spoils_nothing(project):
    assert project.run()[0] == 0
    project.pin(embedded=f"--index-url http://127.0.0.1:9/\nanother==1.0 --hash=sha256:{'0' * 64}\n")
    status, _, told = project.run()
    assert status == 1
    assert told.startswith("The packages cannot be fetched: check the network and its proxy and run make again.\n")
    assert "ERROR: No matching distribution found for another==1.0" in told
    project.pin(embedded=project.good)
    assert project.run() == (0, "", "")


def test_a_python_that_cannot_make_environments_is_told_what_to_install(empty, tmp_path, monkeypatch, capsys):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'The virtual environment was not created: ensurepip is not available.'; exit 1")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "_base_executable", str(python))
    assert venv.main(["embedded"], empty.root) == 1
    assert "apt install python3-venv" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "The disk is full: make some room"), (errno.EACCES, "The project folder cannot be written to")],
)
def test_what_the_system_refuses_is_said_in_a_sentence(empty, monkeypatch, capsys, number, told):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert venv.main(["embedded"], empty.root) == 1
    assert capsys.readouterr().err.startswith(told)


def test_an_unknown_list_is_answered_with_the_known_ones(empty):
    assert empty.run("prod") == (1, "", "Say which list of requirements to install: one of dev, embedded.\n")


def test_a_python_that_is_too_old_can_read_the_script_and_says_so(monkeypatch, capsys, tmp_path):
    ast.parse(Path(venv.__file__).read_text(), feature_version=(3, 6))
    monkeypatch.setattr(venv, "OLDEST", (9, 9))
    assert venv.main(["dev"], tmp_path) == 1
    assert capsys.readouterr().err.startswith("Hanout needs Python 9.9 or newer; this is 3.")


def test_no_package_index_is_named():
    assert "://" not in Path(venv.__file__).read_text()
