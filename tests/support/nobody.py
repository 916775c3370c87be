"""The program as a user who may do nothing: ``python nobody.py FOLDER ARGUMENTS…``.

The sources may lie in a folder that only their owner may enter: the package is copied to one that
all may read, and what else it needs is imported before privileges are dropped; ``FOLDER`` is
entered before, too.
"""

import importlib
import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

LATE = (
    "encodings.idna",
    "pulse_events.brokers.opening",
    "pulse_events.brokers.rabbitmq.publisher",
    "pulse_events.cli.checking",
    "pulse_events.cli.explanation",
    "pulse_events.cli.listener",
    "pulse_events.cli.publish",
    "pulse_events.cli.serve",
    "pulse_events.cli.waiting",
    "pulse_events.client.async_steps",
    "pulse_events.client.asynchronous",
    "pulse_events.process.logs",
    "pulse_events.process.loops",
    "pulse_events.process.server",
    "pulse_events.process.workers",
    "setproctitle",
)
"""What commands import when they run."""


@contextmanager
def _package_for_all() -> Iterator[None]:
    """Have the package imported from a copy that nobody may read, and remove."""
    found = find_spec("pulse_events")
    assert found is not None and found.origin is not None
    with tempfile.TemporaryDirectory(prefix="pulse-events-nobody-") as folder:
        shutil.copytree(Path(found.origin).parent, Path(folder, "pulse_events"))
        if os.geteuid() == 0:
            for path in [Path(folder), *Path(folder).rglob("*")]:
                shutil.chown(path, "nobody")
        sys.path.insert(0, folder)
        yield


def _drop_privileges() -> None:
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)


if __name__ == "__main__":
    folder = sys.argv.pop(1)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fchdir(descriptor)
    os.close(descriptor)
    sys.argv[0] = "pulse-events"
    with _package_for_all():
        for name in ("pulse_events.cli", "pulse_events.cli.program", *LATE):
            importlib.import_module(name)
        _drop_privileges()
        sys.modules["pulse_events.cli"].main()
