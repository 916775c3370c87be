"""The config file: text stands for itself, and nothing in it costs more than it is long."""

import time
from pathlib import Path
from typing import Any

import pytest

from pulse_events.configuration.config_file import LIMIT_BYTES, Config, read_config
from pulse_events.errors import SettingsError

PULSE_KEYS = frozenset({"username", "password", "hostname"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yml"


def read(path: Path, text: str, profile: str | None = None) -> Config:
    path.write_text(text)
    return read_config(path, profile, PULSE_KEYS)


def options(path: Path, text: str) -> dict[str, Any]:
    config = read(path, text)
    assert config.pulse == {}
    return config.options


def fault(path: Path, text: str, profile: str | None = None) -> str:
    with pytest.raises(SettingsError) as raised:
        read(path, text, profile)
    said = str(raised.value)
    assert "\n" not in said
    assert "geheim" not in said
    assert len(said) < 500
    assert f"the config file {path} " in said
    return said.partition(f"{path} ")[2]


WRITTEN = [
    *("0123456", "1e3", "1_000", "0x10", "0b1", "0o7", "+1", ".inf", ".nan", "1:30", "12.50"),
    *("on", "off", "yes", "No", "true", "False", "y", "n"),
    *("null", "Null", "~", "2024-01-01", "2024-01-01 00:00:00", "=", "!geheim"),
    *("p@ss", "p#ss", "-", "--", "é", "a b", "%41"),
]
QUOTED = {"!geheim", "-", "=", "%41"}
"""What YAML does not take without quotes, or takes for something else."""


@pytest.mark.parametrize("text", WRITTEN)
def test_a_text_is_taken_as_it_is_written_in_both_layouts(text: str, path: Path) -> None:
    forms = [f"'{text}'", f'"{text}"', *([] if text in QUOTED else [text])]
    for form in forms:
        assert options(path, f"password: {form}\n") == {"password": text}
        assert read(path, f"p:\n  pulse:\n    password: {form}\n").pulse == {"password": text}


def test_blanks_in_quotes_are_meant_and_the_end_of_a_block_is_not(path: Path) -> None:
    assert options(path, "a: ' x '\nb: \" y\\n\"\nc: |\n  z\n\nd: >\n  v\n  w\n") == {
        "a": " x ",
        "b": " y\n",
        "c": "z",
        "d": "v w",
    }


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "{}\n", "[]\n", "''\n", "a:\n"])
def test_what_is_left_empty_is_absent(text: str, path: Path) -> None:
    assert read(path, text) == Config({}, {})


def test_lists_are_lists_of_texts(path: Path) -> None:
    assert options(path, "exact: [a/*, 1, on]\n") == {"exact": ["a/*", "1", "on"]}


def test_keys_may_have_dashes_or_underscores_but_not_twice(path: Path) -> None:
    assert options(path, "a-b: 1\nc_d: 2\n") == {"a_b": "1", "c_d": "2"}
    assert fault(path, "a-b: 1\na_b: 2\n") == "has the key 'a_b' twice"


DUPLICATES = [
    "a: geheim\na: x\n",
    "p: {pulse: {}}\nq: {pulse: {}}\np: {pulse: {password: geheim}}\n",
    "p: {pulse: {password: geheim, password: other}}\n",
    "p: {pulse: {}, pulse: {}}\n",
]


@pytest.mark.parametrize("text", DUPLICATES)
def test_a_key_that_stands_twice_is_named_with_its_line(text: str, path: Path) -> None:
    assert "twice at line " in fault(path, text, "p")


# Aliases


def test_aliases_and_merges_mean_what_they_mean_in_yaml(path: Path) -> None:
    text = """
shared: &shared {pulse: {hostname: h, username: u}}
one: *shared
two:
  pulse:
    <<: {hostname: i, password: p}
    username: v
three:
  pulse:
    <<: [{hostname: j}, {hostname: k, password: q}]
"""
    assert read(path, text, "one").pulse == {"hostname": "h", "username": "u"}
    expected = {"hostname": "i", "password": "p", "username": "v"}
    assert read(path, text, "two").pulse == expected
    assert read(path, text, "three").pulse == {"hostname": "j", "password": "q"}


def bomb(first: str) -> str:
    lines = [f"a0: &a0 {first}\n"]
    for number in range(1, 9):
        of_one = ", ".join([f"*a{number - 1}"] * 9)
        lines.append(f"a{number}: &a{number} [{of_one}]\n")
    return "".join(lines)


BOMBS = {
    "lists": bomb("[x, x, x, x, x, x, x, x, x]"),
    "a long text": bomb("x" * 60_000),
    "sections": "".join(
        f"s{n}: &s{n} {{{', '.join(f'k{i}: *s{n - 1}' for i in range(9))}}}\n"
        if n
        else "s0: &s0 x\n"
        for n in range(10)
    ),
    "merges": "".join(
        f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}\n" if n else "m0: &m0 {k: v}\n"
        for n in range(10)
    ),
    "itself": "a: &a [*a]\n",
    "itself, merged": "a: &a {<<: *a}\n",
    "deep lists": f"a: {'[' * 30_000}",
    "deep sections": f"a: {'{a: ' * 10_000}",
    "deep blocks": "\n".join(" " * n + "a:" for n in range(300)),
    "a list of lists": f"a: {'[' * 20}{']' * 20}\n",
    "many": "".join(f"k{n}: x\n" for n in range(7000)) + "k1: y\n",
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_file_costs_no_more_than_its_length_says(name: str, path: Path) -> None:
    start_s = time.process_time()
    fault(path, BOMBS[name])
    assert time.process_time() - start_s < 5.0


def test_a_file_that_is_too_long_is_not_read(path: Path) -> None:
    text = "a: x # " + "y" * LIMIT_BYTES
    with pytest.raises(SettingsError, match="is longer than"):
        read(path, text)


# What is no config


BAD = {
    "a: b: geheim\n": "is not YAML at line 1",
    "a: [geheim\n": "is not YAML at line 2",
    'x: 1\na: "geheim\n': "is not YAML at line",
    "a: *geheim\n": "is not YAML at line 1",
    "a: 1\n---\na: geheim\n": "is not YAML at line 2",
    "\tgeheim\n": "is not YAML at line 1",
    "a: \x07geheim\n": "is not YAML",
    "geheim\n": "must hold keys and values",
    "[geheim]\n": "must hold keys and values",
    "? [geheim]\n: x\n": "has a key that is no text at line 1",
    "a: {<<: geheim}\n": "merges what is no section at line 1",
    "p: {pulse: geheim}\n": "must hold keys and values under 'pulse'",
    "p: {pulse: [geheim]}\n": "must hold keys and values under 'pulse'",
    "p: {pulse: {hostname: {x: geheim}}}\n": "must hold a text under 'hostname'",
    "p: {pulse: {colour: geheim}}\n": "has the unknown key 'colour'",
    "p: {other: geheim}\n": "has the unknown key 'other'",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_config_is_said_without_a_value(text: str, path: Path) -> None:
    assert fault(path, text).startswith(BAD[text])


def test_of_several_profiles_one_must_be_picked(path: Path) -> None:
    text = "one: {pulse: {hostname: h}}\ntwo: {pulse: {hostname: i}}\n"
    assert read(path, text, "two").pulse == {"hostname": "i"}
    assert fault(path, text) == "has several profiles; pick one of one, two with --profile"
    assert fault(path, text, "three").startswith("has no profile 'three'; pick one of one, two")
