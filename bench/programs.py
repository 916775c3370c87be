"""Builds the C programs of the benchmark."""

import subprocess
from pathlib import Path

from bench.processes import BUILT, ROOT

_PROGRAMS = {"load": ("bench/load.c", "-lz"), "fanout": ("bench/peers/fanout.c",)}


def build() -> None:
    """Compile what is older than its source.

    Raises:
        subprocess.CalledProcessError: The compiler failed.
    """
    BUILT.mkdir(exist_ok=True)
    for name, (source, *libraries) in _PROGRAMS.items():
        program = BUILT / name
        if not program.exists() or program.stat().st_mtime < Path(ROOT / source).stat().st_mtime:
            command = ["gcc", "-O2", "-Wall", "-Wextra", "-o", str(program), source, *libraries]
            subprocess.run(command, cwd=ROOT, check=True)
