"""``pulse-events explain``: patterns in words, fields of Taskcluster's keys by their names."""

import pytest

from tests.support.forked_cli import run_forked_cli

QUEUE = "exchange/taskcluster-queue/v1"


def explained(*pairs: str) -> list[str]:
    """Return the lines that are printed."""
    done = run_forked_cli("explain", *pairs)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().splitlines()


def test_each_word_of_a_key_of_taskclusters_has_its_name() -> None:
    others = "workerType, schedulerId, taskGroupId, reserved"
    assert explained(f"{QUEUE}/task-completed=primary.*.0.*._.proj.#") == [
        f"{QUEUE}/task-completed: taskCompleted, from Taskcluster's queue service",
        "primary.*.0.*._.proj.# matches keys of 6 words or more",
        "    1  primary  routingKeyKind is primary",
        "    2  *        any taskId",
        "    3  0        runId is 0",
        "    4  *        any workerGroup",
        "    5  _        workerId is _",
        "    6  proj     provisionerId is proj",
        f"       #        any number of words, also none: {others}",
    ]


HOLDS = {
    "an absent field": (f"{QUEUE}/task-failed=primary.t._.#", "no runId: _ stands for an absent"),
    "one that may be": (f"{QUEUE}/task-failed=primary.t.*.#", "any runId; _ where it is absent"),
    "many words": ("exchange/taskcluster-notify/v1/notification=primary.*", "may be several words"),
    "everything": ("e=#", "# matches every message of the exchange"),
    "one key": ("e=a.b", "a.b matches the one key that is spelled so"),
    "one word": ("e=*", "* matches keys of 1 word"),
    "the empty pattern": ("e=", "the empty pattern matches the empty key"),
    "a pattern with an equals sign": ("e=a=b", "a=b matches the one key"),
    "another spelling": ("e=a.#.*.#", "a.#.*.#, as a.*.# does, matches keys of 2 words or more"),
    "no wildcard": ("e=gecko*", "gecko* is no wildcard"),
    "unknown": ("e=#", "none of Taskcluster's exchanges"),
    "mistyped": (f"{QUEUE}/task-complete=#", f"did you mean {QUEUE}/task-completed?"),
    "too few words": (f"{QUEUE}/task-failed=primary.x", "end the pattern with .#"),
    "too many words": ("exchange/taskcluster-github/v1/push=primary.a.b.c", "have 3 words;"),
    "another beginning": (f"{QUEUE}/task-failed=secondary.#", "begin with primary"),
    "routes": (f"{QUEUE}/task-failed=route.index.#", "a task's routes, which stand in CC"),
}


@pytest.mark.parametrize(("pair", "part"), HOLDS.values(), ids=HOLDS)
def test_it_says(pair: str, part: str) -> None:
    assert part in "\n".join(explained(pair))


def test_what_is_right_raises_no_doubts() -> None:
    for pattern in ("#", "primary.#", "*.x.#", "primary.1.2.3.4.5.6.7.8._", "route.x"):
        assert not any("matches no" in line for line in explained(f"{QUEUE}/task-failed={pattern}"))


def test_of_a_route_no_word_is_named_as_a_field() -> None:
    assert not any("taskId" in line for line in explained(f"{QUEUE}/task-failed=route.*.#"))


def test_several_are_explained_one_after_the_other() -> None:
    assert explained("e=a", "f=b").count("") == 1


WRONG = {
    "nothing": ([], "EXCHANGE=PATTERN"),
    "no pattern": (["exchange"], "'exchange' is not EXCHANGE=PATTERN"),
    "too long": ([f"e={'p' * 256}"], "256 bytes, the limit is 255"),
    "a control character": (["e=\x1b"], "control character"),
}


@pytest.mark.parametrize(("arguments", "part"), WRONG.values(), ids=WRONG)
def test_wrong_use_is_one_line_and_code_2(arguments: list[str], part: str) -> None:
    done = run_forked_cli("explain", *arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    (line,) = done.stderr.decode().splitlines()
    assert part in line
