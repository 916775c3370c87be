"""What a process counts, as a value that can be summed over processes, and what each count is."""

from collections.abc import Iterable
from typing import Annotated, NamedTuple, get_type_hints


class Statistics(NamedTuple):
    """Counts since the start, but those of `GAUGES`, which are of now."""

    clients: Annotated[int, "Open streams"] = 0
    audiences: Annotated[int, "Distinct sets of bindings among the streams"] = 0
    bindings: Annotated[int, "Bindings at the broker"] = 0
    bindings_waiting: Annotated[int, "Bindings that the broker has not answered"] = 0
    bindings_waiting_age_s: Annotated[float, "How long the oldest of them has waited"] = 0.0
    clients_behind: Annotated[int, "Streams that read the history"] = 0
    clients_in_line: Annotated[int, "Of these, those that wait for an older part of the log"] = 0
    history_records: Annotated[int, "Messages that the history holds"] = 0
    history_bytes: Annotated[int, "Bytes that the history takes"] = 0
    messages_in: Annotated[int, "Messages that the broker delivered"] = 0
    messages_out: Annotated[int, "Messages written to streams, one per stream"] = 0
    bytes_out: Annotated[int, "Bytes of messages written to streams"] = 0
    slow_clients_closed: Annotated[int, "Streams closed because their client did not read"] = 0
    slow_clients_behind: Annotated[
        int, "Times that a live stream went over to the history, as its client did not read"
    ] = 0
    gaps: Annotated[int, "Gaps that streams were told of, one per stream"] = 0
    ends_unread: Annotated[int, "Streams cut off before their client had read the last event"] = 0
    unrouted: Annotated[int, "Messages that matched no stream's bindings"] = 0
    omitted: Annotated[int, "Messages passed on without their body, which was over the limit"] = 0
    malformed: Annotated[int, "Messages that could not be read, or passed on, in full"] = 0
    oversized_keys: Annotated[int, "Keys so long that they were matched against # alone"] = 0
    skipped_keys: Annotated[int, "Keys of messages with so many that some were not matched"] = 0
    losses: Annotated[int, "Times that the broker lost messages and every client was told"] = 0
    refused_streams: Annotated[int, "Streams refused by the limit of all streams"] = 0
    refused_streams_of_address: Annotated[int, "Streams refused by the limit of one address"] = 0
    refused_requests: Annotated[int, "Requests refused by the limit of an address's rate"] = 0
    refused_bindings: Annotated[int, "Requests refused by the limit of a stream's bindings"] = 0
    refused_distinct_bindings: Annotated[
        int, "Streams refused by the limit of all distinct bindings"
    ] = 0
    refused_distinct_bindings_of_address: Annotated[
        int, "Streams refused by the limit of one address's distinct bindings"
    ] = 0
    refused_outstanding_bindings: Annotated[
        int, "Streams refused by the limit of one address's bindings without an answer"
    ] = 0
    refused_queues_of_address: Annotated[
        int, "Streams refused by the limit of one address's queues of their own"
    ] = 0
    refused_heads: Annotated[int, "Requests refused by the limit of their head"] = 0
    refused_connections: Annotated[int, "Connections refused for lack of descriptors"] = 0
    refused_connections_of_address: Annotated[
        int, "Connections refused by the limit of one address"
    ] = 0
    displaced_connections: Annotated[
        int, "Connections closed that waited for their client, to make room for others"
    ] = 0
    refused_tokens: Annotated[int, "Tokens refused for lack of room"] = 0
    displaced_tokens: Annotated[int, "Tokens given up before their time, for lack of room"] = 0

    def plus(self, other: "Statistics") -> "Statistics":
        """Return what two count together, see `total`."""
        return total((self, other))

    def ended(self) -> "Statistics":
        """Return what is left of a process that has ended: its counts, but nothing that is now."""
        return self._replace(**dict.fromkeys(GAUGES, 0))


def total(parts: Iterable[Statistics]) -> Statistics:
    """Return what processes, or parts of one, count together: sums, of `MAXIMA` the greatest."""
    columns = zip(Statistics(), *parts, strict=True)
    return Statistics(
        *(
            (max if name in MAXIMA else sum)(column)
            for name, column in zip(Statistics._fields, columns, strict=True)
        )
    )


GAUGES = Statistics._fields[: Statistics._fields.index("messages_in")]
MAXIMA = frozenset(("bindings_waiting_age_s",))
"""Gauges of which the greatest counts, not the sum."""
TEXTS: dict[str, str] = {
    name: hint.__metadata__[0]
    for name, hint in get_type_hints(Statistics, include_extras=True).items()
}
"""What each count is, in words."""
