"""No password in any output and no process's title, whatever was mistyped."""

import subprocess
from pathlib import Path

import pytest

from tests.support.forked_cli import run_forked_cli
from tests.support.local_server import local_server
from tests.support.rabbit import Rabbit
from tests.support.server import CONSOLE_SCRIPT, Server, clean_environment
from tests.support.waiting import wait_until

URL = "amqp://u:geheim@127.0.0.1:1/v"

MISTAKES: dict[str, list[str | bytes]] = {
    "no command": [URL],
    "before the command": ["--broker", URL, "serve"],
    "glued, before the command": [f"--broker{URL}", "serve"],
    "a stray argument": ["serve", URL],
    "two stray arguments": ["serve", "--demo", "1", URL, "x"],
    "no blank": ["serve", f"--broker{URL}"],
    "another dash": ["serve", f"-broker={URL}"],
    "one dash": ["serve", "-b", URL],
    "a letter too few": ["serve", "--brokr", URL],
    "a letter too few, with =": ["serve", f"--brokr={URL}"],
    "another option's value": ["serve", "--port", URL],
    "the namespace's": ["serve", "--namespace", URL],
    "the host's": ["serve", "--host", URL],
    "the level's": ["serve", "--log-level", URL],
    "the root URL's": ["serve", "--taskcluster-root-url", URL],
    "the profile's": ["serve", "--config", "/dev/null", "--profile", URL, "--demo", "x"],
    "the config file's": ["serve", "--config", URL],
    "the broker file's": ["serve", "--broker-file", URL],
    "the CA file's": ["serve", "--broker", "amqps://h", "--broker-ca-file", URL],
    "http": ["serve", "--broker", "http://u:geheim@h/"],
    "capitals": ["serve", "--broker", "AMQP://u:geheim@h/"],
    "one slash": ["serve", "--broker", "amqp:/u:geheim@h/"],
    "no colon": ["serve", "--broker", "amqp//u:geheim@h/"],
    "no scheme": ["serve", "--broker", "u:geheim@h/"],
    "no host": ["serve", "--broker", "amqp://u:geheim"],
    "a slash in it": ["serve", "--broker", "amqp://u:x/geheim@h/"],
    "a slash and a port": ["serve", "--broker", "amqp://u:12/geheim@h/"],
    "cut by a blank": ["serve", "--broker", "amqp://u:x", "geheim@h/"],
    "cut by two blanks": ["serve", "--broker", "amqp://u:x", "geheim", "y@h/"],
    "a query": ["serve", "--broker", "amqp://u:x@y/?geheim=1@h/"],
    "a query's value": ["serve", "--broker", "amqp://u:x@h/?heartbeat=geheim"],
    "a question mark in it": ["serve", "--broker", "amqp://u:x@y?geheim=1@h/"],
    "not UTF-8": ["serve", "--broker", b"amqp://u:geheim\xff@h/"],
    "publish: no option": ["publish", URL, "e", "k"],
    "publish: swapped": ["publish", "--broker", "e", URL, "k"],
    "publish: one too many": ["publish", "--broker", "amqp://127.0.0.1:1/", "e", "k", "{}", URL],
    "publish: as JSON": ["publish", "--broker", "amqp://127.0.0.1:1/", "e", "k", URL],
    "publish: as the exchange": ["publish", "--broker", "amqp://127.0.0.1:1/", f"{URL}\n", "k"],
    "publish: as a key": [
        "publish",
        "--broker",
        "amqp://127.0.0.1:1/",
        "e",
        "k",
        "--cc",
        f"{URL}\n",
    ],
    "publish: a letter too few": ["publish", f"--brokr={URL}", "e", "k"],
    "publish: glued": ["publish", f"--broker{URL}", "e", "k"],
    "publish: no broker there": ["publish", "--broker", URL, "e", "k"],
    "listen: as the URL": ["listen", "-b", "e=#", URL],
    "listen: of HTTP": ["listen", "-b", "e=#", "http://u:geheim@127.0.0.1:1/"],
    "listen: no URL": ["listen", "-b", "e=#", "http://u:geheim@127.0.0.1:x/"],
    "listen: as a binding": ["listen", "-b", URL, "http://127.0.0.1:1/"],
    "listen: as seconds": ["listen", "-b", "e=#", "--stale-after", URL, "http://127.0.0.1:1/"],
    "listen: --broker": ["listen", "--broker", URL, "-b", "e=#", "http://127.0.0.1:1/"],
}

HERE = "http://127.0.0.1:1/"
UNESCAPED = [f"{scheme}://u:geheim{mark}x@h/" for scheme in ("amqp", "http") for mark in "/?#"]
"""With what ends the host in a password, so that this is taken for a port."""
COMMANDS: dict[str, list[str]] = {
    "publish": ["publish", "e", "k", "--broker"],
    "listen": ["listen", "-b", "e=#"],
    "wait": ["wait", "--task", "T"],
    "listen's proxy": ["listen", "-b", "e=#", HERE, "--proxy"],
    "wait's proxy": ["wait", "--task", "T", HERE, "--proxy"],
}

