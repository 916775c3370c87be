"""Where a client's stream is in the server's history, and how it asks to go on there.  Pure."""

from pulse_events.cursors import is_cursor
from pulse_events.errors import InputError
from pulse_events.wire.sse import Event

NO_HISTORY = "the server keeps no history"


class Place:
    """The place of one stream, over all its connections.

    Args:
        resume: Whether to ask for the history: insist on it, do without, or ``None``, which is as
            the server has it, unless one of the others needs it.
        cursor: Go on behind it.
        since: Begin at that time; a text that the server reads.  Counts until there is a cursor.
        last: Begin with so many of the newest messages; the same.

    Raises:
        InputError: These contradict each other, or the cursor is none.
    """

    def __init__(
        self,
        resume: bool | None = None,
        cursor: str | None = None,
        since: str | None = None,
        last: int | None = None,
    ) -> None:
        if cursor is not None and not is_cursor(cursor):
            raise InputError(f"{cursor!r:.80} is no cursor")
        begin = {"since": since, "last": last}
        self._begin = {name: str(value) for name, value in begin.items() if value is not None}
        begins_somewhere = cursor is not None or bool(self._begin)
        if resume is False and begins_somewhere:
            raise InputError("cursor, since and last are for streams that resume")
        self.resumes = True if begins_somewhere else resume
        """Whether it asks; ``None`` as long as nobody knows whether the server can."""
        self._is_needed = self.resumes is True
        self._is_asked = self.resumes is None
        self._cursor = cursor
        self._was_ready = False
        self.missed = ""
        """Why messages may be missing that no server has told of, until that is `told`."""

    @property
    def cursor(self) -> str | None:
        """What to go on from."""
        return self._cursor

    def query(self) -> dict[str, str]:
        """Return what the next request has in its URL, beside the bindings."""
        # The beginning stays there, as in an EventSource's URL: the header goes before it.
        return {"resume": "true"} | self._begin if self.resumes else {}

    def headers(self) -> dict[str, str]:
        """Return what the next request has in its head."""
        return {"Last-Event-ID": self._cursor} if self._cursor else {}

    def take(self, event: Event) -> None:
        """Move on to ``event``: ``ready``, or one that comes after it on its connection.

        Raises:
            InputError: The server keeps no history, and one is needed.
        """
        if event.kind == "ready":
            self._begin_at(event.event_id)
        elif is_cursor(event.event_id):
            self._cursor = event.event_id

    def does_without(self, refusal: str) -> bool:
        """Tell whether a refused connection is worth another one that asks for no history.

        What a stream once was granted may be refused because the server was started anew with
        other options, or because another one, of an older version, takes its turn.
        """
        if self._is_needed or not self.resumes or not self._was_ready:
            return False
        self._lose(refusal)
        self.resumes = False
        return True

    def failed(self) -> None:
        """Note that there is no connection any more, or was none.

        Before the first ``ready`` what is known of a history may be that nobody answered.
        """
        if self._is_asked and not self._was_ready:
            self.resumes = None

    def told(self) -> str:
        """Return why messages may be missing; that is settled then."""
        reason, self.missed = self.missed, ""
        return reason

    def _begin_at(self, event_id: str) -> None:
        self._was_ready = True
        if not is_cursor(event_id):
            if self._is_needed:
                raise InputError(NO_HISTORY)
            self._lose(NO_HISTORY)
        elif not self._cursor:
            self._cursor = event_id
        # Else the place is where it was: if that says nothing to the server, the id is the position
        # now, and the gap before it is still to come.

    def _lose(self, reason: str) -> None:
        if self._cursor:
            self.missed = reason
            self._cursor = None
