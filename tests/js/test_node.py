"""Runs what node checks: the browser client's unit tests, its types, and its npm package."""

import gzip
import json
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from pulse_events.topics.index import TopicIndex
from pulse_events.topics.patterns import canonical

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
STATIC = ROOT / "src" / "pulse_events" / "web" / "static"
ESBUILD = ROOT / "requirements" / "node_modules" / ".bin" / "esbuild"
SIZE_LIMIT_BYTES = 12_000
"""Of the module and all that it imports, minified and compressed."""
UNPACK = "process.stdout.write(zlib.brotliDecompressSync(fs.readFileSync(process.argv[1])))"
TESTS = sorted(HERE.glob("*.test.mjs"))


def run(*command: str | Path, folder: Path = HERE, within_s: float = 60.0) -> str:
    """Return what a program prints; fail with it if the program fails."""
    program = shutil.which(command[0])
    assert program, f"{command[0]} is not installed; `make test` installs it on Debian"
    done = subprocess.run(
        [program, *command[1:]],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def passed_by_file(said: str) -> dict[str, int]:
    """Return how many tests of each file passed."""
    passed, count = {}, 0
    for line in said.splitlines():
        count += line.startswith("        ok ")
        if file := re.match(r"    ok \d+ - (\S+)$", line):
            passed[file[1]], count = count, 0
    return passed


@pytest.fixture(scope="module")
def said() -> str:
    """What one process of node says of all files; its tests mostly wait, so they do it together."""
    return run("node", "--test-reporter=tap", "all.mjs", *TESTS)


@pytest.mark.parametrize("path", TESTS, ids=[path.name for path in TESTS])
@pytest.mark.timeout(90)
def test_the_unit_tests_of_the_browser_client_pass(path: Path, said: str) -> None:
    assert passed_by_file(said)[path.name] > 0, said


def test_no_unit_test_of_the_browser_client_is_left_out(said: str) -> None:
    counts = dict(line[2:].split(" ", 1) for line in said.splitlines() if line.startswith("# "))
    assert (counts["fail"], counts["skipped"], counts["todo"]) == ("0", "0", "0"), said


@pytest.mark.timeout(90)
def test_the_types_fit_the_client_and_its_use() -> None:
    run("node", HERE / "node_modules" / "typescript" / "bin" / "tsc", "--project", HERE)


def test_npm_packs_the_client_its_worker_its_types_and_licence_and_nothing_else() -> None:
    (package,) = json.loads(run("npm", "pack", "--dry-run", "--json", folder=STATIC))
    packed = {entry["path"] for entry in package["files"]}
    parts = {f"client/{path.name}" for path in (STATIC / "client").glob("*.js")}
    entries = {"pulse-events.js", "pulse-events.d.ts", "pulse-events-worker.js"}
    assert packed == parts | entries | {"package.json", "README.md", "LICENSE"}
    assert (package["name"], package["version"]) == ("pulse-events", version("pulse-events"))


def test_what_is_checked_in_for_browsers_is_built_from_its_parts(tmp_path: Path) -> None:
    run("node", ROOT / "scripts" / "browser.mjs", tmp_path)
    assert built_files(tmp_path) == built_files(STATIC), "run `make browser`"


def built_files(folder: Path) -> dict[str, str]:
    """Return the text of each, and that in each that is packed."""
    packed = {path.name: run("node", "-e", UNPACK, path) for path in folder.glob("page/*.br")}
    plain = [path for path in folder.glob("page/*") if path.suffix in {".css", ".html", ".js"}]
    worker = folder / "pulse-events-worker.js"
    return packed | {path.name: path.read_text(encoding="utf-8") for path in [worker, *plain]}


def test_the_worker_imports_nothing_and_names_its_licence() -> None:
    text = (STATIC / "pulse-events-worker.js").read_text()
    assert re.search(r"^\s*(?:import|export)\b|\bimport\(", text, re.MULTILINE) is None
    first = text.partition("\n")[0]
    assert first.startswith("/*!")
    assert "@license MPL-2.0" in first


def test_the_client_is_within_12_kb_without_its_worker(tmp_path: Path) -> None:
    bundle = tmp_path / "client.js"
    options = ("--bundle", "--minify", "--format=esm", f"--outfile={bundle}")
    run(ESBUILD, STATIC / "pulse-events.js", *options)
    assert len(gzip.compress(bundle.read_bytes())) <= SIZE_LIMIT_BYTES


def test_the_topic_vectors_of_the_client_hold_for_the_servers_matcher() -> None:
    vectors = json.loads((HERE / "topic-vectors.json").read_text())["vectors"]
    assert len(vectors) >= 400
    for pattern, key, wanted in vectors:
        index: TopicIndex[str] = TopicIndex()
        index.add(canonical(pattern), "it")
        assert bool(index.match(key)) is wanted, (pattern, key)
