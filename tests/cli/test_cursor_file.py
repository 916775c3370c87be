"""The file of ``--resume-file``: when it is written, what is one, and what is refused."""

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from pulse_events.bindings import BindingSet
from pulse_events.cli.cursor_file import WRITE_EVERY_S, CursorFile
from pulse_events.errors import PulseEventsError, SettingsError
from tests.support.waiting import until

URL = "http://h/events/v1/connect/"
BINDINGS = BindingSet.of([("e", "a.#"), ("ü", "#.*")])


def opened(path: Path, url: str = URL, bindings: BindingSet = BINDINGS) -> CursorFile:
    return CursorFile(path, url, bindings)


def cursor_in(path: Path) -> Any:
    return json.loads(path.read_text())["cursor"]


async def written(path: Path, cursor: str = "1") -> Path:
    opened(path).keep(cursor)
    return path


async def test_it_says_what_it_is_for(tmp_path: Path) -> None:
    path = await written(tmp_path / "f")
    assert json.loads(path.read_text()) == {
        "url": URL,
        "bindings": [
            {"exchange": "e", "routingKeyPattern": "a.#"},
            {"exchange": "ü", "routingKeyPattern": "*.#"},
        ],
        "cursor": "1",
    }
    assert os.listdir(tmp_path) == ["f"]


async def test_a_missing_file_is_a_first_start(tmp_path: Path) -> None:
    path = tmp_path / "f"
    assert opened(path).cursor is None
    assert not path.exists()
    await written(path, "1s_-")
    assert opened(path).cursor == "1s_-"


async def test_the_spelling_of_the_bindings_makes_no_difference(tmp_path: Path) -> None:
    path = await written(tmp_path / "f")
    again = BindingSet.of([("ü", "*.#"), ("e", "a.#"), ("e", "a.#")])
    assert opened(path, bindings=again).cursor == "1"


async def test_what_comes_fast_is_written_now_and_then_but_at_last(tmp_path: Path) -> None:
    file = opened(tmp_path / "f")
    versions = set()
    begin_s = time.monotonic()
    for number in range(200):
        file.keep(str(number))
        versions.add(cursor_in(tmp_path / "f"))
        await asyncio.sleep(0.001)
    assert len(versions) <= 1 + (time.monotonic() - begin_s) / WRITE_EVERY_S
    await until(lambda: cursor_in(tmp_path / "f") == "199", "the last one is written")


async def test_the_first_and_what_is_saved_are_written_at_once(tmp_path: Path) -> None:
    file = opened(tmp_path / "f")
    file.keep("1")
    file.keep("2")
    assert cursor_in(tmp_path / "f") == "1"
    file.save()
    assert cursor_in(tmp_path / "f") == "2"
    with file.saved_at_the_end():
        file.keep("3")
        assert cursor_in(tmp_path / "f") == "2"
    assert cursor_in(tmp_path / "f") == "3"


async def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "f")
    await written(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert cursor_in(tmp_path / "f") == "1"


async def test_what_cannot_be_written_is_said_with_the_next_cursor(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = opened(folder / "f")
    file.keep("1")
    (folder / "f").unlink()
    folder.rmdir()
    file.keep("2")
    await asyncio.sleep(1.5 * WRITE_EVERY_S)  # nobody is there to be told
    with pytest.raises(PulseEventsError, match=r"cannot write .*/folder/f: No such file"):
        file.keep("3")


async def test_a_file_for_another_stream_is_refused(tmp_path: Path) -> None:
    path = await written(tmp_path / "f")
    with pytest.raises(SettingsError, match="is for the URL http://h/events"):
        opened(path, url="http://other/events/v1/connect/")
    with pytest.raises(SettingsError, match="is for other bindings"):
        opened(path, bindings=BindingSet.of([("e", "a.#")]))
    assert cursor_in(path) == "1"


BROKEN: list[Any] = [
    "",
    "{",
    "[" * 100_000,
    [],
    {},
    {"cursor": 1},
    {"cursor": "-"},
    {"cursor": "a b"},
    {"bindings": []},
    {"bindings": [{"exchange": "e"}]},
    {"url": None},
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: str(broken)[:20])
async def test_a_broken_file_is_refused_with_what_to_do(tmp_path: Path, broken: Any) -> None:
    path = await written(tmp_path / "f")
    if isinstance(broken, dict) and broken:
        broken = json.loads(path.read_text()) | broken
    path.write_text(broken if isinstance(broken, str) else json.dumps(broken))
    before = path.read_bytes()
    with pytest.raises(SettingsError, match="name another file"):
        opened(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["/dev/null", "/", "/proc/none/f", "/nowhere/f"])
def test_what_could_not_be_replaced_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=r"not a file|cannot write into the folder"):
        opened(Path(name))


def test_a_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b" " * (5 << 20))
    with pytest.raises(SettingsError, match="longer than"):
        opened(tmp_path / "f")
