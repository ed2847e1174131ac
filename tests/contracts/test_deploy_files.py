"""The files a deployment is made of: valid, and speaking of variables, commands and metrics that exist."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from config.env import ROOT, Env

DEPLOY = ROOT / "deploy"
BIN = ROOT / ".venv" / "bin"
COMPOSE = sorted((DEPLOY / "docker" / "compose").glob("*.yml"))
BLUEPRINT = yaml.safe_load((DEPLOY / "render.yaml").read_text())
# Read by the entrypoint or by libraries, not by Hanout's settings.
OTHERS = {"PRODUCTION", "REDIS_PASSWORD"}


def passes(*command, cwd=ROOT):
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def known_variables():
    names = set(OTHERS)
    for name, field in Env.model_fields.items():
        alias = field.validation_alias
        names |= set(getattr(alias, "choices", [])) if alias else {name.upper()}
    return names


def test_the_dockerfile_has_nothing_a_linter_objects_to():
    passes(str(BIN / "hadolint"), "deploy/docker/Dockerfile")


@pytest.mark.parametrize("file", COMPOSE, ids=lambda path: path.stem)
def test_a_compose_file_is_what_compose_reads(file):
    passes(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(file))


def test_s2s_compose_line_names_services_there_are():
    base, development = (
        yaml.safe_load((DEPLOY / "docker" / "compose" / f"{name}.yml").read_text()) for name in ("base", "development")
    )
    assert {"postgres", "redis", "elasticsearch", "backend"} <= set(base["services"])
    assert set(development["services"]) <= set(base["services"])


def test_nothing_of_a_release_starts_before_its_migrations_are_through():
    services = yaml.safe_load((DEPLOY / "docker" / "compose" / "base.yml").read_text())["services"]
    assert (services["migrate"]["command"], services["migrate"]["restart"]) == (["migrate"], "no")
    assert services["backend"]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    for name in ("worker", "beat"):
        assert services[name]["depends_on"] == {"backend": {"condition": "service_healthy"}}


def test_only_the_proxy_is_reachable_from_outside_in_production():
    production = yaml.safe_load((DEPLOY / "docker" / "compose" / "production.yml").read_text())
    base = yaml.safe_load((DEPLOY / "docker" / "compose" / "base.yml").read_text())
    assert [name for name, service in production["services"].items() if "ports" in service] == ["proxy"]
    assert [name for name, service in base["services"].items() if "ports" in service] == []
    app = base["services"]["backend"]
    assert (app["read_only"], app["cap_drop"]) == (True, ["ALL"])


def test_no_compose_file_holds_a_secret_for_production():
    text = (DEPLOY / "docker" / "compose" / "production.yml").read_text()
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "METRICS_TOKEN"):
        given = re.findall(rf"^\s+{name}: (.*)$", text, re.MULTILINE)
        assert given, name
        assert all(value.startswith(f"${{{name}:?") for value in given), name


def test_the_blueprint_is_what_render_reads():
    passes(str(BIN / "check-jsonschema"), "--schemafile", "deploy/render/schema.json", "deploy/render.yaml")


def test_the_blueprint_has_every_process_and_they_share_their_settings():
    services = {service["name"]: service for service in BLUEPRINT["services"]}
    assert set(services) == {
        "hanout-redis", "hanout-web", "hanout-worker", "hanout-beat", "hanout-backup", "hanout-housekeeping",
    }  # fmt: skip
    ours = [service["envVars"] for service in services.values() if "envVars" in service]
    named = [sorted(variable.get("key") or variable["fromGroup"] for variable in variables) for variables in ours]
    assert all(names == named[0] for names in named)
    asked = {variable["key"] for variable in services["hanout-web"]["envVars"] if variable.get("sync") is False}
    assert {"ALLOWED_HOSTS", "FRONTEND_ORIGINS", "BACKUP_TARGET"} <= asked
    assert services["hanout-web"]["healthCheckPath"] == "/health/live/"
    assert all((ROOT / service["dockerfilePath"]).is_file() for service in services.values() if "runtime" in service)


def test_an_environment_group_asks_for_nothing_because_render_would_not_ask():
    asking = [variable for group in BLUEPRINT["envVarGroups"] for variable in group["envVars"] if "sync" in variable]
    assert asking == []


def test_deploy_files_set_variables_hanout_reads():
    known = known_variables()
    of_render = {
        variable["key"]
        for listed in [*BLUEPRINT["envVarGroups"], *BLUEPRINT["services"]]
        for variable in listed.get("envVars", [])
        if "key" in variable
    }
    assert of_render - known == set()
    for file in COMPOSE:
        services = yaml.safe_load(file.read_text())["services"]
        for name in ("backend", "worker", "beat"):
            assert set(services.get(name, {}).get("environment", {})) - known == set(), (file.name, name)


def test_deploy_files_run_commands_there_are():
    commands = {path.stem for path in ROOT.glob("*/management/commands/*.py")}
    commands |= {path.stem for path in ROOT.glob("apps/*/management/commands/*.py")}
    for file in [*DEPLOY.rglob("*.y*ml"), DEPLOY / "entrypoint.sh", *(ROOT / ".github").rglob("*.yml")]:
        for used in re.findall(r"manage\.py (\w+)", file.read_text()):
            assert used in commands | {"collectstatic"}, (file.name, used)


@pytest.mark.parametrize("file", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.stem)
def test_a_workflow_is_what_github_reads(file):
    passes(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(file))


def test_the_entrypoint_is_a_shell_script_that_can_be_run():
    passes("sh", "-n", "deploy/entrypoint.sh")
    assert os.access(DEPLOY / "entrypoint.sh", os.X_OK)


def expressions():
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    found = [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    board = json.loads((DEPLOY / "grafana" / "hanout.json").read_text())
    return found + [target["expr"] for panel in board["panels"] for target in panel["targets"]]


@pytest.mark.django_db
def test_alerts_and_the_dashboard_speak_of_metrics_there_are(api):
    shown = set(re.findall(r"^# TYPE (\w+)", api.get("/metrics").content.decode(), re.MULTILINE))
    shown |= {f"{name}_bucket" for name in shown}
    used = {name for expression in expressions() for name in re.findall(r"\bhanout_\w+", expression)}
    assert len(used) > 15
    assert used - shown == set()


def test_every_alert_has_its_card_in_the_runbook():
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())
    headings = re.findall(r"^#+ (\w+)$", (ROOT / "docs" / "runbook.md").read_text(), re.MULTILINE)
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
            assert rule["alert"] in headings, f"{rule['alert']} has no card"


promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool on this machine")


@promtool
def test_prometheus_takes_its_files_and_each_alert_fires_for_what_it_is_about(tmp_path):
    folder = Path(shutil.copytree(DEPLOY / "prometheus", tmp_path / "prometheus"))
    (folder / "metrics_token").write_text("x")
    config = (
        (folder / "prometheus.yml").read_text().replace("/etc/prometheus/metrics_token", str(folder / "metrics_token"))
    )
    (folder / "prometheus.yml").write_text(config)
    passes("promtool", "check", "config", "prometheus.yml", cwd=folder)
    passes("promtool", "test", "rules", "alerts_test.yml", cwd=folder)


@promtool
def test_prometheus_understands_every_panel_of_the_dashboard(tmp_path):
    rules = [{"record": f"panel:{number}", "expr": text} for number, text in enumerate(expressions())]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    passes("promtool", "check", "rules", "panels.yml", cwd=tmp_path)
