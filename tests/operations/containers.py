"""The image's entrypoint without an image."""

import os
import subprocess
import sys
from pathlib import Path

from config.env import ROOT
from tests.processes import Served, free_port

ENTRYPOINT = ROOT / "deploy" / "entrypoint.sh"


class Container(Served):
    """What the image would run; its first word decides."""

    def __init__(self, folder, *words, **environ):
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.folder, self.log = environ.get("PORT") or free_port(), folder, folder / "log"
        kept = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder)}
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [str(ENTRYPOINT), *words],
                cwd="/",
                env={**kept, "HANOUT_DATA_DIR": str(folder), "TMPDIR": str(folder), "PORT": str(self.port), **environ},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def ends(self, seconds=60):
        return self.process.wait(timeout=seconds), self.log.read_text()
