"""`manage.py preflight` as it is typed."""

import json
import os
import subprocess
import sys

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from apps.accounts.models import User
from apps.operations.preflight.all_checks import registered_checks
from config.env import ROOT
from tests.operations.preflight.conftest import PRODUCTION, needs_git
from tests.operations.releases.checkout import Database

AWAY = "postgresql://shop:hunter22@127.0.0.1:1/shop"


def preflight(*arguments, **environ):
    """As a process of its own: exit code, and what it said on either side."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "manage.py", "preflight", *arguments],
        cwd=ROOT,
        env={**kept, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


def refused(*arguments):
    with pytest.raises(CommandError) as error:
        call_command("preflight", *arguments)
    assert error.value.returncode == 2
    return str(error.value)


def test_the_list_names_every_check_with_what_it_proves(capsys):
    call_command("preflight", "--list")
    listed = capsys.readouterr().out
    assert all(f"{one.id} " in listed and one.says in listed for one in registered_checks().values())
    assert len(registered_checks()) > 20


def test_every_check_has_a_sentence_and_a_hint_and_is_on_the_page():
    page = (ROOT / "docs" / "preflight.md").read_text()
    for one in registered_checks().values():
        assert one.says.endswith(".")
        assert one.hint
        assert f"`{one.id}`" in page, one.id


def test_a_check_there_is_not_is_refused_with_those_there_are():
    assert refused("--only", "backups") == f"There is no check 'backups'. Known are: {', '.join(registered_checks())}."
    assert "no check 'test'" in refused("--skip", "test", "--reason", "x")


@pytest.mark.parametrize("reasons", [[], ["--reason", " "], ["--reason", "a", "--reason", "b"]])
def test_nothing_is_skipped_without_its_own_reason(reasons):
    assert "write --skip ID --reason TEXT for each" in refused("--skip", "tests", *reasons)


def test_halves_that_exclude_what_is_asked_for_are_refused():
    assert refused("--only", "backup", "--repository-only").startswith("Nothing is left to check")


def test_a_reason_is_shown_and_the_go_is_one_with_exceptions(capsys):
    call_command(
        "preflight", "--only", "short-codes", "--only", "tests", "--skip", "tests", "--reason", "ran in CI, build 7"
    )
    said = capsys.readouterr().out
    assert "skipped tests             ran in CI, build 7" in said
    assert "GO, with exceptions in " in said


def test_exit_codes_and_reports_are_those_of_the_verdict(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OTP_CODE_LENGTH", "6")
    page, told = tmp_path / "go.html", tmp_path / "go.json"
    call_command("preflight", "--only", "short-codes", "--html", str(page), "--json", str(told), "--call", "Mona, 123")
    assert "GO, with exceptions" in page.read_text()
    assert json.loads(told.read_text())["release_notes"]["call"] == ["Mona, 123"]
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as ended:
        call_command("preflight", "--only", "environment", "--json", "-")
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert json.loads(said[said.index("\n{") :])["exit_code"] == 1


def test_a_report_that_cannot_be_written_is_said(tmp_path):
    assert "cannot be written: No such file or directory" in refused(
        "--only", "short-codes", "--html", str(tmp_path / "a" / "b.html")
    )


@pytest.mark.slow
def test_a_database_that_is_away_is_refused_before_anything_is_done(tmp_path):
    code, said, error = preflight(DATABASE_URL=AWAY, HANOUT_DATA_DIR=str(tmp_path / "data"))
    assert (code, said) == (2, "")
    assert "The database shop on 127.0.0.1 cannot be reached." in error
    assert "Nothing was checked and nothing was changed." in error
    assert "hunter22" not in error
    assert not (tmp_path / "data" / "preflight").exists()


@pytest.mark.slow
def test_no_database_at_all_is_refused_and_none_is_made(tmp_path):
    code, said, error = preflight("--target-only", HANOUT_DATA_DIR=str(tmp_path / "data"))
    assert (code, said) == (2, "")
    assert error.startswith("CommandError: No database is named: set DATABASE_URL to the target's")
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.slow
@pytest.mark.django_db
def test_the_database_of_a_file_is_looked_at_and_left_alone(tmp_path):
    empty = Database("preflight_target")
    file = tmp_path / "production.env"
    values = {**PRODUCTION, "DATABASE_URL": empty.url}
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    code, said, error = preflight("--target-only", "--env-file", str(file), HANOUT_DATA_DIR=str(tmp_path / "data"))
    assert (code, error) == (0, ""), said
    assert "target: preflight_target on " in said
    assert "The database is empty: right before a first deployment" in said
    assert "GO, with exceptions" in said
    assert PRODUCTION["SECRET_KEY"] not in said
    assert empty.ask("SELECT 1 FROM pg_class WHERE relnamespace = 'public'::regnamespace") == []
    values["SECRET_KEY"] = "weak"
    file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    code, said, error = preflight("--target-only", "--env-file", str(file), HANOUT_DATA_DIR=str(tmp_path / "data"))
    assert (code, error) == (1, "")
    assert "The settings of production.env are refused, so its database is unknown." in said


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_whole_look_at_the_target_changes_nothing(capsys):
    User.objects.create_user(phone="+966500000001", role_state="phone_only")
    before = rows()
    with pytest.raises(SystemExit) as ended:
        call_command("preflight", "--target-only", "--skip", "deploy-settings", "--reason", "it is slow")
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert "There is no backup." in said
    assert "Nothing is scheduled" in said
    assert rows() == before


def rows():
    return {model.__name__: model._default_manager.count() for model in apps.get_models()}


@needs_git
@pytest.mark.slow
def test_the_commit_is_looked_at_without_any_database(tmp_path):
    asked = ("--only", "clean-tree", "--only", "api-diff", "--only", "documents")
    code, said, error = preflight(*asked, DATABASE_URL=AWAY, HANOUT_DATA_DIR=str(tmp_path / "data"))
    assert (code in {0, 1}, error) == (True, "")
    assert "target: not looked at" in said
