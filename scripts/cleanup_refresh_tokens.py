#!/usr/bin/env python3
"""S4's path of `manage.py cleanup_refresh_tokens`; takes the same options."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv" / "bin" / "python"
python = str(VENV) if VENV.exists() else sys.executable
os.execv(python, [python, str(ROOT / "manage.py"), "cleanup_refresh_tokens", *sys.argv[1:]])  # noqa: S606
