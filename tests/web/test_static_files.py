"""Static files over HTTP, and that the wheel holds them."""

import gzip
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from pulse_events.web.static_files import static_routes
from tests.support.local_server import LocalServer
from tests.support.raw_stream import RawStream

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "src" / "pulse_events" / "web" / "static"


def get(server: LocalServer, target: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a GET."""
    with RawStream(server.port, target, headers=headers) as answer:
        head = answer.head()
        return head.status, dict(head.headers), answer.content(head)


@pytest.mark.parametrize(
    "target",
    [
        "/events/v1/client.js",
        "/api/events/v1/client.js",
        "/events/v1/pulse-events.js",
        "/static/pulse-events.js",
    ],
)
def test_the_client_is_a_module_for_every_origin(server: LocalServer, target: str) -> None:
    status, headers, body = get(server, target)
    assert status == 200
    assert body == (STATIC / "pulse-events.js").read_bytes()
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["x-content-type-options"] == "nosniff"


def test_every_part_of_the_client_is_where_its_imports_look(server: LocalServer) -> None:
    names = ["pulse-events-worker.js", *(f"client/{p.name}" for p in (STATIC / "client").iterdir())]
    for name in names:
        for prefix in ("/events/v1", "/api/events/v1", "/static"):
            assert get(server, f"{prefix}/{name}")[2] == (STATIC / name).read_bytes()


def test_a_client_that_has_the_file_gets_304(server: LocalServer) -> None:
    _, headers, _ = get(server, "/static/package.json")
    assert headers["cache-control"] == "no-cache"
    assert headers["content-type"] == "application/json"
    tag = headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, again, body = get(server, "/static/package.json", **{"If-None-Match": known})
        assert (status, body, again["etag"]) == (304, b"", tag)
    assert get(server, "/static/package.json", **{"If-None-Match": '"other"'})[0] == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("*", None),
        ("gzip", "gzip"),
        ("gzip, deflate", "gzip"),
        ("GZIP;q=0.5, br;q=0", "gzip"),
        ("gzip;q=0, br;q=0.0", None),
        ("gzip, deflate, br, zstd", "br"),
    ],
)
def test_a_file_is_packed_as_the_client_can_read_it(
    server: LocalServer, accepted: str, coding: str | None
) -> None:
    path = next((STATIC / "page").glob("main-*.js"))
    status, headers, body = get(
        server, f"/static/page/{path.name}", **{"Accept-Encoding": accepted}
    )
    assert (status, headers.get("content-encoding")) == (200, coding)
    assert headers["vary"] == "Accept-Encoding"
    packed = {"gzip": gzip.compress(path.read_bytes(), mtime=0)}
    packed["br"] = path.with_name(f"{path.name}.br").read_bytes()
    assert body == (packed[coding] if coding else path.read_bytes())


def test_each_form_of_a_file_has_a_tag_of_its_own_and_any_of_them_is_known(
    server: LocalServer,
) -> None:
    target = f"/static/page/{next((STATIC / 'page').glob('main-*.js')).name}"
    codings = ("identity", "gzip", "br")
    tags = [get(server, target, **{"Accept-Encoding": coding})[1]["etag"] for coding in codings]
    assert len(set(tags)) == len(codings)
    for tag in tags:
        assert get(server, target, **{"If-None-Match": tag})[0] == 304


def test_what_has_its_hash_in_its_name_need_never_be_asked_for_again(server: LocalServer) -> None:
    built = [path for path in (STATIC / "page").iterdir() if path.suffix in {".js", ".css"}]
    assert len(built) > 3
    for path in built:
        headers = get(server, f"/static/page/{path.name}")[1]
        assert headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "target",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/client",
        "/static/client/",
        "/static/",
        "/static/nothing.js",
        "/events/v1/package.json",
        "/static/page/index.html",
        "/static/inspector/index.html",
        f"/static/page/{next((STATIC / 'page').glob('main-*.br')).name}",
    ],
)
def test_nothing_outside_the_table_is_served(server: LocalServer, target: str) -> None:
    assert get(server, target)[0] == 404


async def test_a_debugger_is_told_where_the_map_of_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    for name in ("a-1.js", "a-1.js.map", "b-2.js"):
        (tmp_path / "page" / name).write_text("1")
    routes = static_routes(tmp_path)
    request = make_mocked_request("GET", "/")
    told = [
        (await routes[f"/static/page/{name}"](request)).headers.get("SourceMap")
        for name in ("a-1.js", "b-2.js")
    ]
    assert told == ["a-1.js.map", None]


def test_other_methods_get_what_http_says(server: LocalServer) -> None:
    with RawStream(server.port, "/events/v1/client.js", method="HEAD") as answer:
        head = answer.head()
        length = len((STATIC / "pulse-events.js").read_bytes())
        assert (head.status, head.headers["content-length"]) == (200, str(length))
    with RawStream(server.port, "/events/v1/client.js", method="POST") as answer:
        head = answer.head()
        assert (head.status, head.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_the_wheel_holds_every_static_file(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=25)
    (wheel,) = tmp_path.glob("*.whl")
    files = [path for path in STATIC.rglob("*") if path.is_file() and path.suffix != ".map"]
    wanted = {f"pulse_events/web/static/{path.relative_to(STATIC).as_posix()}" for path in files}
    with zipfile.ZipFile(wheel) as archive:
        assert wanted <= set(archive.namelist())
