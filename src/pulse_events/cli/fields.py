"""Fields of a message, named by a path like ``payload.status.state``: conditions and templates.

Pure.  A message is here the JSON object that the server sends, as Python's values.
"""

import json
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from pulse_events.cli.visible import visible
from pulse_events.errors import InputError

_INDEX = re.compile(r"-?[0-9]{1,9}")
_ESCAPES = {r"\t": "\t", r"\n": "\n", r"\\": "\\"}
_ESCAPE = re.compile(r"\\[tn\\]")
_UNNAMEABLE = re.compile(r"[.=:!{}]")
"""In a key: a dot would be read as two keys, the others end the path in a condition or template."""
_KNOWN_LIMIT = 1000
"""So many fields of a message are looked at for the one that was meant."""
_PATH_LIMIT_CHARS = 200


class NoSuchField(LookupError):
    """A message has nothing there."""


def value_at(document: Any, path: str) -> Any:
    """Return the value at ``path``: keys of objects and indices of lists, with dots between.

    Index -1 is the last entry.

    Raises:
        NoSuchField: There is none.
    """
    value = document
    for word in path.split("."):
        try:
            if isinstance(value, list) and _INDEX.fullmatch(word):
                value = value[int(word)]
            elif isinstance(value, dict):
                value = value[word]
            else:
                raise NoSuchField(path)
        except LookupError:
            raise NoSuchField(path) from None
    return value


def has_field(document: Any, path: str) -> bool:
    """Tell whether there is something at ``path``."""
    try:
        value_at(document, path)
    except NoSuchField:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Condition:
    """``FIELD=VALUE``: the message has this value there; of a list, it is one of the entries.

    A number is compared as one; ``true``, ``false`` and ``null`` are JSON's.
    """

    path: str
    wanted: str

    @classmethod
    def read(cls, text: str) -> "Condition":
        """Read an option's text; the path ends at the first ``=``.

        Raises:
            InputError: It is not ``FIELD=VALUE``.
        """
        path, separator, wanted = text.partition("=")
        if not separator or not path:
            raise InputError(f"{text!r} is not FIELD=VALUE, like payload.status.state=failed")
        return cls(path, wanted)

    def holds(self, document: Any) -> bool:
        """Tell whether a message is as wanted; one that lacks the field is not."""
        try:
            value = value_at(document, self.path)
        except NoSuchField:
            return False
        values = value if isinstance(value, list) else [value]
        return any(_is(each, self.wanted) for each in values)


def _is(value: Any, wanted: str) -> bool:
    if isinstance(value, str):
        return value == wanted
    if value is None or isinstance(value, bool):
        return json.dumps(value) == wanted
    return isinstance(value, int | float) and value == _number(wanted)


def _number(text: str) -> float | None:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return None


class Template:
    r"""Text with fields in braces: ``{payload.status.taskId}\t{routingKey}``.

    ``{{`` and ``}}`` are braces, ``\t`` a tab, ``\n`` a line's end, ``\\`` a backslash.

    Raises:
        InputError: It is none; says what is wrong.
    """

    def __init__(self, text: str) -> None:
        self._pieces = list(_pieces(text))
        self.paths = [path for _, path in self._pieces if path]
        """The fields that it names."""

    def filled(self, document: Any) -> str:
        """Return the text for a message; a field that it lacks is empty.

        In a value control characters stand as JSON's escapes, so that no value ends a line.
        """
        return "".join(
            literal + (_shown(document, path) if path else "") for literal, path in self._pieces
        )


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Yield literals, each with the path of the field behind it, empty if there is none."""
    try:
        parsed = list(string.Formatter().parse(text))
    except ValueError as error:
        raise InputError(f"{error}; a brace that is none of a field is written twice") from None
    for literal, path, spec, conversion in parsed:
        if spec or conversion or path == "":
            raise InputError("a field is like {routingKey} or {payload.status.state}")
        yield _ESCAPE.sub(lambda found: _ESCAPES[found[0]], literal), path or ""


def _shown(document: Any, path: str) -> str:
    try:
        value = value_at(document, path)
    except NoSuchField:
        return ""
    if isinstance(value, str):
        return visible(value)
    try:
        return visible(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    except RecursionError:  # nested deeper than Python goes; it costs this value, nothing else
        return "…"


def nearest_field(document: Any, path: str) -> str:
    """Return the path of a field of ``document`` that may have been meant, or an empty text."""
    known = list(_known_paths(document))
    longer = [each for each in known if each.endswith(f".{path}")]
    return next(iter(longer or get_close_matches(path, known, 1)), "")


def _known_paths(document: Any) -> Iterator[str]:
    """Yield paths, those of outer fields first; of a list those of its first entry.

    What cannot be named is left away, with all that is in it.
    """
    waiting: list[tuple[str, Any]] = [("", document)]
    for count, (path, value) in enumerate(waiting):
        if count > _KNOWN_LIMIT:
            return
        if path:
            yield path
        for name, inner in _entries(value):
            longer = f"{path}.{name}" if path else name
            if len(longer) <= _PATH_LIMIT_CHARS and len(waiting) <= _KNOWN_LIMIT:
                waiting.append((longer, inner))


def _entries(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return ((name, inner) for name, inner in value.items() if not _UNNAMEABLE.search(name))
    return [("0", value[0])] if isinstance(value, list) and value else []
