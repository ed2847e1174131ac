"""Deliveries of campaign files, whole or with cells changed."""

import csv
import shutil
from pathlib import Path

import pytest

from apps.campaigns.services import import_campaigns
from apps.campaigns.services.delivery import read_delivery
from config.env import ROOT

DEMO = ROOT / "apps" / "campaigns" / "demo"
REAL = ROOT.parent / "shared" / "data" / "ooh"


class Delivery:
    """The three files in a folder of their own; rows are counted as an editor counts lines."""

    campaigns = "bd_campanias_agrupado.csv"
    periods = "bd_campanias_periodos.csv"
    sites = "bd_campanias_sitios.csv"

    def __init__(self, folder):
        self.folder = folder

    def rows(self, file):
        with (self.folder / file).open(encoding="utf-8-sig", newline="") as lines:
            return list(csv.reader(lines))

    def write(self, file, rows):
        with (self.folder / file).open("w", encoding="utf-8", newline="") as lines:
            csv.writer(lines).writerows(rows)

    def get(self, file, row, column):
        rows = self.rows(file)
        return rows[row - 1][rows[0].index(column)]

    def set(self, file, row, column, value):
        rows = self.rows(file)
        rows[row - 1][rows[0].index(column)] = value
        self.write(file, rows)

    def find(self, file, **cells):
        """The line numbers of the rows with these cells."""
        header, *rows = self.rows(file)
        return [
            number
            for number, row in enumerate(rows, start=2)
            if all(row[header.index(column)] == value for column, value in cells.items())
        ]

    def append(self, file, row):
        self.write(file, [*self.rows(file), row])

    def drop(self, file, row):
        rows = self.rows(file)
        del rows[row - 1]
        self.write(file, rows)

    def rewrite(self, file, change):
        path = self.folder / file
        path.write_bytes(change(path.read_bytes()))

    def read(self):
        """The delivery without a database: what would be published, what is refused."""
        return read_delivery(self.folder)

    def publish(self, **options):
        return import_campaigns(directory=self.folder, requested_by="tests", **options)

    def refusals(self):
        """What is refused, as (file, row, column, value)."""
        return {(item.file, item.row, item.column, item.value) for item in self.read().refused}


def copied(source, folder):
    shutil.copytree(source, folder)
    for file in folder.iterdir():
        file.chmod(0o644)
    folder.chmod(0o755)
    return Delivery(folder)


@pytest.fixture
def demo(tmp_path) -> Delivery:
    return copied(DEMO, tmp_path / "demo")


@pytest.fixture
def real(tmp_path) -> Delivery:
    if not REAL.is_dir():
        pytest.skip(f"the real campaign files are not at {REAL}")
    return copied(REAL, tmp_path / "real")


@pytest.fixture
def real_folder() -> Path:
    """The real files where they lie, for tests that only read."""
    if not REAL.is_dir():
        pytest.skip(f"the real campaign files are not at {REAL}")
    return REAL
