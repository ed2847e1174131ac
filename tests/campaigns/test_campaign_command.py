import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.campaigns.models import Campaign, ImportRun
from apps.campaigns.services import write_report

pytestmark = pytest.mark.django_db


def run(folder, *options):
    return call_command("import_campaigns", str(folder), *options)


def refusal(folder, *options):
    with pytest.raises(CommandError) as raised:
        run(folder, *options)
    return raised.value


def test_the_report_has_the_documented_shape(demo, tmp_path):
    run(demo.folder, "--report", str(tmp_path / "report.json"))
    report = json.loads((tmp_path / "report.json").read_text())
    assert list(report) == ["campaigns", "refused", "unchanged", "published"]
    assert (report["refused"], report["unchanged"], report["published"]) == ([], 0, 7)
    campaign = report["campaigns"][1]
    assert list(campaign) == [
        "name",
        "line",
        "impactos_personas",
        "impactos_vehiculos",
        "status",
        "periods",
        "repairs",
    ]
    assert (campaign["name"], campaign["line"], campaign["status"]) == ("regreso_a_clases", 2, "repaired")
    assert campaign["periods"][0] == {
        "period": "2025-08",
        "impactos_personas": 4028027,
        "impactos_vehiculos": 2154025,
        "status": "repaired",
    }
    assert list(campaign["repairs"][0]) == ["file", "row", "column", "before", "rule", "after", "proof"]


def test_numbers_in_the_report_are_integers_when_whole_and_floats_when_not(demo, tmp_path):
    run(demo.folder, "--report", str(tmp_path / "report.json"))
    campaigns = {item["line"]: item for item in json.loads((tmp_path / "report.json").read_text())["campaigns"]}
    assert isinstance(campaigns[1]["periods"][0]["impactos_personas"], int)
    assert campaigns[3]["periods"][0]["impactos_personas"] == 5784236.422578154


def test_parts_of_one_name_are_told_apart_by_their_line(demo, tmp_path):
    run(demo.folder, "--report", str(tmp_path / "report.json"))
    campaigns = json.loads((tmp_path / "report.json").read_text())["campaigns"]
    assert [item["line"] for item in campaigns if item["name"] == "feria_del_libro"] == [4, 5]


def test_a_refusal_exits_with_2_and_still_writes_the_report(demo, tmp_path, capsys):
    demo.set(demo.campaigns, 2, "alcance", "many")
    error = refusal(demo.folder, "--report", str(tmp_path / "report.json"))
    assert (error.returncode, str(error)) == (2, "Nothing was published: 1 refused.")
    assert json.loads((tmp_path / "report.json").read_text())["refused"] == [
        {
            "file": "bd_campanias_agrupado.csv",
            "row": 2,
            "column": "alcance",
            "value": "many",
            "reason": "This is not a whole number.",
        }
    ]
    assert "bd_campanias_agrupado.csv row 2 alcance = 'many'" in " ".join(capsys.readouterr().out.split())
    assert not Campaign.objects.exists()


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_a_folder_that_is_none_exits_with_2(tmp_path, name):
    (tmp_path / "file").touch()
    error = refusal(tmp_path / name)
    assert error.returncode == 2
    assert "is not a folder" in str(error)


def test_an_empty_folder_names_all_three_files(tmp_path, capsys):
    assert refusal(tmp_path).returncode == 2
    assert capsys.readouterr().out.count("The file is missing.") == 3


def test_a_report_that_cannot_be_written_is_said_before_anything_is_published(demo, tmp_path):
    for place in (tmp_path, tmp_path / "missing" / "report.json"):
        assert refusal(demo.folder, "--report", str(place)).returncode == 2
    assert not ImportRun.objects.exists()


def test_a_report_replaces_the_old_one_in_one_step(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    write_report({"published": 1}, path)
    with pytest.raises(TypeError):
        write_report({"published": object()}, path)
    assert json.loads(path.read_text()) == {"published": 1}
    assert [file.name for file in tmp_path.iterdir()] == ["report.json"]


def test_a_dry_run_reports_without_writing(demo, tmp_path, capsys):
    run(demo.folder, "--dry-run", "--report", str(tmp_path / "report.json"))
    assert json.loads((tmp_path / "report.json").read_text())["published"] == 0
    assert "7 to publish (dry run), 0 unchanged." in capsys.readouterr().out
    assert not ImportRun.objects.exists()


def test_the_table_fits_80_columns_and_ends_with_one_summary(demo, capsys):
    run(demo.folder)
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert lines[-1] == "7 campaign lines, 37 repairs, 1 flagged: 7 published, 0 unchanged."
    (row,) = [line.split() for line in lines if line.startswith("buen_fin_norte")]
    assert row == ["buen_fin_norte", "persons", "16,704,053", "16,704,052.53", "-0.47", "repaired"]
    assert any(line.startswith("flag metro_otono impactos_vehiculos row 7: 3,732,150 vehicles") for line in lines)


def test_text_from_the_files_cannot_format_the_terminal(demo, capsys):
    demo.set(demo.campaigns, 2, "alcance", "[red]many[/red]\x1b[31m")
    refusal(demo.folder)
    out = capsys.readouterr().out
    assert "[red]many[/red]" in out
    assert "\x1b" not in out


def test_a_database_that_refuses_is_one_sentence(demo):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE campaigns_campaign RENAME TO campaigns_gone")
    error = refusal(demo.folder)
    assert error.returncode == 1
    assert str(error).startswith("Nothing was published, the database refused: relation")
