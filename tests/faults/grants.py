"""What docs/resume.md grants to the user of a server that shares a log, and no more."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.docs.blocks import blocks, commands
from tests.faults.conftest import EXCHANGE
from tests.faults.instances import is_well
from tests.faults.trial import RESUMING
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream
from tests.support.server import Server
from tests.support.waiting import wait_until

USER, PASSWORD = "web", "secret"
RECORDED = "exchange/taskcluster-queue/v1/task-completed"
"""Of the document, where the tests have another one."""


@contextmanager
def granted(node: Rabbit, place: str) -> Iterator[str]:
    """Do at a node what the document types at a place; yield the URL of the user that is made.

    The user and its queues are gone after the block.
    """
    block = next(
        block
        for block in blocks()
        if block.document == "docs/resume.md" and block.text.startswith(f"# {place}\n")
    )
    for command in commands(block.text.replace(RECORDED, EXCHANGE)):
        program, *arguments = shlex.split(command.text)
        if program == "rabbitmqctl":
            node.ctl(*arguments)
    try:
        yield node.url(USER, PASSWORD)
    finally:
        node.ctl("delete_user", USER)
        with Amqp(node.amqp_url) as amqp:
            for name in ("record", "log"):
                amqp.delete_queue(f"queue/{USER}/pulse-events-{name}")


def serves_the_log(node: Rabbit, server: Server) -> None:
    """Check that a server records and reads the log, and misses no permission."""
    with RawStream(server.port, RESUMING[0]).ready(within_s=20) as stream:
        with Amqp(node.amqp_url) as amqp:
            amqp.publish(EXCHANGE, "n.1", b"1")
        assert stream.event("message", within_s=20).event_id.startswith("1s")
    wait_until(partial(is_well, server), "all is well", within_s=20)
    assert "refused" not in server.stderr
