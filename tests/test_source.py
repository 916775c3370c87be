"""What holds of all code of the package: a class's name is of one class alone."""

import ast
from collections import Counter
from pathlib import Path

import pulse_events

SOURCE = Path(pulse_events.__file__).parent
MODULES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py")}

PUBLIC = {
    "Gap",  # an item of the client's; in `wire/` what it is made of
    "Listening",  # what `listen` returns, of `pulse_events` and of `pulse_events.sync`
    "Message",  # an item of the client's; in the core what AMQP carries
}
"""The user's words, which stay, though the inside has the same ones for what it means by them."""


def test_no_two_classes_have_the_same_name_but_those_that_users_know() -> None:
    names = Counter(
        node.name
        for module in MODULES.values()
        for node in module.body
        if isinstance(node, ast.ClassDef)
    )
    assert len(names) > 200
    assert {name for name, count in names.items() if count > 1} == PUBLIC
    assert PUBLIC.issubset(pulse_events.__all__)
