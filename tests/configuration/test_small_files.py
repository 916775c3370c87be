"""Small files that a setting names: pipes as well, nothing endless, and never for ever."""

import os
import threading
import time
from pathlib import Path

import pytest

from pulse_events.configuration.small_files import read_small_file
from pulse_events.errors import SettingsError


def read(path: Path | str, within_s: float = 5.0) -> str:
    return read_small_file(Path(path), "the file", limit_bytes=1000, within_s=within_s)


def fault(path: Path | str, within_s: float = 5.0) -> str:
    with pytest.raises(SettingsError) as raised:
        read(path, within_s)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\xc3\xa9\n", b"\xef\xbb\xbf\xc3\xa9\n", b"x" * 1000])
def test_a_file_is_its_text_without_a_byte_order_mark(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    assert read(tmp_path / "file") == content.removeprefix(b"\xef\xbb\xbf").decode()


def test_a_pipe_is_as_good_as_a_file() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"one ")

    def end() -> None:
        os.write(writer, b"two")
        os.close(writer)

    late = threading.Timer(0.2, end)
    late.start()
    assert read(f"/dev/fd/{reader}") == "one two"
    late.join()
    os.close(reader)


def test_a_named_pipe_may_get_its_writer_later(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    late = threading.Timer(0.2, lambda: path.write_text("late"))
    late.start()
    assert read(path) == "late"
    late.join()


def test_a_pipe_that_nobody_writes_to_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    start_s = time.monotonic()
    assert "its end did not come within 0 s" in fault(tmp_path / "pipe", within_s=0.3)
    assert time.monotonic() - start_s < 5


def test_a_pipe_whose_end_does_not_come_is_given_up() -> None:
    reader, writer = os.pipe()
    os.write(writer, b"text")
    assert "its end did not come" in fault(f"/dev/fd/{reader}", within_s=0.3)
    os.close(reader)
    os.close(writer)


def test_what_is_too_long_is_refused_after_its_limit(tmp_path: Path) -> None:
    with (tmp_path / "long").open("wb") as file:
        file.truncate(100 << 20)  # takes no place
    for path in (tmp_path / "long", Path("/dev/zero")):
        assert "it is longer than 1000 bytes" in fault(path)


BAD = {
    "/no/such/file": "No such file",
    ".": "Is a directory",
    "/dev/null/x": "Not a directory",
    "a\0b": "null",
    "x" * 300: "File name too long",
}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path[:10])
def test_what_cannot_be_read_is_named_with_the_reason(path: str) -> None:
    text = fault(path)
    assert text.startswith(f"cannot read the file {path}: ")
    assert BAD[path] in text


def test_what_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"geh\xe9im")
    text = fault(tmp_path / "latin")
    assert "it is not UTF-8" in text
    assert "im" not in text.partition("UTF-8")[2]
