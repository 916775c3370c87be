"""What pyproject.toml allows is what the lists of exact versions prove."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
DEPENDENCIES = [
    Requirement(text)
    for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
]
PRIVATE_NAMES_USED = {"aiohttp", "pika"}


def _pins(name: str) -> dict[str, Version]:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().splitlines()
    pinned = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(r.name): Version(next(iter(r.specifier)).version) for r in pinned}


def _bound(dependency: Requirement, operator: str) -> Version | None:
    found = [Version(s.version) for s in dependency.specifier if s.operator == operator]
    return found[0] if found else None


@pytest.mark.parametrize("dependency", DEPENDENCIES, ids=lambda d: d.name)
def test_the_lowest_version_that_is_allowed_is_one_that_is_tested(dependency: Requirement) -> None:
    name = canonicalize_name(dependency.name)
    assert _bound(dependency, ">=") == _pins("lowest")[name]
    assert _pins("runtime")[name] in dependency.specifier


@pytest.mark.parametrize("name", sorted(PRIVATE_NAMES_USED))
def test_what_is_used_by_private_names_has_an_upper_bound(name: str) -> None:
    (dependency,) = [d for d in DEPENDENCIES if d.name == name]
    assert _bound(dependency, "<")
