"""Requests as bytes, and answers as statuses: HTTP as no client library would speak it."""

import re
import socket

HOST = b"Host: x\r\n"
CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PING = "/events/v1/ping"
PUBLISH = "/events/v1/publish"
BODY = b'{"exchange":"exchange/http","routingKey":"k","payload":1}'
"""One that can be published."""


def request(start: str, *fields: bytes, body: bytes = b"") -> bytes:
    """Return the bytes of a request; each of ``fields`` ends with its line break."""
    return f"{start}\r\n".encode() + HOST + b"".join(fields) + b"\r\n" + body


def get(path: str, *fields: bytes) -> bytes:
    """Return a GET."""
    return request(f"GET {path} HTTP/1.1", *fields)


def post(path: str, *fields: bytes, body: bytes = BODY) -> bytes:
    """Return a POST of known length."""
    length = b"Content-Length: %d\r\n" % len(body)
    return request(f"POST {path} HTTP/1.1", length, *fields, body=body)


def statuses(answers: bytes) -> list[int]:
    """Return the statuses of all answers, of which none has a status line in its body."""
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answers)]


def sending(port: int, sent: bytes) -> socket.socket:
    """Connect and send; the caller closes."""
    connection = socket.create_connection(("127.0.0.1", port), 10)
    try:
        connection.sendall(sent)
    except BaseException:
        connection.close()
        raise
    return connection


def everything(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes."""
    received = b""
    while chunk := connection.recv(1 << 16):
        received += chunk
    return received
