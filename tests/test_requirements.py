"""What pyproject.toml allows is what the lists of exact versions prove."""

import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.private_names import packages_used_by_private_names

ROOT = Path(__file__).parents[1]
DEPENDENCIES = [
    Requirement(text)
    for text in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
]
USED_BY_PRIVATE_NAMES = {
    package
    for path in (ROOT / "src").rglob("*.py")
    for package in packages_used_by_private_names(path.read_text())
}


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


@pytest.mark.parametrize("package", sorted(USED_BY_PRIVATE_NAMES))
def test_what_is_used_by_private_names_has_an_upper_bound(package: str) -> None:
    names = packages_distributions()[package]
    (dependency,) = [d for d in DEPENDENCIES if d.name in names]
    assert _bound(dependency, "<")


@pytest.mark.parametrize(
    ("source", "packages"),
    [
        (
            "from aiohttp import web\nclass C(web.RequestHandler):\n  def f(self): self._waiter",
            "aiohttp",
        ),
        ("import pika\ndef f(x: pika.BaseConnection): x._terminate_stream()", "pika"),
        ("from httpx._config import Timeout", "httpx"),
        ("import httpx\nfrom httpx import _config", "httpx"),
        ("import sys\nsys.modules['httpx._main'] = None", "httpx"),
        ("from aiohttp import web\nclass C:\n  def f(self): self._waiter = self._waiter", ""),
        ("import httpx, os\nhttpx.Client()\nos._exit(0)\nx._replace(a=1)", ""),
    ],
)
def test_private_names_are_found_in_the_source(source: str, packages: str) -> None:
    assert packages_used_by_private_names(source) == set(packages.split())
