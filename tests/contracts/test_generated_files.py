import re

import pytest

from config.env import ROOT, Env
from config.snapshots import snapshots


@pytest.mark.parametrize("path", snapshots(), ids=lambda path: path.name)
def test_the_file_says_what_the_code_does(path):
    expected = snapshots()[path]
    written = path.read_bytes() if path.exists() else b""
    assert written == expected, f"{path.name} is not current: run make snapshots, read the diff."


def test_every_variable_of_the_documents_is_explained():
    text = (ROOT / ".env.example").read_text()
    for field in Env.model_fields.values():
        assert field.description
        for name in field.validation_alias.choices:
            assert re.search(rf"\b{name}\b", text), name


def test_no_file_names_a_package_index():
    hosts = ("pypi" + ".org", "files.python" + "hosted.org")
    for path in [*ROOT.glob("requirements/*.txt"), ROOT / "pyproject.toml", ROOT / "Makefile"]:
        assert not any(host in path.read_text() for host in hosts), path


def test_every_pin_carries_a_hash():
    for path in ROOT.glob("requirements/*.txt"):
        pins = re.split(r"\n(?=\S)", path.read_text().strip())
        assert len(pins) > 10
        assert all("--hash=sha256:" in pin for pin in pins), path
