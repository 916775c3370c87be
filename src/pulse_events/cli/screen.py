"""Messages on a terminal, laid out and coloured.  Loads rich, so nobody else may load this."""

import os
import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.highlighter import JSONHighlighter
from rich.text import Text

from pulse_events.cli.laid_out import laid_out
from pulse_events.cli.visible import visible

if TYPE_CHECKING:
    from pulse_events import Message

COLOURED_LIMIT_CHARS = 100_000
"""A longer text is shown without colours, which would take seconds."""


class Screen:
    """The terminal that is stdout; without colours if ``NO_COLOR`` is set, or it has none."""

    def __init__(self) -> None:
        # Nothing of a message is markup or an emoji's name.  With NO_COLOR rich itself would still
        # write bold and italic, which many who set it do not expect.
        self._console = Console(
            file=sys.stdout,
            color_system=None if os.environ.get("NO_COLOR") else "auto",
            markup=False,
            emoji=False,
            highlight=False,
            soft_wrap=True,
        )
        self._highlighter = JSONHighlighter()

    def message(self, message: "Message", json_text: str) -> None:
        """Show a message: where it came from, then ``json_text``, and an empty line."""
        head = Text(visible(message.exchange), "bold")
        head.append(f" {visible(message.routing_key)}", "cyan")
        if message.redelivered:
            head.append(" redelivered", "yellow")
        self._console.print(head)
        self.json(json_text)
        self._console.print()

    def json(self, text: str) -> None:
        """Show JSON, an entry on each line."""
        shown = Text("\n".join(map(visible, laid_out(text).split("\n"))))
        if len(shown) <= COLOURED_LIMIT_CHARS:
            self._highlighter.highlight(shown)
        self._console.print(shown)
