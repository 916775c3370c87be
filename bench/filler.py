"""Fills a log, as a recorder would in hours: its entries, straight to where a recorder writes."""

import secrets
import time
from itertools import cycle, islice

from bench.amqp_frames import RawConnection, encode_message, write_time
from bench.instances import SharedLog
from bench.workload import TIME_MARK, Sample, make_pool
from pulse_events.brokers.rabbitmq.log.queues import LogQueues, Retention
from pulse_events.log.entries import Began, Entry, Recorded, Stamp, encode
from pulse_events.messages import Message
from pulse_events.messages import encode_message as encode_line

_TERM = 1
"""Of the first recorder of a log; whoever records behind it takes a later one."""
_BATCH = 32
"""Entries that are sent at once.  The broker has written one batch before the next is sent: else
it would make one piece of thousands, all of which it reads to whoever begins in the middle.
"""


def fill(log: SharedLog, count: int) -> float:
    """Have so many messages in a log in which nothing was; return when the last one was sent."""
    connection = RawConnection(log.setting.broker.amqp_url)
    connection.declare_exchange(log.exchange)
    connection.confirm()
    with log.instance():
        pass  # which makes the log
    exchange = LogQueues(log.name, Retention(0, 0)).exchange
    writer = secrets.token_hex(4)
    now_s = time.time()
    connection.send([_frames(exchange, Began(_stamp(writer, 0, now_s)))])
    connection.wait_until_confirmed(1)
    entries = cycle([_recorded(log.exchange, sample) for sample in make_pool()])
    for start in range(1, count + 1, _BATCH):
        now_s, batch = time.time(), []
        numbers = range(start, min(start + _BATCH, count + 1))
        for number, entry in zip(numbers, islice(entries, len(numbers)), strict=True):
            frames = _frames(exchange, entry._replace(stamp=_stamp(writer, number, now_s)))
            write_time(frames, frames.rindex(TIME_MARK) + len(TIME_MARK), now_s)
            batch.append(frames)
        connection.send(batch)
        connection.wait_until_confirmed(numbers[-1] + 1)
    connection.close()
    return now_s


def _stamp(writer: str, number: int, now_s: float) -> Stamp:
    return Stamp(writer, number, int(1000 * now_s), _TERM)


def _recorded(exchange: str, sample: Sample) -> Recorded:
    body = bytearray(sample.body)
    write_time(body, body.rindex(TIME_MARK) + len(TIME_MARK), time.time())
    message = Message(exchange, sample.routing_key, bytes(body), sample.cc)
    stamp = _stamp("", 0, 0)
    return Recorded(stamp, exchange, sample.routing_key, sample.cc, encode_line(message))


def _frames(exchange: str, entry: Entry) -> bytearray:
    return bytearray(encode_message(exchange, "", b"", encode(entry)))
