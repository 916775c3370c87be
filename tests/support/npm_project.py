"""A user's project: the package from its tarball, with the bundlers that the tests pin.

Owns the project's folder; knows neither our servers nor browsers.  The pins are in `tests/vite`,
what a newcomer gets, and in `tests/bundlers`, where Vite is one for Node 18.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src" / "pulse_events" / "web" / "static"
BUNDLERS = ROOT / "tests" / "bundlers"
VITE = ROOT / "tests" / "vite"
FROM_CLONE = 'npm install "$(npm pack CLONE/src/pulse_events/web/static)"'
"""How docs/javascript.md installs the package from a clone."""
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
    """Put the package into a project, as npm packs it, and what it is built with.

    A folder without a `package.json` becomes a project.  No network: the package needs nothing,
    the rest is linked.
    """
    if not (folder / "package.json").exists():
        (folder / "package.json").write_text('{ "private": true, "type": "module" }\n')
    command = FROM_CLONE.replace("CLONE", shlex.quote(str(ROOT)))
    offline = {**os.environ, "npm_config_offline": "true"}
    said_by("bash", "-c", command, folder=folder, environment=offline)
    for modules in _modules():
        for module in (*modules.glob("[!.]*"), *modules.glob(".bin/*")):
            link = folder / "node_modules" / module.relative_to(modules)
            link.parent.mkdir(exist_ok=True)
            if not link.exists():
                link.symlink_to(module)


def _modules() -> Iterator[Path]:
    """Yield the folders of what is linked; the first that has a module counts."""
    version = [int(digits) for digits in re.findall(r"\d+", said_by("node", "-v", folder=ROOT))]
    if [20, 19] <= version < [21] or version >= [22, 12]:  # as its package.json says
        yield VITE / "node_modules"
    yield BUNDLERS / "node_modules"


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
