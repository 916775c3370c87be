"""What the pages for developers name is there, and they leave out no module and no target."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks

SOURCE = ROOT / "src" / "pulse_events"
PLACES = (ROOT, SOURCE, SOURCE / "web" / "static", ROOT / "tests", ROOT / "requirements")
PAGES = [
    ROOT / name
    for name in (
        "CONTRIBUTING.md",
        "docs/design.md",
        "docs/development.md",
        "docs/install.md",
        "docs/releasing.md",
        "pyproject.toml",
    )
]
FILE_NAMES = re.compile(r"\.(?:py|m?js|css|ts|md|txt|toml|jsonc?)$")
MADE = re.compile(r"node_modules|^dist")


def is_there(name: str) -> bool:
    """Tell whether a file or folder, or any that a glob means, is where the pages look for it."""
    places = [place.glob(name.rstrip("/")) for place in PLACES]
    return any(next(found, None) for found in [*places, SOURCE.rglob(name.rstrip("/"))])


def paths_in(page: Path) -> list[str]:
    """Return what a page names in backquotes and looks like a path."""
    words = re.findall(r"`([\w.*-]+(?:/[\w.*-]+)*/?)`", page.read_text(encoding="utf-8"))
    return [w for w in words if ("/" in w or FILE_NAMES.search(w)) and not MADE.search(w)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_each_path_that_a_page_for_developers_names_is_there(page: Path) -> None:
    assert [name for name in paths_in(page) if not is_there(name)] == []


def modules_in(tree: str) -> dict[str, list[str]]:
    """Return the modules that the tree lists, by folder; its third column says what they do."""
    listed: dict[str, list[str]] = {}
    folders: list[str] = []
    for line in tree.partition("\ntests/")[0].split("\n"):
        depth = (len(line) - len(line.lstrip())) // 2
        for name in line[:54].split():
            if name.endswith("/"):
                folders = [*folders[:depth], name]
            elif name.endswith(".py"):
                folders = folders[:1]
            listed.setdefault("".join(folders), [])
            if not name.endswith("/"):
                listed["".join(folders)].append(name.removesuffix(".py"))
    return {folder: sorted(modules) for folder, modules in listed.items()}


def test_the_tree_names_every_module_and_nothing_else() -> None:
    (tree,) = [block.text for block in blocks() if "src/pulse_events/\n" in block.text]
    folders = [SOURCE / "web" / "static", *(path.parent for path in SOURCE.rglob("__init__.py"))]
    assert modules_in(tree) == {
        f"{folder.relative_to(ROOT)}/": sorted(path.stem for path in folder.glob("[!_]*.py"))
        for folder in folders
    }
    named = re.findall(r"[\w*/-]+?(?:\.\w+|/)(?=[ ,;)\n]|$)", tree)
    assert len(named) > 30
    assert [name for name in named if not is_there(name)] == []


def test_the_page_for_contributors_has_every_target_of_make_and_no_other() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) - {"help"}
    told = re.findall(r"^\| `make ([a-z-]+)` \|", PAGES[0].read_text("utf-8"), re.MULTILINE)
    assert sorted(told) == sorted(targets)
    install = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`make [^|]*)\| ", install.partition("\n## ")[0], re.MULTILINE)
    named = {target for cell in cells for target in re.findall(r"`make ([a-z-]+)`", cell)}
    assert named == targets - {"clean"}
