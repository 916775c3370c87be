"""``make check`` looks at every file of JavaScript and CSS, with a linter of one exact version."""

import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOOKED_AT = {".js", ".mjs", ".cjs", ".ts", ".css"}


def source_files() -> Iterator[Path]:
    """Yield the repository's files, without those that are installed or made."""
    for folder, inside, names in os.walk(ROOT):
        inside[:] = [name for name in inside if name[0] != "." and name != "node_modules"]
        yield from (Path(folder, name) for name in names)


FILES = sorted(source_files())


def is_looked_at(path: Path, patterns: list[str]) -> bool:
    """Tell whether biome looks at a file: the last pattern of it, or of a folder of it, says so."""
    names = [str(place) for place in (path, *path.parents)]
    said = [p for p in patterns if any(fnmatch(name, p.removeprefix("!")) for name in names)]
    return bool(said) and not said[-1].startswith("!")


def is_built(path: Path) -> bool:
    """Tell whether `make browser` writes a file, from others that are looked at."""
    static = Path("src/pulse_events/web/static")
    return path == static / "pulse-events-worker.js" or path.parent == static / "page"


def test_every_file_of_javascript_and_css_is_linted_unless_it_is_built() -> None:
    config = (ROOT / "biome.jsonc").read_text(encoding="utf-8")
    files, _, _ = config.partition('"formatter"')
    patterns = re.findall(r'"(!?\w+/\S+)"', files)
    found = [path.relative_to(ROOT) for path in FILES if path.suffix in LOOKED_AT]
    assert len(found) > 80
    assert [p for p in found if is_looked_at(p, patterns) == is_built(p)] == []


def test_make_check_runs_the_linter_and_lets_no_warning_pass() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    assert re.search(r"\$\(BIOME\) .*--error-on-warnings", recipe)


@pytest.mark.parametrize(
    "lock", [path for path in FILES if path.name == "package-lock.json"], ids=lambda p: p.parts[-2]
)
def test_versions_from_npm_are_exact_and_name_no_registry(lock: Path) -> None:
    wanted = json.loads((lock.parent / "package.json").read_text(encoding="utf-8"))
    versions = [
        *wanted.get("dependencies", {}).values(),
        *wanted.get("devDependencies", {}).values(),
    ]
    assert versions
    assert all(re.fullmatch(r"(npm:[@a-z0-9/-]+@)?\d+\.\d+\.\d+", version) for version in versions)
    locked = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    assert not any("resolved" in package for package in locked.values())
    assert all("integrity" in package for name, package in locked.items() if name)