VARIABLES = {
    "PULSE_EVENTS_BROKER": "u:geheim@h",
    "PULSE_EVENTS_PORT": URL,
    "PULSE_EVENTS_NAMESPACE": URL,
    "PULSE_EVENTS_BROKER_FILE": URL,
    "PULSE_EVENTS_CONFIG": URL,
    "PULSE_CONNECTION_STRING": "amqp://u:x/geheim@h",
    "PORT": URL,
    "TRUST_PROXY": URL,
    "TASKCLUSTER_ROOT_URL": URL,
}
PULSE = {"PULSE_HOSTNAME": "h/x", "PULSE_PASSWORD": "geheim"}
CONFIGS = [
    f"broker {URL}\n",
    f"broker: {URL}:\n",
    f"? {URL}\n: x\n",
    f"{URL}: x\n",
    f"{URL}: {{pulse: {{}}}}\nother: {{pulse: {{}}}}\n",
    f"p: {{{URL!r}: x}}\n",
    f"p: {{pulse: {{{URL!r}: x}}}}\n",
    "p: {pulse: {hostname: h, password: [geheim]}}\n",
    "p: {pulse: {hostname: h, amqps: 'u:geheim@h'}}\n",
    f"port: {URL}\n",
    f"broker: [{URL}]\n",
    f"broker: {URL}\nbroker: {URL}\n",
    f"broker: {URL}\nx: {URL}\n",
    f'broker: "{URL}\n',
]


def check(done: subprocess.CompletedProcess[bytes]) -> None:
    assert done.returncode in (1, 2)
    assert b"geheim" not in done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith(b"pulse-events: ")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_is_mistyped_on_the_command_line_is_not_repeated(mistake: str) -> None:
    check(run_forked_cli(*MISTAKES[mistake]))


@pytest.mark.parametrize("url", UNESCAPED)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_password_that_is_taken_for_a_port_is_not_repeated(command: str, url: str) -> None:
    check(run_forked_cli(*COMMANDS[command], url))


@pytest.mark.parametrize("url", UNESCAPED)
@pytest.mark.parametrize("command", ["listen", "wait"])
def test_nor_is_that_of_the_variable(command: str, url: str) -> None:
    check(run_forked_cli(*COMMANDS[command], environment={"PULSE_EVENTS_URL": url}))


@pytest.mark.parametrize("proxy", [url for url in UNESCAPED if url.startswith("http:")])
@pytest.mark.parametrize("command", ["listen", "wait"])
def test_nor_is_that_of_the_environment_s_proxy(command: str, proxy: str) -> None:
    check(run_forked_cli(*COMMANDS[command], HERE, environment={"HTTP_PROXY": proxy}))


@pytest.mark.parametrize("variable", VARIABLES)
def test_what_is_mistyped_in_a_variable_is_not_repeated(variable: str) -> None:
    check(run_forked_cli("serve", environment={variable: VARIABLES[variable]}))


def test_what_makes_no_url_with_a_password_is_not_repeated() -> None:
    check(run_forked_cli("serve", environment=PULSE))


@pytest.mark.parametrize("config", CONFIGS)
def test_what_is_mistyped_in_a_config_file_is_not_repeated(config: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yml"
    path.write_text(config)
    check(run_forked_cli("serve", "--config", str(path)))


def test_the_broker_s_words_do_not_repeat_it(rabbit: Rabbit) -> None:
    check(run_forked_cli("publish", "--broker", rabbit.amqp_url, URL, "k"))


def test_a_binding_that_is_a_broker_s_url_is_not_in_the_title() -> None:
    with local_server() as server:
        url = f"http://127.0.0.1:{server.port}/"
        command = [CONSOLE_SCRIPT, "listen", "-b", f"{URL}=#", url]
        with subprocess.Popen(command, stderr=subprocess.PIPE, env=clean_environment()) as process:
            assert process.stderr is not None
            assert process.stderr.readline() == b"ready\n"
            title = Path(f"/proc/{process.pid}/cmdline").read_bytes()
            process.kill()
    assert b"geheim" not in title
    assert url.encode() in title


def test_the_title_of_a_server_shows_its_options_but_no_value_that_may_be_a_password() -> None:
    options = ["--exact", URL, "--ping-interval", "7"]
    with Server(*options, environment={"PULSE_EVENTS_BROKER": URL}) as server:
        title = Path(f"/proc/{server.pid}/cmdline").read_bytes()
        wait_until(lambda: "no broker at" in server.stderr, "a line about the broker")
        assert "geheim" not in server.stderr
    assert b"geheim" not in title
    assert b"serve" in title
    assert b"--ping-interval 7" in title
