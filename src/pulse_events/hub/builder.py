"""Builds what audiences are sent of a history: the events of some entries, encoded, as blocks."""

from collections.abc import Callable, Collection, Sequence

from pulse_events.history import Entry, History, Hole, Record
from pulse_events.hub.audience import Audience
from pulse_events.hub.blocks import Block, Blocks, joined
from pulse_events.topics.index import OddKeys
from pulse_events.wire.wire import Gap, gap_event, with_cursor

BLOCK_BYTES = 64 << 10
"""Bytes after which a block ends early, and up to which blocks are sent as one; who does not read
them holds so much for itself."""
UNDECIDED = "comparing its keys with these patterns took too long"


class Builder:
    """Builds blocks, and keeps those of late.

    Args:
        match: Returns who gets a message; see `Routes.match`.
    """

    def __init__(self, match: Callable[[Record], Collection[Audience]]) -> None:
        self._match = match
        self._blocks = Blocks()

    def forget(self, audience: Audience) -> None:
        """Note that ``audience`` is gone."""
        self._blocks.forget(audience)

    def block(
        self, history: History, audience: Audience, start: int, told: int, limit: int = 0
    ) -> Block:
        """Return what follows ``start``: blocks that are kept, as one, and at most one new one.

        What is missing up to the position ``told`` is not said in it.  It ends at the position
        ``limit``, if that is not 0.

        Who comes back mostly gets little of each block, and a write costs more than what is in it:
        5,000 that listened to one of 50 keys each were live again after a third of the time.
        """
        limit = min(limit or history.last, history.last)  # an older part may end before it
        blocks: list[Block] = []
        stop, size, loss, is_new = start, 0, "", False
        while not blocks or (stop < limit and not loss):
            block = self._kept(history, audience, stop, told, limit)
            if block is None:
                if is_new:
                    break
                block, is_new = self._made(history, audience, stop, told, limit), True
            size += len(block.chunk)
            if blocks and size > BLOCK_BYTES:
                break
            blocks.append(block)
            stop, loss = block.stop, block.loss
        if history.block_end(start - 1) != start:
            self._keep_joined(audience, blocks)
        return joined(blocks)

    def _keep_joined(self, audience: Audience, blocks: Sequence[Block]) -> None:
        """Keep as one what will stay as it is behind a stream's own beginning."""
        staying = [block for block in blocks[1:] if block.is_final]
        if len(staying) > 1:
            self._blocks.put(audience, blocks[0].stop, joined(staying))

    def _kept(
        self, history: History, audience: Audience, start: int, told: int, limit: int
    ) -> Block | None:
        """Return the block that begins behind ``start``, if it is there and goes far enough."""
        block = self._blocks.get(audience, start)
        if block is None or block.told != _reach(start, told) or block.stop > limit:
            return None
        return block if block.is_final or block.stop == history.last else None

    def _made(
        self, history: History, audience: Audience, start: int, told: int, limit: int
    ) -> Block:
        """Return the block that begins behind ``start``, and keep it."""
        block = self._blocks.get(audience, start)
        is_right = block is not None and block.told == _reach(start, told) and block.stop <= limit
        if block is not None and is_right and _grows(history, start, block):
            block = joined((block, self._build(history, audience, block.stop, told, limit)))
        else:
            block = self._build(history, audience, start, told, limit)
        self._blocks.put(audience, start, block)
        return block

    def _build(
        self, history: History, audience: Audience, start: int, told: int, limit: int
    ) -> Block:
        """Return what ``audience`` gets of some entries after ``start``, up to a limit."""
        frames: list[bytes] = []
        stop, time_ms, size, gaps, edge, loss, is_final = start, None, 0, 0, 0, "", True
        for entry in history.after(start):
            edge = edge or history.block_end(entry.position - 1)
            if entry.position > limit:
                stop = limit
                break
            if entry.position > edge or size >= BLOCK_BYTES:
                break
            frame, reason, is_odd = self._frame(history, audience, entry)
            if reason and entry.position <= told and audience.wire.resumes:
                frame, reason = b"", ""
            if reason and not audience.wire.resumes:
                loss = reason
                break
            if frame:
                frames.append(frame)
                size += len(frame)
                gaps += reason != ""
            stop, time_ms = entry.position, entry.time_ms
            if is_odd:
                break  # it took long
        else:
            stop, is_final = limit, limit < history.last
        chunk = audience.wire.encode(b"".join(frames)) if frames else b""
        messages, told = len(frames) - gaps, _reach(start, told)
        return Block(stop, is_final, told, chunk, messages, gaps, time_ms, loss)

    def _frame(self, history: History, audience: Audience, entry: Entry) -> tuple[bytes, str, bool]:
        """Return the event of ``entry``, why it is a gap if it is one, and if matching took long.

        The event is empty if the audience gets none.
        """
        if isinstance(entry, Hole):
            if not concerns(entry, audience):
                return b"", "", False
            return _gap(history, entry, entry.from_ms or None, entry.reason), entry.reason, False
        is_odd = False
        try:
            is_for = audience in self._match(entry)
        except OddKeys as odd:
            if audience in odd.undecided:
                reason = missing_text(entry.exchange, UNDECIDED)
                return _gap(history, entry, entry.time_ms, reason), reason, True
            is_for, is_odd = audience in odd.found, True
        if not is_for:
            return b"", "", is_odd
        if not audience.wire.resumes:
            return entry.event, "", is_odd
        cursor = history.cursors.at(entry.position)
        return with_cursor(entry.event, cursor), "", is_odd


def missing_text(exchange: str, why: str) -> str:
    """Return what is told of a message of ``exchange`` that may be missing."""
    what = f"one of exchange {exchange!r} was not passed on ({why})"
    return f"messages may be missing: {what}"


def concerns(hole: Hole, audience: Audience) -> bool:
    """Tell whether an audience may miss what is missing."""
    if not hole.exchange:
        return True
    return any(binding.exchange == hole.exchange for binding in audience.bindings.bindings)


def _grows(history: History, start: int, block: Block) -> bool:
    """Tell whether what has come is added to a block that ended where the history did.

    When it is complete, or long, it is built anew: what was compressed bit by bit is larger.
    """
    is_open = not block.is_final and history.block_end(start) > history.last
    return is_open and len(block.chunk) < BLOCK_BYTES


def _reach(start: int, told: int) -> int:
    """Return up to where it matters what was told already; 0 if it does not."""
    return told if told > start else 0


def _gap(history: History, entry: Entry, from_ms: int | None, reason: str) -> bytes:
    cursor = history.cursors.at(entry.position)
    return gap_event(Gap(reason, from_ms, entry.time_ms), cursor)
