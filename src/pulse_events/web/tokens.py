"""Tokens that stand for binding lists too long for a URL: issued by POST, redeemed by a connect.

A token is the hash of its bindings, so the same list has the same token in every process, and a
thousand clients of one page keep one copy.  It is no secret and grants nothing: who knows a token
may listen to what anybody may listen to.  Knows nothing of HTTP, nor how processes talk.
"""

import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Generic, NamedTuple, Protocol, TypeVar

from pulse_events.bindings import DEFAULT_LIMIT, BindingSet, format_bindings, parse_bindings
from pulse_events.errors import AddressLimitReached, Count, TokenExpired

LIFETIME_S = 60.0
"""A client connects right after it has got its token; this only spans a slow network."""
ENTRIES_LIMIT = 1000
SIZE_LIMIT_BYTES = 64 << 20
"""What a shelf may hold, as the length of the binding lists' JSON."""
_HASH_BYTES = 24

OWNERS_LIMIT = 4
"""Of one entry: those who posted it last; each keeps it."""

Kept = TypeVar("Kept")


class Put(NamedTuple):
    """What became of an entry, and of others for its sake."""

    is_kept: bool
    displaced: int
    """Entries that were dropped before their time."""


@dataclass(slots=True)
class _Entry(Generic[Kept]):
    kept: Kept
    size_bytes: int
    owners: dict[str, float] = field(default_factory=dict)
    """When it expires for each; who put it last is last."""


@dataclass(slots=True)
class _Holdings:
    """What one owner has on the shelf."""

    tokens: dict[str, float] = field(default_factory=dict)
    """When each expires; oldest first."""
    size_bytes: int = 0


class Shelf(Generic[Kept]):
    """What was put under tokens, for `LIFETIME_S`; bounded, pure.

    A full shelf drops the oldest entry of the owner that has most of what there is too much of, so
    that nobody can push out what somebody else needs.  A client redeems its token within moments:
    of one owner's entries the oldest is the one that is needed least.  An entry that several owners
    have put stays as long as one of them would keep it.
    """

    def __init__(
        self, *, entries_limit: int = ENTRIES_LIMIT, size_limit_bytes: int = SIZE_LIMIT_BYTES
    ) -> None:
        self._entries: dict[str, _Entry[Kept]] = {}
        self._shares: dict[str, _Holdings] = {}
        self._puts: dict[tuple[str, str], float] = {}  # owner, token: when it expires; oldest first
        self._size_bytes = 0
        self._entries_limit = entries_limit
        self._size_limit_bytes = size_limit_bytes

    def __len__(self) -> int:
        """Number of entries, expired ones that nobody asked for included."""
        return len(self._entries)

    def put(self, token: str, kept: Kept, size_bytes: int, *, owner: str, now_s: float) -> Put:
        """Keep ``kept`` under ``token`` from now on; the one that was there has a new life."""
        self._drop_expired(now_s)
        if token not in self._entries:
            self._entries[token] = _Entry(kept, size_bytes)
            self._size_bytes += size_bytes
        self._hold(owner, token, now_s + LIFETIME_S)
        owners = self._entries[token].owners
        if len(owners) > OWNERS_LIMIT:
            self._let_go(next(iter(owners)), token)
        displaced = self._make_room()
        is_kept = token in self._entries
        return Put(is_kept, displaced - (not is_kept))

    def get(self, token: str, now_s: float) -> Kept | None:
        """Return what is under ``token``; ``None`` if nothing is, or no more."""
        entry = self._entries.get(token)
        if entry is None or max(entry.owners.values()) <= now_s:
            return None
        return entry.kept

    def _hold(self, owner: str, token: str, expires_s: float) -> None:
        """Let ``owner`` have an entry, as its newest."""
        share = self._shares.setdefault(owner, _Holdings())
        if share.tokens.pop(token, None) is None:
            share.size_bytes += self._entries[token].size_bytes
        self._puts.pop((owner, token), None)
        owners = self._entries[token].owners
        owners.pop(owner, None)
        share.tokens[token] = self._puts[owner, token] = owners[owner] = expires_s

    def _let_go(self, owner: str, token: str) -> None:
        """Let ``owner`` have an entry no more; who was the last drops it."""
        entry, share = self._entries[token], self._shares[owner]
        del self._puts[owner, token], share.tokens[token], entry.owners[owner]
        share.size_bytes -= entry.size_bytes
        if not share.tokens:
            del self._shares[owner]
        if not entry.owners:
            del self._entries[token]
            self._size_bytes -= entry.size_bytes

    def _drop_expired(self, now_s: float) -> None:
        while self._puts:
            (owner, token), expires_s = next(iter(self._puts.items()))
            if expires_s > now_s:
                break
            self._let_go(owner, token)

    def _make_room(self) -> int:
        """Drop entries until there are not too many; return how many were dropped."""
        before = len(self._entries)
        while rank := self._rank():
            owner = max(self._shares, key=rank)
            self._let_go(owner, next(iter(self._shares[owner].tokens)))
        return before - len(self._entries)

    def _rank(self) -> Callable[[str], tuple[int, float]] | None:
        """Return how to find who has to let go; ``None`` if there is room.

        Of those who have as much, it is the one whose oldest entry is the oldest.
        """
        has_too_many = len(self._entries) > self._entries_limit
        if not has_too_many and self._size_bytes <= self._size_limit_bytes:
            return None

        def rank(owner: str) -> tuple[int, float]:
            share = self._shares[owner]
            amount = len(share.tokens) if has_too_many else share.size_bytes
            return amount, -next(iter(share.tokens.values()))

        return rank


