"""What holds of all code of the package: no two classes share a name, and functions are short."""

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


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[int, int]:
    """Return how many lines a function has, and of these its body, without the docstring."""
    assert function.end_lineno is not None
    has_text = ast.get_docstring(function) is not None and len(function.body) > 1
    begins = function.body[has_text].lineno
    return function.end_lineno - function.lineno + 1, function.end_lineno - begins + 1


def test_no_function_has_more_than_60_lines_or_40_beside_its_docstring() -> None:
    lengths = {
        f"{path.relative_to(SOURCE)}:{node.lineno} {node.name}": lines_of(node)
        for path, module in MODULES.items()
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert len(lengths) > 1000
    assert {name for name, (all_, body) in lengths.items() if all_ > 60 or body > 40} == set()
