"""A user's project: the package from its tarball, with the bundlers that `tests/bundlers` pins.

Owns the project's folder; knows neither servers nor browsers.
"""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src" / "pulse_events" / "web" / "static"
BUNDLERS = ROOT / "tests" / "bundlers"
_PAGE = '<!doctype html><title>built</title><script {} src="./main.js"></script>\n'
_NO_MODULES = {"webpack", "esbuild script"}
_WORKER_ENTRY = "pulse-events-worker=pulse-events/worker"
_ESBUILD = ("node_modules/.bin/esbuild", "--bundle", "--log-level=warning", "--outdir=dist")
COMMANDS = {
    "vite": ("node_modules/.bin/vite", "build", "--logLevel", "warn"),
    "webpack": ("node", "webpack.mjs", "dist"),
    "esbuild": (*_ESBUILD, "--format=esm", "main.js", _WORKER_ENTRY),
    "esbuild script": (*_ESBUILD, "main.js", _WORKER_ENTRY),
    "esbuild without the worker": (*_ESBUILD, "--format=esm", "main.js"),
}
"""How each is called; none says anything unless there is something to complain of."""


def said_by(
    *command: str | Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    within_s: float = 60.0,
) -> str:
    """Return all that a program prints on stdout and stderr; fail with it if the program fails."""
    done = subprocess.run(
        list(command),
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def install(folder: Path) -> None:
    """Make an empty folder a project with the package, as npm packs it, and what it is built with.

    No network: the package needs nothing, the rest is linked.
    """
    said_by("npm", "pack", "--silent", "--pack-destination", folder, folder=STATIC)
    (tarball,) = folder.glob("*.tgz")
    (folder / "package.json").write_text('{ "private": true, "type": "module" }\n')
    options = ("--offline", "--no-audit", "--no-fund", "--no-update-notifier")
    said_by("npm", "install", *options, tarball.name, folder=folder)
    for module in (BUNDLERS / "node_modules").iterdir():
        if not (folder / "node_modules" / module.name).exists():
            (folder / "node_modules" / module.name).symlink_to(module)


def prepare(project: Path, bundler: str, program: str) -> None:
    """Write a page with a program of `tests/bundlers` into a project."""
    shutil.copy(BUNDLERS / program, project / "main.js")
    shutil.copy(BUNDLERS / "webpack.mjs", project)
    kind = "defer" if bundler in _NO_MODULES else 'type="module"'
    (project / "index.html").write_text(_PAGE.format(kind))


def build(project: Path, bundler: str, program: str) -> Path:
    """Build such a page; the bundler must have nothing to say.

    Returns:
        The folder with the page.
    """
    folder = project / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    prepare(project, bundler, program)
    assert said_by(*COMMANDS[bundler], folder=project) == ""
    if bundler != "vite":
        shutil.copy(project / "index.html", folder)
    return folder
