#!/usr/bin/env python
"""Hanout's commands; `python manage.py help` lists them."""

import signal
import sys

if sys.argv[1:2] == ["run"]:
    # Before the imports: Ctrl-C at any moment ends quietly, and ending runs the exits that stop the database.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))

import os
import tempfile
from pathlib import Path

from django.core.management import execute_from_command_line

from config.env import ROOT
from config.metrics_files import open_metrics_files

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    match sys.argv[1:2]:
        case ["run"]:
            open_metrics_files(Path(os.environ.get("HANOUT_DATA_DIR") or ROOT / ".hanout"))
        case ["serve"]:
            open_metrics_files(Path(tempfile.gettempdir()))
    execute_from_command_line(sys.argv)
