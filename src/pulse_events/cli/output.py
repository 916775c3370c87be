"""What ``listen`` makes of messages and events: texts, and where these go."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import click

from pulse_events.cli.fields import Condition, Template, has_field, nearest_field
from pulse_events.cli.visible import visible
from pulse_events.cli.voice import Voice

if TYPE_CHECKING:
    from pulse_events import Message
    from pulse_events.cli.execution import Execution
    from pulse_events.cli.screen import Screen

Render = Callable[["Message", Any], str]
"""Makes the text of a message, which it gets also as its fields."""


class Output(Protocol):
    """Where texts go."""

    async def message(self, message: "Message", text: str) -> None:
        """Deal with a message, of which ``text`` is wanted."""
        ...

    def event(self, text: str) -> None:
        """Print what is no message, as JSON."""
        ...


class Lines:
    """A line of stdout for each."""

    async def message(self, message: "Message", text: str) -> None:
        """Print it."""
        self.event(text)

    def event(self, text: str) -> None:
        """Print it."""
        click.echo(text.encode(errors="replace"))  # UTF-8 in every locale


class Laid:
    """A terminal: JSON is laid out, other texts come as lines without control characters.

    Args:
        screen: The terminal.
        is_json: Whether messages are JSON, or what a template says.
    """

    def __init__(self, screen: "Screen", *, is_json: bool) -> None:
        self._screen = screen
        self._is_json = is_json

    async def message(self, message: "Message", text: str) -> None:
        """Show it."""
        if self._is_json:
            self._screen.message(message, text)
        else:
            click.echo(text.encode(errors="replace"))

    def event(self, text: str) -> None:
        """Show it."""
        click.echo(visible(text).encode())


class Commands:
    """A command for each message; a line of stdout for each event."""

    def __init__(self, execution: "Execution") -> None:
        self._execution = execution
        self.event = Lines().event

    async def message(self, message: "Message", text: str) -> None:
        """Run the command to its end."""
        await self._execution.run(message, text)


class Selection:
    """Picks messages by conditions; tells once of fields that the first message does not have.

    Args:
        conditions: All must hold.
        paths: Fields that are wanted beside those of the conditions.
        voice: Tells it.
    """

    def __init__(self, conditions: list[Condition], paths: list[str], voice: Voice) -> None:
        self._conditions = conditions
        self._unseen = [*(condition.path for condition in conditions), *paths]
        self._voice = voice

    def picks(self, fields: Any) -> bool:
        """Tell whether a message is wanted."""
        unseen, self._unseen = self._unseen, []
        for path in dict.fromkeys(unseen):
            if not has_field(fields, path):
                self._tell(path, nearest_field(fields, path))
        return all(condition.holds(fields) for condition in self._conditions)

    def _tell(self, path: str, meant: str) -> None:
        advice = f"; did you mean {meant}?" if meant else ""
        self._voice.say(f"the first message has no field {path}{advice}")


def fields_of(message: "Message") -> dict[str, Any]:
    """Return a message as the JSON object that the server sends."""
    fields = {
        "payload": message.payload,
        "exchange": message.exchange,
        "routingKey": message.routing_key,
        "redelivered": message.redelivered,
        "routes": list(message.routes),
        "cc": list(message.cc),
    }
    if message.payload_encoding:
        fields["payloadEncoding"] = message.payload_encoding
    return fields


def whole(message: "Message", _fields: Any) -> str:
    """Return the JSON of a message as the server sent it."""
    return message.json


def payload(message: "Message", _fields: Any) -> str:
    """Return the JSON of its payload as the server sent it."""
    import msgspec

    try:
        members = msgspec.json.decode(message.json, type=dict[str, msgspec.Raw])
        return bytes(members["payload"]).decode()
    except (msgspec.DecodeError, KeyError, UnicodeError, RecursionError):
        return json.dumps(message.payload)  # the same value, in other words


def by_template(template: Template) -> Render:
    """Return what fills ``template`` for each message."""
    return lambda _message, fields: template.filled(fields)


def event_line(name: str, **members: Any) -> str:
    """Return the line of an event that is no message."""
    return json.dumps({"event": name, **members}, ensure_ascii=False, separators=(",", ":"))
