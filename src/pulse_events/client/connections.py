"""What both worlds need of httpx: its settings, its failures as ours.  Reads clocks and chance."""

import logging
import os
import random
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import httpx

from pulse_events.client.answers import Head
from pulse_events.client.course import Course, Open, Outside, Wait, Warn
from pulse_events.client.items import one_line
from pulse_events.client.terms import Terms
from pulse_events.errors import ConnectionLost, InputError, SettingsError

_log = logging.getLogger("pulse_events")


class Unusable(InputError, SettingsError):
    """No connection can be made with the URL, the proxy or the CA file: nobody was asked.

    Also for a proxy of the environment.  As a `SettingsError` it ends a command as wrong use does:
    the code 1 of ``wait`` would say that a task failed.
    """


def course_of(terms: Terms, kind: type[httpx.Client | httpx.AsyncClient]) -> Course:
    """Return the course of a listening in this world.

    Raises:
        InputError: The user's client is not of ``kind``.
    """
    if terms.client is not None and not isinstance(terms.client, kind):
        raise InputError(f"client is {terms.client!r:.80}, which is not an httpx.{kind.__name__}")
    theirs = terms.client.headers.get("User-Agent", "") if terms.client is not None else ""
    is_httpx_own = not theirs or theirs.startswith("python-httpx/")
    agent = f"pulse-events/{version('pulse-events')}" if is_httpx_own else None
    return Course(terms, Outside(agent, random.random, lambda: datetime.now(UTC), time.monotonic))


def tell(terms: Terms, step: Wait | Warn) -> None:
    """Tell the user what a step is about: by ``on_retry``, else in the log."""
    if isinstance(step, Warn):
        _log.warning("%s", step.gap)
    elif terms.on_retry is None:
        _log.info("%s; again in %.1f s", step.why, step.seconds)
    else:
        terms.on_retry(step.why, step.seconds)


def client_options(terms: Terms) -> dict[str, Any]:
    """Return what a client of ours is made with.

    Raises:
        Unusable: ``ca_file`` is.
    """
    if terms.ca_file is None:
        context = _system_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
    else:
        context = ssl.create_default_context()  # its own: nobody else is to trust the file
        try:
            context.load_verify_locations(terms.ca_file)
        except (OSError, TypeError, ValueError) as error:
            raise Unusable(f"the CA file {terms.ca_file} cannot be used: {error}") from None
    return {"verify": context, "proxy": terms.proxy, "follow_redirects": True}


@lru_cache(maxsize=1)
def _system_context(_file: str | None, _folder: str | None) -> ssl.SSLContext:
    """Return a context that trusts the system's CAs, as the environment says where they are.

    Reading them takes 20 ms, most of what a listening takes to begin.
    """
    # Not httpx's default: that trusts a list of its own, and not what an administrator added.
    return ssl.create_default_context()


@contextmanager
def proxies_checked() -> Iterator[None]:
    """Have a proxy that cannot be used, given or of the environment, raise `Unusable`."""
    try:
        yield
    except (ValueError, TypeError, AttributeError, ImportError, httpx.InvalidURL) as error:
        # Only the words about a missing package are passed on: the others may quote a password.
        is_missing = isinstance(error, ImportError)
        why = one_line(error) if is_missing else "it is no URL like http://user:password@host:port"
        raise Unusable(f"the proxy cannot be used: {why}") from None


def request_of(client: httpx.Client | httpx.AsyncClient, terms: Terms, step: Open) -> httpx.Request:
    """Return the request of a step, with its timeouts."""
    method = "GET" if step.content is None else "POST"
    timeout = httpx.Timeout(terms.connect_timeout_s, read=step.within_s)
    return client.build_request(
        method, step.url, headers=step.headers, content=step.content, timeout=timeout
    )


def head_of(response: httpx.Response) -> Head:
    """Return what counts of a response's head."""
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Head(response.status_code, content_type, response.headers.get("Retry-After", ""))


@contextmanager
def failures_told(terms: Terms) -> Iterator[None]:
    """Have what httpx raises be our errors."""
    try:
        yield
    except httpx.ConnectTimeout:
        raise ConnectionLost(f"cannot connect to {terms.endpoint.origin} in time") from None
    except (httpx.TimeoutException, TimeoutError):
        raise ConnectionLost("nothing came for too long") from None
    except httpx.ConnectError as error:
        text = f"cannot connect to {terms.endpoint.origin}: {_why(error)}"
        raise ConnectionLost(text) from error
    except httpx.ProxyError as error:
        raise ConnectionLost(f"the proxy refuses: {one_line(error)}") from error
    except httpx.InvalidURL as error:
        raise Unusable(f"{terms.endpoint.public!r} is not a URL: {error}") from None
    except (httpx.HTTPError, httpx.StreamError, OSError, UnicodeError) as error:
        # UnicodeError: no host is named so
        raise ConnectionLost(one_line(error) or type(error).__name__) from error


def _why(error: httpx.ConnectError) -> str:
    """Return the words of what lies below: httpx's own say that all attempts failed."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, BaseExceptionGroup):
            below = below.exceptions[0]  # of several addresses
        if isinstance(below, ConnectionError) and below.errno:
            return os.strerror(below.errno)  # asyncio's own words are others
        if isinstance(below, OSError) and below.strerror:
            return below.strerror
        below = below.__cause__ or below.__context__  # httpcore raises "from None"
    return str(error) or type(error).__name__
