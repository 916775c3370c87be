"""Which packages our code uses by names that they call private."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

_PRIVATE = re.compile(r"_[A-Za-z]\w*")
_IN_TEXT = re.compile(r"(\w+)(?:\.\w+)*?\._[A-Za-z]\w*")
_OF_TUPLES = {"_asdict", "_fields", "_make", "_replace"}
"""What `typing.NamedTuple` promises, in spite of the names."""


def packages_used_by_private_names(source: str) -> set[str]:
    """Return the packages that a module uses so.

    A private name that is read from an object, and that the module neither defines nor sets, is
    taken for that of each package that the module imports and that has such a name.
    """
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    imports = {one for node in nodes for one in _imports(node)}
    used = {package for package, is_private in imports if is_private}
    read, own = set[str](), set[str](_OF_TUPLES)
    for node in nodes:
        match node:
            case ast.Attribute(ast.Name("os"), "_exit"):
                continue
            case ast.Attribute(attr=name, ctx=ast.Load()) if _PRIVATE.fullmatch(name):
                read.add(name)
            case ast.Attribute(ast.Name("self" | "cls"), attr=name):
                own.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                own.add(name)
            case ast.AnnAssign(target=ast.Name(name)):
                own.add(name)
            case ast.Constant(str(text)) if found := _IN_TEXT.fullmatch(text):
                used.add(found[1])
    return used | {p for p, _ in imports if not _names_in(p).isdisjoint(read - own)}


def _imports(node: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield the packages of others that are imported, and whether by a private name."""
    if isinstance(node, ast.Import):
        paths = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        paths = [f"{node.module}.{alias.name}" for alias in node.names]
    else:
        return
    for path in paths:
        package, *parts = path.split(".")
        if package not in sys.stdlib_module_names and package != "pulse_events":
            yield package, any(map(_PRIVATE.fullmatch, parts))


@lru_cache
def _names_in(package: str) -> frozenset[str]:
    """Return the private names in the source of a package."""
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        return frozenset()
    files = [path for root in spec.submodule_search_locations for path in Path(root).rglob("*.py")]
    return frozenset(name for path in files for name in _PRIVATE.findall(path.read_text()))
