"""What the two packages say of themselves is true, and their links lead somewhere."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from trove_classifiers import classifiers, deprecated_classifiers

from pulse_events.web.reports import SOURCE

ROOT = Path(__file__).parents[1]
NPM = ROOT / "src" / "pulse_events" / "web" / "static"
RAW = SOURCE.replace("//github.com/", "//raw.githubusercontent.com/")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def metadata() -> dict[str, Any]:
    """The Python package's metadata, as the build makes it."""
    command = [sys.executable, "-m", "hatchling", "metadata"]
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=25)
    found: dict[str, Any] = json.loads(made.stdout)
    return found


def npm_package() -> dict[str, Any]:
    """Return the npm package's metadata."""
    found: dict[str, Any] = json.loads((NPM / "package.json").read_text(encoding="utf-8"))
    return found


def links(text: str) -> list[tuple[str, str]]:
    """Return the links of a Markdown text: an exclamation mark before an image, and the target."""
    inline = re.findall(r"(!?)\[[^\]]*\]\(([^)]+)\)", text)
    return inline + re.findall(r"^()\[[^\]]+\]: (\S+)$", text, re.MULTILINE)


def test_each_link_of_the_readme_leads_from_an_index_to_the_same_file(
    metadata: dict[str, Any],
) -> None:
    tag = f"v{metadata['version']}"
    starts = {"": f"{SOURCE}/blob/{tag}/", "!": f"{RAW}/{tag}/"}
    pairs = list(zip(links(README), links(metadata["readme"]["text"]), strict=True))
    assert len(pairs) > 10
    for (mark, here), (_, there) in pairs:
        if not here.startswith("https://"):
            assert there == starts[mark] + here
            assert (ROOT / here.partition("#")[0]).is_file(), here


def test_nothing_but_links_differs_between_the_readme_and_what_an_index_shows(
    metadata: dict[str, Any],
) -> None:
    shown = metadata["readme"]["text"]
    assert metadata["readme"]["content-type"] == "text/markdown"
    assert re.sub(r"\]\(https://\S+?/v[\d.]+/", "](", shown) == README


def test_the_urls_of_the_project_are_those_of_its_source(metadata: dict[str, Any]) -> None:
    urls = metadata["urls"]
    assert urls.pop("Repository") == SOURCE
    assert urls.pop("Issues") == f"{SOURCE}/issues"
    assert set(urls) == {"Documentation", "Changelog"}
    for url in urls.values():
        _, place = re.split("/(?:blob|tree)/main/", url.removeprefix(SOURCE))
        assert (ROOT / place).exists(), url


def test_every_classifier_exists_and_none_is_deprecated(metadata: dict[str, Any]) -> None:
    assert set(metadata["classifiers"]) <= classifiers
    assert set(metadata["classifiers"]).isdisjoint(deprecated_classifiers)


def test_the_version_stands_in_one_place_and_heads_the_changelog(metadata: dict[str, Any]) -> None:
    version = metadata["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert version == npm_package()["version"]
    assert "version" not in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## (.*)$", changes, re.MULTILINE)[0]
    assert re.fullmatch(rf"{re.escape(version)} \((unreleased|\d{{4}}-\d\d-\d\d)\)", newest)


def test_the_npm_package_has_the_licence_and_says_where_its_source_is(
    metadata: dict[str, Any],
) -> None:
    package = npm_package()
    assert package["license"] == metadata["license"]
    assert (NPM / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    folder = NPM.relative_to(ROOT).as_posix()
    repository = {"type": "git", "url": f"git+{SOURCE}.git", "directory": folder}
    assert package["repository"] == repository
    assert package["publishConfig"] == {"access": "public", "provenance": True}
    assert package["engines"] == {"node": ">=18"}  # what scripts/programs asks for, too
    assert package["homepage"] == f"{SOURCE}#readme"
    assert package["bugs"] == f"{SOURCE}/issues"
