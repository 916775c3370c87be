"""The config file: YAML, in either of its layouts, as texts.  Knows no setting by its name.

Text stands for itself: a password may be ``0123``, ``1e3``, ``on``, ``null`` or ``2024-01-01``.
What is a number is for the settings to say.
"""

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from pulse_events.configuration.redaction import redacted_word
from pulse_events.configuration.small_files import read_small_file
from pulse_events.errors import SettingsError

LIMIT_BYTES = 64 << 10
"""Size of a config file; what is longer is none."""
VALUES_LIMIT = 4 * LIMIT_BYTES
"""Values and their characters, those of an alias counted each time: a few lines of aliases can
stand for billions."""
DEPTH_LIMIT = 10

Section = dict[str, Any]
"""Texts, lists and other sections by name."""


class Config(NamedTuple):
    """What a config file says: options, or Pulse credentials in the layout of the original."""

    options: Section
    pulse: Section


def read_config(path: Path, profile: str | None, pulse_keys: Set[str]) -> Config:
    """Read a config file.

    Args:
        path: Of the file.
        profile: The section to take in the layout of the original; ``None`` for the only one.
        pulse_keys: What that section may hold under ``pulse``.

    Raises:
        SettingsError: The file cannot be read, or is neither layout.  The text names the file, and
            no value in it.
    """
    try:
        document = _parse(read_small_file(path, "the config file", limit_bytes=LIMIT_BYTES))
        if not document or not all(isinstance(part, dict) for part in document.values()):
            return Config(_options(document), {})
        return Config({}, _pulse(document, profile, pulse_keys))
    except _Fault as fault:
        raise SettingsError(f"the config file {path} {fault}") from None


class _Fault(Exception):
    """What is wrong with the content, to go behind the file's name."""


def _options(document: Section) -> Section:
    """Return options by field name; what is left empty counts as absent."""
    options: Section = {}
    for key, value in document.items():
        name = key.replace("-", "_")
        if name in options:
            raise _Fault(f"has the key {_shown(name)} twice")
        options[name] = value
    return {name: value for name, value in options.items() if value != ""}


def _pulse(document: Section, profile: str | None, keys: Set[str]) -> Section:
    """Return ``pulse`` of the profile that is asked for, else of the only one."""
    if profile is None and len(document) == 1:
        (profile,) = document
    if profile not in document:
        fault = f"no profile {profile!r}" if profile else "several profiles"
        raise _Fault(f"has {fault}; pick one of {', '.join(document)[:200]} with --profile")
    pulse = document[profile].get("pulse") or {}
    if not isinstance(pulse, dict):
        raise _Fault("must hold keys and values under 'pulse'")
    if others := [*(document[profile].keys() - {"pulse"}), *(pulse.keys() - keys)]:
        raise _Fault(f"has the unknown key {_shown(others[0])}")
    for key, value in pulse.items():
        if not isinstance(value, str):
            raise _Fault(f"must hold a text under {key!r}")
    return {key: value for key, value in pulse.items() if value}


def _parse(text: str) -> Section:
    """Return the document of a YAML text; its top level is keys and values."""
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
        document = _Values().of(node, 0) if node else {}
    except yaml.YAMLError as error:
        place = getattr(error, "problem_mark", None)
        raise _Fault(f"is not YAML{f' at line {place.line + 1}' if place else ''}") from None
    except RecursionError:
        raise _Fault("is nested too deep") from None
    if document in ("", []):
        return {}
    if not isinstance(document, dict):
        raise _Fault("must hold keys and values")
    return document


class _Values:
    """Makes values of YAML's nodes, a bounded number of them."""

    def __init__(self) -> None:
        self._left = VALUES_LIMIT

    def of(self, node: yaml.Node, depth: int) -> Any:
        """Return a text, a list or a section."""
        self._left -= 1 + len(node.value) * isinstance(node, yaml.ScalarNode)
        if self._left < 0:
            raise _Fault("becomes too long by its aliases")
        if depth > DEPTH_LIMIT:
            raise _Fault(f"is nested more than {DEPTH_LIMIT} deep{_at(node)}")
        if isinstance(node, yaml.ScalarNode):
            # A text in quotes holds its blanks on purpose; the end of a block is a line break.
            return node.value if node.style in ("'", '"') else node.value.strip()
        if isinstance(node, yaml.MappingNode):
            return self._section(node, depth)
        return [self.of(item, depth + 1) for item in node.value]

    def _section(self, node: yaml.MappingNode, depth: int) -> Section:
        """Return keys and values; those of a merge key, ``<<``, give way to the section's own."""
        merged: Section = {}
        own: Section = {}
        for key_node, value_node in node.value:
            key = self.of(key_node, depth + 1)
            value = self.of(value_node, depth + 1)
            if not isinstance(key, str):
                raise _Fault(f"has a key that is no text{_at(key_node)}")
            if key == "<<":
                merged |= _merge(value, key_node)
            elif key in own:
                raise _Fault(f"has the key {_shown(key)} twice{_at(key_node)}")
            else:
                own[key] = value
        return merged | own


def _merge(value: Any, node: yaml.Node) -> Section:
    """Return the keys and values of the sections that are merged; the first one goes before."""
    sections = value if isinstance(value, list) else [value]
    merged: Section = {}
    for section in sections:
        if not isinstance(section, Mapping):
            raise _Fault(f"merges what is no section{_at(node)}")
        merged = {**section, **merged}
    return merged


def _shown(key: str) -> str:
    return repr(redacted_word(key)[:60])


def _at(node: yaml.Node) -> str:
    return f" at line {node.start_mark.line + 1}"
