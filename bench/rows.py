"""One line of the result: a figure, what it is compared with, what it must reach."""

from dataclasses import dataclass

AT_LEAST, AT_MOST = "at least", "at most"


@dataclass(frozen=True, slots=True)
class Row:
    """A figure and its target.

    With a ``peer`` the target is a ratio, ``figure / peer_figure``; without, it is a figure.
    A row without target is context.
    """

    case: str
    what: str
    figure: float
    unit: str
    peer: str = ""
    peer_figure: float | None = None
    bound: str = AT_LEAST
    target: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's; ``None`` without peer."""
        return self.figure / self.peer_figure if self.peer_figure else None

    @property
    def reached(self) -> bool | None:
        """Whether the target is reached; ``None`` without one."""
        if self.target is None:
            return None
        value = self.figure if self.ratio is None else self.ratio
        return value >= self.target if self.bound == AT_LEAST else value <= self.target
