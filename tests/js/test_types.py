"""Type checkers read the package as its users' do: from outside, strictly."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PYRIGHT = HERE / "node_modules" / "pyright" / "index.js"
STRICT = {
    "typeCheckingMode": "strict",
    "reportUnnecessaryTypeIgnoreComment": "error",  # else what is wrong there would not be seen
    "reportPrivateUsage": "error",
}


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A user's program in a folder of its own."""
    return Path(shutil.copy(HERE / "typed_use.py", tmp_path))


def check(program: Path, *command: str | Path) -> None:
    done = subprocess.run(
        command, cwd=program.parent, capture_output=True, text=True, timeout=110, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(120)
def test_mypy_finds_the_types_that_are_promised(program: Path) -> None:
    check(program, sys.executable, "-m", "mypy", "--strict", program)


@pytest.mark.timeout(120)
def test_pyright_finds_the_types_that_are_promised(program: Path) -> None:
    (program.parent / "pyrightconfig.json").write_text(json.dumps(STRICT))
    check(program, "node", PYRIGHT, "--pythonpath", sys.executable)
