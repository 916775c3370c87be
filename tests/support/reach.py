"""What a test's code reaches through the names that it uses, without running it.

Follows functions and classes of the tests' own modules; knows nothing of what is looked for.
"""

import inspect
from collections.abc import Iterator
from functools import cache
from types import CodeType, FunctionType, ModuleType


@cache
def reached(start: object) -> frozenset[object]:
    """Return the modules, classes and functions that the code of ``start`` can come to use."""
    found = {start}
    waiting = [start]
    while waiting:
        fresh = _used_by(waiting.pop()) - found
        found |= fresh
        waiting += fresh
    return frozenset(found)


@cache
def _used_by(user: object) -> frozenset[object]:
    """Return what the code of a function or class of the tests names; nothing for others."""
    if not str(getattr(user, "__module__", "")).startswith("tests."):
        return frozenset()
    return frozenset(used for function in _functions(user) for used in _globals_of(function))


def _functions(user: object) -> Iterator[FunctionType]:
    """Yield the functions in what decorators, properties and class methods made of them."""
    parts = vars(user).values() if isinstance(user, type) else [user]
    for part in parts:
        inner = getattr(part, "fget", None) or getattr(part, "__func__", part)
        function = inspect.unwrap(inner) if callable(inner) else None
        if isinstance(function, FunctionType):
            yield function


def _globals_of(function: FunctionType) -> Iterator[object]:
    for name in _names(function.__code__):
        used = function.__globals__.get(name)
        if isinstance(used, FunctionType | type | ModuleType) or hasattr(used, "__wrapped__"):
            yield used


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
