"""What the last release holds: the migrations its databases have, and so the tables its code reads and writes."""

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db.migrations import Migration
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from apps.operations.migrating.errors import CannotLint

ROOT = Path(__file__).resolve().parents[3]
RELEASES = ROOT / "docs" / "releases"
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_LIBRARIES = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))

Node = tuple[str, str]


@dataclass(frozen=True)
class Baseline:
    """A state of the schema that code out there relies on."""

    name: str
    nodes: frozenset[Node]

    def state(self, loader: MigrationLoader) -> ProjectState:
        """The models as that code knows them."""
        return loader.project_state(sorted(self.nodes)) if self.nodes else ProjectState()


NOTHING = Baseline("nothing", frozenset())


def last_release(*, loader: MigrationLoader, folder: Path = RELEASES) -> Baseline:
    """The newest file of `docs/releases/`; `NOTHING` before the first release. Raises `CannotLint`."""
    versions = sorted(
        (path for path in folder.glob("*.json") if _VERSION.fullmatch(path.stem)),
        key=lambda path: [int(part) for part in path.stem.split(".")],
    )
    if not versions:
        return NOTHING
    newest = versions[-1]
    try:
        heads = [(app, str(name)) for app, name in json.loads(newest.read_text())["migrations"].items()]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CannotLint(f"{newest} cannot be read: restore it from the release's commit.") from None
    return Baseline(newest.stem, _up_to(loader, heads, source=str(newest)))


def _up_to(loader: MigrationLoader, heads: Iterable[Node], *, source: str) -> frozenset[Node]:
    nodes: set[Node] = set()
    our_apps = {app for app, _ in ours(loader.graph.nodes)}
    for head in heads:
        if head not in loader.graph.nodes:
            if head[0] not in our_apps:
                continue  # libraries may squash theirs, or be gone
            raise CannotLint(
                f"{source} names {head[0]}.{head[1]}, which is not there: a migration that was released is never "
                "renamed or deleted."
            )
        nodes.update(loader.graph.forwards_plan(head))
    return frozenset(nodes)


def record_release(*, version: str, loader: MigrationLoader, folder: Path = RELEASES) -> Path:
    """Write down the last migration of each app; raises `CannotLint` rather than change a release."""
    if not _VERSION.fullmatch(version):
        raise CannotLint(f"{version} is no version: write it as 1.2.3.")
    if conflicts := loader.detect_conflicts():
        raise CannotLint(f"Two last migrations in {', '.join(sorted(conflicts))}: merge them before releasing.")
    text = json.dumps({"version": version, "migrations": dict(sorted(loader.graph.leaf_nodes()))}, indent=2) + "\n"
    path = folder / f"{version}.json"
    if path.exists() and path.read_text() != text:
        raise CannotLint(f"{path} is there and says something else: a release is not changed, raise the version.")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def release_at(*, ref: str, loader: MigrationLoader) -> Baseline:
    """The migrations that were in the repository at a git commit, tag or branch; raises `CannotLint`."""
    if ref.startswith("-"):
        raise CannotLint(f"{ref} is no git reference.")
    listed = set(git_bytes("ls-tree", "-r", "--name-only", "--full-tree", ref).decode().splitlines())
    nodes = frozenset(
        node
        for node, migration in loader.graph.nodes.items()
        if migration is not None and (not is_ours(migration) or str(file_of(migration).relative_to(ROOT)) in listed)
    )
    return Baseline(ref, nodes)


def git_bytes(*arguments: str) -> bytes:
    """What git answers; raises `CannotLint`."""
    program = shutil.which("git")
    if program is None:
        raise CannotLint("git is not installed here, and the last release is in it.")
    # A checkout that belongs to another account (a container's, a runner's) is this program's own all the same.
    trusted = ("-c", f"safe.directory={ROOT}")
    done = subprocess.run([program, *trusted, *arguments], cwd=ROOT, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CannotLint(f"git {arguments[0]}: {said[0] if said else 'failed'}.")
    return done.stdout


def file_of(migration: Migration) -> Path:
    """The file a migration was loaded from."""
    return Path(str(sys.modules[migration.__module__].__file__)).resolve()


def is_ours(migration: Migration) -> bool:
    """Whether it belongs to this repository and not to an installed library."""
    return not any(file_of(migration).is_relative_to(library) for library in _LIBRARIES)


def ours(nodes: Mapping[Node, Migration]) -> dict[Node, Migration]:
    """The repository's own migrations."""
    return {node: migration for node, migration in nodes.items() if is_ours(migration)}
