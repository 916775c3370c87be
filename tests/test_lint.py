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


def test_every_file_of_javascript_and_css_is_linted() -> None:
    config = (ROOT / "biome.jsonc").read_text(encoding="utf-8")
    files, _, _ = config.partition('"formatter"')
    patterns = re.findall(r'"(\w+/\S+)"', files)
    found = [path.relative_to(ROOT) for path in FILES if path.suffix in LOOKED_AT]
    assert len(found) > 80
    assert [path for path in found if not any(fnmatch(str(path), p) for p in patterns)] == []


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
