"""Real servers, real processes, real kill -9: what must not matter to whoever types `make run`."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.embedded_postgres import bin_dir, join, server, throwaway
from config.embedded_postgres.listener import listener_pid
from config.embedded_postgres.server import Server

PROJECT = Path(__file__).parents[2]
PATIENCE_SECONDS = 20
STARTED_AT = "SELECT pg_postmaster_start_time()"
MEMBER = """
import sys
from pathlib import Path
from config.embedded_postgres import join, throwaway
print({call}(Path(sys.argv[1])).url, flush=True)
sys.stdin.read()
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


class Process:
    """Another process that joins, says where, and stays until told to leave."""

    def __init__(self, home: Path, call: str = "join") -> None:
        self.popen = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", MEMBER.format(call=call), str(home)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def url(self) -> str:
        return self.popen.stdout.readline().strip()

    def leave(self) -> None:
        assert self.popen.communicate(timeout=PATIENCE_SECONDS) == ("", "")

    def kill(self) -> None:
        self.popen.kill()
        self.popen.communicate()


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    with ExitStack() as stack:

        def started(*args: Any) -> Process:
            process = Process(*args)
            stack.callback(process.kill)
            return process

        yield started


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template") / "postgres"
    join(home).leave()
    return home


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Path]:
    """A home nobody used; whatever serves it in the end is stopped."""
    home = tmp_path / "postgres"
    yield home
    if (home / "alive.lock").exists():
        Server(home).stop()


@pytest.fixture
def home(empty: Path, template: Path) -> Path:
    """A copy of a home, made by the wrong user: cheaper than a first start, and it must work."""
    shutil.copytree(template, empty)
    return empty


def ask(url: str, sql: str) -> Any:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def postmaster_pid(home: Path) -> int | None:
    return listener_pid(Server(home).socket_folder)


def is_served(home: Path) -> bool:
    return not Server(home).is_gone()


def kill_postmaster(home: Path) -> None:
    os.kill(postmaster_pid(home), signal.SIGKILL)
    while postmaster_pid(home):
        time.sleep(0.01)


def test_the_first_process_starts_a_server_and_the_last_one_stops_it(empty, start):
    first = start(empty)
    started_at = ask(first.url, STARTED_AT)
    last = start(empty)
    assert ask(last.url, STARTED_AT) == started_at
    first.leave()
    assert is_served(empty)
    last.leave()
    assert not is_served(empty)


def test_ten_processes_starting_at_once_share_one_server(empty, start):
    processes = [start(empty) for _ in range(10)]
    assert len({ask(process.url, STARTED_AT) for process in processes}) == 1
    for process in processes:
        process.leave()
    assert not is_served(empty)


def test_a_process_joins_once_and_may_leave_twice(home):
    membership = join(home)
    assert join(home) is membership
    assert ask(membership.url, "SELECT current_user || current_database()") == "hanouthanout"
    with closing(psycopg.connect(**membership.params())) as connection:
        assert connection.info.dbname == "hanout"
    membership.leave()
    membership.leave()
    assert not is_served(home)


def test_killing_the_process_that_started_the_server_leaves_it_to_the_others(home, start):
    first = start(home)
    started_at = ask(first.url, STARTED_AT)
    other = start(home)
    url = other.url
    first.kill()
    assert ask(url, STARTED_AT) == started_at
    other.leave()
    assert not is_served(home)


def test_a_server_whose_members_were_all_killed_is_joined_and_then_stopped(home, start):
    killed = [start(home), start(home)]
    started_at = {ask(process.url, STARTED_AT) for process in killed}
    for process in killed:
        process.kill()
    assert is_served(home)
    membership = join(home)
    assert {ask(membership.url, STARTED_AT)} == started_at
    membership.leave()
    assert not is_served(home)


def test_a_killed_server_is_started_again_and_keeps_what_was_committed(home):
    membership = join(home)
    ask(membership.url, "CREATE TABLE orders AS SELECT 41 AS number")
    kill_postmaster(home)
    assert ask(join(home).url, "SELECT number FROM orders") == 41
    membership.leave()
    assert not is_served(home)


def test_a_busy_query_of_a_killed_server_does_not_keep_the_next_from_starting(home, monkeypatch):
    monkeypatch.setattr(server, "ORPHAN_SECONDS", 0.2)
    membership = join(home)
    busy = subprocess.Popen(
        [bin_dir() / "psql", membership.url, "-c", "SELECT count(*) FROM generate_series(1, 1e11)"],
        stderr=subprocess.DEVNULL,
    )
    is_busy = "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'series' AND pid <> pg_backend_pid()"
    while not ask(membership.url, is_busy):
        pass
    kill_postmaster(home)
    assert ask(join(home).url, is_busy) == 0
    membership.leave()
    busy.wait(PATIENCE_SECONDS)


