"""Answers that are not streams: JSON and errors in Taskcluster's shape, all with CORS headers."""

import time
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from pulse_events.errors import AddressLimitReached, BindingRefused, InputError, TokenExpired
from pulse_events.times import iso_time
from pulse_events.wire.wire import CORS as CORS  # all answers have the same

_CORS_LINES = "".join(f"{name}: {value}\r\n" for name, value in CORS.items())
SERVER = "pulse-events"
"""Every answer's ``Server``, but that of a stream, which has none; no versions."""

HEAD_TOO_LONG = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

_CODES = {
    HTTPStatus.BAD_REQUEST: "InputError",
    HTTPStatus.NOT_FOUND: "ResourceNotFound",
    HTTPStatus.METHOD_NOT_ALLOWED: "MethodNotAllowed",
    HTTPStatus.GONE: "TokenExpired",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "RequestEntityTooLarge",
    HTTPStatus.REQUEST_URI_TOO_LONG: "RequestURITooLong",
    HEAD_TOO_LONG: "RequestHeaderFieldsTooLarge",
    HTTPStatus.TOO_MANY_REQUESTS: "TooManyRequests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "InternalServerError",
    HTTPStatus.SERVICE_UNAVAILABLE: "ServiceUnavailable",
}


def timestamp() -> str:
    """Return the time as the wire has it: ISO 8601, UTC, milliseconds."""
    return iso_time(time.time_ns() // 1_000_000)


def json_answer(document: Any, status: int = HTTPStatus.OK) -> web.Response:
    """Return ``document`` as a JSON answer."""
    return web.Response(
        body=orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE),
        status=status,
        content_type="application/json",
        headers={**CORS, "Cache-Control": "no-store"},
    )


def status_of(reason: Exception) -> HTTPStatus:
    """Return the status that says best whose fault ``reason`` is."""
    if isinstance(reason, InputError):
        return HTTPStatus.BAD_REQUEST
    if isinstance(reason, BindingRefused):
        return HTTPStatus.NOT_FOUND
    if isinstance(reason, TokenExpired):
        return HTTPStatus.GONE
    if isinstance(reason, AddressLimitReached):
        return HTTPStatus.TOO_MANY_REQUESTS
    return HTTPStatus.SERVICE_UNAVAILABLE


def error_document(
    status: HTTPStatus, message: str, request: web.BaseRequest | None
) -> dict[str, Any]:
    """Return an error in the shape of Taskcluster's services; ``None`` was never read."""
    return {
        "code": _CODES.get(status, status.phrase.title().replace(" ", "")),
        "message": message,
        "requestInfo": {
            "method": request.method if request else "",
            "params": dict(request.query) if request else {},
            "payload": {},
            "time": timestamp(),
        },
    }


def error_answer(
    status: HTTPStatus,
    message: str,
    request: web.BaseRequest,
    headers: dict[str, str] | None = None,
) -> web.Response:
    """Return an error as a JSON answer."""
    answer = json_answer(error_document(status, message, request), status)
    answer.headers.update(headers or {})
    return answer


def raw_answer(status: HTTPStatus, message: str, request: web.BaseRequest | None = None) -> bytes:
    """Return an error as the bytes of a whole answer, where aiohttp cannot send it."""
    body = orjson.dumps(error_document(status, message, request), option=orjson.OPT_APPEND_NEWLINE)
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n"
        "Content-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n"
        f"{_CORS_LINES}"
        "Cache-Control: no-store\r\n"
        f"Server: {SERVER}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + body
