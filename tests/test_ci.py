"""The hosted workflow runs what ``.ci/run`` runs, on the versions that the package names."""

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
JOB: dict[str, Any] = yaml.safe_load(WORKFLOW)["jobs"]["test"]
NPM_WORKFLOW = (ROOT / ".github" / "workflows" / "npm.yml").read_text(encoding="utf-8")
NPM_JOB: dict[str, Any] = yaml.safe_load(NPM_WORKFLOW)["jobs"]["publish"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def targets_in(script: str) -> list[str]:
    """Return the targets that the lines of a script have ``make`` make."""
    return re.findall(r"^make (.*)$", script, re.MULTILINE)


def test_the_workflow_makes_what_the_local_run_makes_in_the_same_order() -> None:
    local = targets_in((ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    hosted = [target for step in JOB["steps"] for target in targets_in(step.get("run", ""))]
    assert hosted == local
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(local) <= set(re.findall(r"^([a-z-]+):.*##", makefile, re.MULTILINE))


def test_no_step_can_fail_unnoticed() -> None:
    assert "continue-on-error" not in WORKFLOW
    assert not any("if" in step for step in JOB["steps"])


def test_the_versions_of_python_are_those_that_the_package_names() -> None:
    tested = {job["python"] for job in JOB["strategy"]["matrix"]["include"]}
    named = re.findall(r"Python :: (3\.\d+)$", "\n".join(PROJECT["classifiers"]), re.MULTILINE)
    assert tested == set(named)
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_the_workflow_has_no_secret_and_may_only_read() -> None:
    assert yaml.safe_load(WORKFLOW)["permissions"] == {"contents": "read"}
    assert "permissions" not in JOB
    assert "secrets" not in WORKFLOW
    assert JOB["steps"][1]["with"] == {"persist-credentials": False}


def test_actions_are_pinned_by_their_major_version() -> None:
    used = [step["uses"] for step in JOB["steps"] if "uses" in step]
    assert used
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used)


def test_the_npm_workflow_may_prove_what_it_publishes_and_has_no_secret() -> None:
    # Without the token npm refuses a package whose publishConfig says `provenance`.
    assert NPM_JOB["permissions"] == {"contents": "read", "id-token": "write"}
    assert "secrets" not in NPM_WORKFLOW