def test_pids_that_became_somebody_elses_are_no_obstacle(home):
    membership = join(home)
    socket_folder = Path(membership.params()["host"])
    notes = {path: path.read_bytes() for path in [home / "cluster/postmaster.pid", *socket_folder.glob(".*.lock")]}
    assert len(notes) == 2
    kill_postmaster(home)
    owner = (home / "cluster").stat().st_uid if os.geteuid() == 0 else None
    with subprocess.Popen(["sleep", "60"], user=owner) as bystander:
        for path, note in notes.items():
            path.write_bytes(note.replace(note.split()[0], str(bystander.pid).encode(), 1))
        assert ask(join(home).url, "SELECT 1") == 1
        membership.leave()
        assert bystander.poll() is None
        bystander.kill()


def test_a_first_start_killed_at_any_moment_is_begun_anew(empty, start):
    for seconds in (0.15, 0.3, 0.45):
        process = start(empty)
        time.sleep(seconds)
        process.kill()
    (empty / "cluster.new").mkdir(parents=True, exist_ok=True)
    (empty / "cluster.new" / "PG_VERSION").write_text("18\n")
    membership = join(empty)
    assert ask(membership.url, "SELECT 1") == 1
    membership.leave()
    assert not (empty / "cluster.new").exists()


def test_a_start_killed_before_its_database_was_made_is_finished_by_who_joins(home, start):
    """The server outlived who started it, ready and without a database."""
    membership = join(home)
    ask(membership.url.replace("@/hanout", "@/postgres"), "DROP DATABASE hanout")
    Server(home).database_made.unlink()
    other = start(home)
    assert ask(other.url, "SELECT 1") == 1
    other.leave()
    membership.leave()


@pytest.mark.parametrize("name", ["متجر with spaces", "a,b", "l" * 120])
def test_any_folder_name_will_do(home, name, tmp_path):
    odd = tmp_path / name / "postgres"
    odd.parent.mkdir()
    home.rename(odd)
    membership = join(odd)
    socket_folder = Path(membership.params()["host"])
    assert ask(membership.url, "SELECT 1") == 1
    assert socket_folder.stat().st_mode & 0o777 == 0o700
    membership.leave()
    assert not is_served(odd)
    assert socket_folder.parent == odd or not socket_folder.exists()


def test_ctrl_c_ends_the_members_and_not_the_server_under_the_others(home, start):
    interrupted = start(home)
    started_at = ask(interrupted.url, STARTED_AT)
    other = start(home)
    url = other.url
    os.killpg(interrupted.popen.pid, signal.SIGINT)
    interrupted.popen.communicate(timeout=PATIENCE_SECONDS)
    assert ask(url, STARTED_AT) == started_at
    other.leave()
    assert not is_served(home)


FORKING = """
import os, sys
from pathlib import Path
from config.embedded_postgres import join
membership = join(Path(sys.argv[1]))
is_parent = os.fork() != 0
if is_parent == (sys.argv[2] == "parent"):
    membership.leave()
    print("left", flush=True)
else:
    os.wait() if is_parent else None
    sys.stdin.read()
"""


@pytest.mark.parametrize("first_out", ["parent", "child"])
def test_a_forked_child_is_a_member_of_its_own(home, first_out):
    family = subprocess.Popen(
        [sys.executable, "-c", FORKING, str(home), first_out],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert family.stdout.readline() == b"left\n"
    assert is_served(home)
    family.communicate(timeout=PATIENCE_SECONDS)
    assert not is_served(home)


def test_leaving_a_deleted_folder_is_quiet_and_spares_who_came_after(home, start):
    early = start(home)
    pid = early.url and postmaster_pid(home)
    shutil.rmtree(home)
    late = start(home)
    started_at = ask(late.url, STARTED_AT)
    early.leave()
    assert ask(join(home).url, STARTED_AT) == started_at
    os.kill(pid, signal.SIGKILL)
    join(home).leave()
    late.leave()


def test_the_debris_of_killed_runs_is_swept_and_what_is_in_use_is_not(tmp_path, start):
    killed, used = start(tmp_path, "throwaway"), start(tmp_path, "throwaway")
    assert killed.url != (url := used.url)
    killed.kill()
    throwaway(tmp_path).leave()
    assert ask(url, "SELECT 1") == 1
    assert len(list(tmp_path.glob("server-*"))) == 1
    used.leave()
    assert not list(tmp_path.glob("server-*"))
