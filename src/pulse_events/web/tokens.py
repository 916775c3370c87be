"""Tokens that stand for binding lists too long for a URL: issued by POST, redeemed by a connect.

A token is the hash of its bindings, so the same list has the same token in every process, and a
thousand clients of one page keep one copy.  It is no secret and grants nothing: who knows a token
may listen to what anybody may listen to.  Knows nothing of HTTP, nor how processes talk.
"""

import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Generic, Protocol, TypeVar

from pulse_events.bindings import DEFAULT_LIMIT, BindingSet, format_bindings, parse_bindings
from pulse_events.errors import TokenExpired

LIFETIME_S = 60.0
"""A client connects right after it has got its token; this only spans a slow network."""
ENTRIES_LIMIT = 1000
SIZE_LIMIT_BYTES = 64 << 20
"""What a shelf may hold, as the length of the binding lists' JSON."""
_HASH_BYTES = 24

Kept = TypeVar("Kept")


class Shelf(Generic[Kept]):
    """What was put under tokens, for `LIFETIME_S`; bounded, pure.

    A full shelf drops its oldest entries: a client redeems its token within moments, so an old
    entry is the one that is needed least.
    """

    def __init__(
        self, *, entries_limit: int = ENTRIES_LIMIT, size_limit_bytes: int = SIZE_LIMIT_BYTES
    ) -> None:
        self._entries: OrderedDict[str, tuple[Kept, int, float]] = OrderedDict()
        self._size_bytes = 0
        self._entries_limit = entries_limit
        self._size_limit_bytes = size_limit_bytes

    def __len__(self) -> int:
        """Number of entries, expired ones that nobody asked for included."""
        return len(self._entries)

    def put(self, token: str, kept: Kept, size_bytes: int, now_s: float) -> None:
        """Keep ``kept`` under ``token`` from now on; the one that was there has a new life."""
        self._drop(token)
        self._entries[token] = (kept, size_bytes, now_s + LIFETIME_S)
        self._size_bytes += size_bytes
        while self._entries and self._must_shrink(now_s):
            self._drop(next(iter(self._entries)))

    def get(self, token: str, now_s: float) -> Kept | None:
        """Return what is under ``token``; ``None`` if nothing is, or no more."""
        kept, _, expires_s = self._entries.get(token, (None, 0, 0.0))
        return kept if now_s < expires_s else None

    def _must_shrink(self, now_s: float) -> bool:
        _, _, expires_s = next(iter(self._entries.values()))
        return (
            expires_s <= now_s
            or len(self._entries) > self._entries_limit
            or self._size_bytes > self._size_limit_bytes
        )

    def _drop(self, token: str) -> None:
        _, size_bytes, _ = self._entries.pop(token, (None, 0, 0.0))
        self._size_bytes -= size_bytes


class Common(Protocol):
    """A shelf that all processes of the port share; the values are the request JSON."""

    async def keep(self, token: str, text: str) -> None:
        """Put ``text`` there; it can be found when this returns."""

    async def find(self, token: str) -> str | None:
        """Return what is there."""


class Tokens:
    """Issues and redeems tokens for this process, and for its siblings through ``common``."""

    def __init__(
        self,
        common: Common,
        *,
        limit: int = DEFAULT_LIMIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._common = common
        self._limit = limit
        self._clock = clock
        self._shelf: Shelf[BindingSet] = Shelf()

    async def issue(self, text: str) -> str:
        """Return a token for the request JSON ``text``.

        Raises:
            InputError: The text is not what `parse_bindings` accepts.
        """
        bindings = parse_bindings(text, self._limit, place="the body")
        canonical = format_bindings(bindings)
        digest = sha256(canonical.encode()).digest()[:_HASH_BYTES]
        token = urlsafe_b64encode(digest).decode()
        await self._common.keep(token, canonical)
        self._shelf.put(token, bindings, len(canonical), self._clock())
        return token

    async def redeem(self, token: str) -> BindingSet:
        """Return the bindings that ``token`` stands for; it can be redeemed again.

        Raises:
            TokenExpired: No process of this server knows it, or no more.
        """
        bindings = self._shelf.get(token, self._clock())
        if bindings is None:
            text = await self._common.find(token)
            if text is None:
                raise TokenExpired(
                    "the token is unknown or expired (it lasts "
                    f"{LIFETIME_S:.0f} s); POST the bindings again"
                )
            bindings = parse_bindings(text, self._limit)
            self._shelf.put(token, bindings, len(text), self._clock())
        return bindings