class Common(Protocol):
    """A shelf that all processes of the port share; the values are the request JSON."""

    async def keep(self, token: str, text: str, owner: str) -> Put | None:
        """Put ``text`` there; it can be found when this returns.  ``None`` if nobody shares it."""

    async def find(self, token: str) -> str | None:
        """Return what is there."""


class Tokens:
    """Issues and redeems tokens for this process, and for its siblings through ``common``."""

    def __init__(
        self,
        common: Common,
        *,
        limit: int = DEFAULT_LIMIT,
        size_limit_bytes: int = SIZE_LIMIT_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._common = common
        self._limit = limit
        self._clock = clock
        self._size_limit_bytes = size_limit_bytes
        self._shelf: Shelf[BindingSet] = Shelf(size_limit_bytes=size_limit_bytes)
        self.displaced = 0
        """Entries that were dropped before their time."""

    async def issue(self, text: str, owner: str) -> str:
        """Return a token for the request JSON ``text``, which is kept in the name of ``owner``.

        Raises:
            InputError: The text is not what `parse_bindings` accepts.
            AddressLimitReached: There is no room for it; the owner has more than anybody else.
        """
        bindings = parse_bindings(text, self._limit, place="the body")
        canonical = format_bindings(bindings)
        digest = sha256(canonical.encode()).digest()[:_HASH_BYTES]
        token = urlsafe_b64encode(digest).decode()
        put = await self._common.keep(token, canonical, owner)
        own = self._shelf.put(token, bindings, len(canonical), owner=owner, now_s=self._clock())
        is_kept, displaced = put or own
        self.displaced += displaced
        if not is_kept:
            raise AddressLimitReached(
                f"there is no room for a list of {len(canonical)} bytes: {owner} would have more "
                f"than any other address, and the limit of all is {self._size_limit_bytes} bytes; "
                f"try again in {LIFETIME_S:.0f} s, or ask for fewer bindings",
                Count.REFUSED_TOKENS,
                wait_s=LIFETIME_S,
            )
        return token

    async def redeem(self, token: str, owner: str) -> BindingSet:
        """Return the bindings that ``token`` stands for; it can be redeemed again.

        Args:
            token: What a client says.
            owner: In whose name the bindings are kept here, if another process has them.

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
            self._shelf.put(token, bindings, len(text), owner=owner, now_s=self._clock())
        return bindings
