"""The program as a user who may do nothing: ``python nobody.py FOLDER ARGUMENTS…``.

Everything is imported before privileges are dropped, since the sources may lie in a folder that
only their owner may enter; ``FOLDER`` is entered before, too.
"""

import importlib
import os
import pwd
import sys

from pulse_events.cli import main

LATE = (
    "encodings.idna",
    "pulse_events.brokers.opening",
    "pulse_events.brokers.rabbitmq.publisher",
    "pulse_events.cli.checking",
    "pulse_events.client",
    "pulse_events.process.loops",
    "pulse_events.process.server",
    "pulse_events.process.workers",
)

"""What commands import when they run."""


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
    for name in LATE:
        importlib.import_module(name)
    _drop_privileges()
    sys.argv[0] = "pulse-events"
    main()
